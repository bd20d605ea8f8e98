"""Ask for, generate, check, store and replace the secrets of a deployed stack."""
