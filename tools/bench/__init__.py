"""What `make bench-cold` and `make bench-warm` share: built layers, canned answers, the functions' processes."""
