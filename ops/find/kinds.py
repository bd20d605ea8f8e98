"""What a person has at hand, by its form: as the console's search field decides it (static/kinds.js)."""

import re

EMAIL = "email"
USER = "user"  # whatever has none of these forms

FORMS = (
    ("payment_id", r"^[0-9a-f]{8}-([0-9a-f]{4}-){3}[0-9a-f]{12}$"),
    ("session", r"^cs_(test|live)_\w+$"),
    ("payment_intent", r"^pi_\w+$"),
    ("charge", r"^(ch|py)_\w+$"),
    (EMAIL, r"^[^@\s]+@[^@\s]+\.[^@\s]+$"),
)
IN_WORDS = {
    "payment_id": "a payment with this id",
    "session": "a payment with this Checkout Session at Stripe",
    "payment_intent": "a payment with this payment intent at Stripe",
    "charge": "a payment with this charge at Stripe",
    EMAIL: "payments whose buyer gave this address on the pay page",
    USER: "a user with this id",
}
# Ids of Stripe's that lead to no payment by themselves, and what to look for in its Dashboard instead.
OTHERS = re.compile(r"(re|pyr|dp|du|evt|in|cus|txn|issfr)_\w+", re.ASCII)
_IN_AN_ADDRESS = re.compile(r"(?:cs_(?:test|live)|pi|ch|py)_\w+", re.ASCII)


def cleaned(text: str) -> str:
    """The text without what was copied with it; of an address of a pay page or of the Dashboard, the id in it."""
    text = text.strip().strip("'\"<>")
    inside = _IN_AN_ADDRESS.search(text) if text.startswith(("https://", "http://")) else None
    return inside.group() if inside else text


def kind_of(text: str) -> str:
    return next((kind for kind, form in FORMS if re.match(form, text, re.ASCII | re.IGNORECASE)), USER)
