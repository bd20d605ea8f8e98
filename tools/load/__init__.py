"""The load run: planned jobs, the actors who do them, faults meanwhile, and a check of the credits at the end."""
