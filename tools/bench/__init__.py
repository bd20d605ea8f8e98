"""`make bench-cold`, `make bench-warm`, `make bench-ledger`, `make bench-audit`, `python -m tools.bench.expiry`."""
