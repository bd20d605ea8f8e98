"""The local stack: what Topup needs from AWS and Stripe, on this machine (`python -m local`)."""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[1]  # the checkout, or what the test kit has of it
LAYER = Path("layers/topup")
