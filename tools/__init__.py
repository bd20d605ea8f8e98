"""What developers and operators run now and then, each by a target of the Makefile."""
