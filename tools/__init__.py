"""What developers run, each with a target of the Makefile."""
