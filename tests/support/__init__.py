"""Shared by the tests: builders, a ledger in memory, property settings, Stripe at the wire, DynamoDB Local."""
