"""The parts of AWS that the stack needs, emulated: API Gateway, Lambda, DynamoDB with TTL and streams."""
