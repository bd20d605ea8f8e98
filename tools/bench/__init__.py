"""`make bench-cold`, `make bench-warm` and `python -m tools.bench.ledger`, with what they share."""
