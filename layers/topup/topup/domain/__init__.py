"""What Topup decides: pure functions over frozen values; no I/O, no clock, the standard library alone."""
