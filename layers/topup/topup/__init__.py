"""Topup: prepaid credits sold through Stripe."""

import gc
import os

from topup.runtime import bundles

# Imports make hundreds of thousands of objects, and keep them. By default Python looks for garbage among them about
# forty times while a function starts, and finds none. A request makes a few thousand objects.
gc.set_threshold(100_000)

# Before anything else is imported: these hold what nearly all modules need, and themselves.
_FOLDER = os.path.dirname(os.path.dirname(__file__))  # noqa: PTH120 - pathlib has expressions, which are prepared
bundles.use(_FOLDER)
from topup.runtime import prepared  # noqa: E402 - out of a bundle

prepared.use(_FOLDER)
