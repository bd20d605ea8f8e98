"""Mutation testing: change the product's code in one place, and see whether a test fails."""
