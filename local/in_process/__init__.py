"""The handlers, DynamoDB and Stripe in this process: for tests, the cost page and the benchmarks."""
