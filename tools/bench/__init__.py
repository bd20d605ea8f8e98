"""`make bench-cold`, `make bench-warm`, `make bench-ledger` and `python -m tools.bench.expiry`, and what they share."""
