"""Topup: prepaid credits sold through Stripe."""
