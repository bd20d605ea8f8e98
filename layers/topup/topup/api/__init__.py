"""The HTTP edge: who is calling, what a request says, and how a response reads."""
