"""The hosted pay page."""
