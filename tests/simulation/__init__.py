"""A deterministic simulation: the real handlers run through random histories with faults, each made from a seed."""
