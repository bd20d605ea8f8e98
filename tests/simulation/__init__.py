"""A deterministic simulation: the real handlers, live through histories that a seed makes up, faults included."""
