"""Check that a stack is configured as it must be."""
