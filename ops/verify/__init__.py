"""`verify`: one run of everything on a stack in Stripe's test mode, and how true to Stripe its simulator is."""
