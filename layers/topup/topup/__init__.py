"""Topup: prepaid credits sold through Stripe."""

import gc

# Imports make hundreds of thousands of objects, and keep them. By default Python looks for garbage among them about
# forty times while a function starts, and finds none. A request makes a few thousand objects.
gc.set_threshold(100_000)
