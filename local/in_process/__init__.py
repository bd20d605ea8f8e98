"""The handlers, DynamoDB and Stripe in this process: for tests, for the cost page and for the benchmarks."""
