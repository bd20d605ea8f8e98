"""A purchase from the terminal, step by step."""
