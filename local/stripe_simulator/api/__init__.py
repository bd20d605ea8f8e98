"""The REST API: requests and Stripe's responses."""
