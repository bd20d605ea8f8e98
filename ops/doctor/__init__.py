"""Check that a stack is configured correctly."""
