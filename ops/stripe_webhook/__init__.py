"""Set up, rotate and inspect Stripe's webhook endpoint."""
