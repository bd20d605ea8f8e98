"""Deliver events for the one order of these tests, and see what they did."""

from typing import Any

from local.in_process.api import Api, ApiResponse, as_user
from tests.support.builders import PAYMENT_ID
from tests.support.stripe_events import as_bytes, signature

COMPLETED = "checkout.session.completed"
SUCCEEDED = "payment_intent.succeeded"
DECLINED = "payment_intent.payment_failed"


def deliver(api: Api, an_event: dict[str, Any]) -> ApiResponse:
    body = as_bytes(an_event)
    header = signature(body, int(api.now.timestamp()))
    return api.post("/api/payments/webhook/stripe", raw=body, headers={"Stripe-Signature": header})


def granted(api: Api) -> list[int]:
    """The amounts of the user's ledger, oldest first, after checking that they add up."""
    history = api.get("/api/users/credits/transactions?limit=100", as_user()).json()
    entries = history["transactions"][::-1]
    assert [entry["balance_after"] for entry in entries] == [
        sum(entry["amount"] for entry in entries[: number + 1]) for number in range(len(entries))
    ]
    return [entry["amount"] for entry in entries]


def status(api: Api) -> str:
    """The status of the order's payment, as its owner reads it."""
    return str(api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()["status"])
