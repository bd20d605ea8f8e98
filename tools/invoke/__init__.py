"""`make invoke`: one function in its container, with its event."""
