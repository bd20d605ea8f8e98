"""The parts of AWS that the stack runs on, played here: API Gateway, Lambda, DynamoDB with TTL and streams."""
