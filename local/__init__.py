"""The local stack: everything that Topup needs from AWS and Stripe, on this machine (`python -m local`)."""
