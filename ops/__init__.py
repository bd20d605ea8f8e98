"""What an operator runs against the local stack or a deployed one: `python -m ops`."""
