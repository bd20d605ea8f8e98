"""What Stripe answers in the benchmarks: the fields that the gateway reads of each object."""

from collections.abc import Mapping
from typing import Any

from tools.generate import events
from topup.domain import idempotency

UNPAID_KEY = "bench-cancel-checkout"
UNPAID_ORDER = idempotency.id_from_key(events.USER, UNPAID_KEY)  # the order that is cancelled
SECOND_INTENT = "pi_second"  # it has paid an order that was paid before, so it is refused until it is released

_SESSION = {
    "id": "cs_test_bench",
    "object": "checkout.session",
    "livemode": False,
    "metadata": {"order_id": UNPAID_ORDER, "user_id": events.USER, "topup_stack": events.STACK, "attempt": "1"},
    "payment_intent": None,
    "payment_status": "unpaid",
    "status": "open",
}
_INTENT = {
    "id": SECOND_INTENT,
    "object": "payment_intent",
    "amount": 10000,
    "amount_received": 10000,
    "currency": "cny",
    "livemode": False,
    "metadata": {"order_id": events.ORDER, "user_id": events.USER, "topup_stack": events.STACK},
    "status": "succeeded",
}
_REFUND = {
    "id": "re_bench",
    "object": "refund",
    "amount": 2500,
    "currency": "cny",
    "status": "succeeded",
    "created": 0,
    "metadata": {},
}
_NOTHING = {"object": "list", "has_more": False, "data": []}
_ADDRESS = f"https://checkout.stripe.com/c/pay/cs_test_bench#{'f' * 320}"  # as long as Stripe's own

# By method and path.
RESPONSES: Mapping[tuple[str, str], Mapping[str, Any]] = {
    ("POST", "/v1/checkout/sessions"): {**_SESSION, "url": _ADDRESS},
    ("GET", "/v1/checkout/sessions/cs_test_bench"): _SESSION,
    ("POST", "/v1/checkout/sessions/cs_test_bench/expire"): {**_SESSION, "status": "expired"},
    ("GET", f"/v1/payment_intents/{SECOND_INTENT}"): _INTENT,
    ("POST", "/v1/refunds"): _REFUND,
    ("GET", "/v1/refunds"): _NOTHING,
    ("GET", "/v1/events"): _NOTHING,
    ("GET", "/v1/disputes"): _NOTHING,
    ("GET", "/v1/radar/early_fraud_warnings"): _NOTHING,
}
