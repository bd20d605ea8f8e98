"""The REST API: what a request may say, and what Stripe answers."""
