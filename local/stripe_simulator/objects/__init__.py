"""Stripe's objects, as the API returns them at the simulated version."""
