"""One function in its container, with its event."""
