"""Make a refund at Stripe, and find one whose answer was lost."""

from typing import Any

from topup.domain.orders import Order
from topup.domain.reversals import Reversal
from topup.domain.updates import ReversalUpdate
from topup.stripe_gateway import reversals
from topup.stripe_gateway.client import client, translate_errors
from topup.stripe_gateway.sessions import order_metadata

LONGEST_METADATA = 500  # characters of a value (Stripe API, metadata)
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_SYNONYMS = {"customer request": "requested_by_customer", "duplicate payment": "duplicate"}


def create_refund(order: Order, refund: Reversal) -> ReversalUpdate:
    """Make the refund; its id is the idempotency key, so the same one is made once. Raises StripeFailed, Busy.

    Source: Stripe API, Refund object.
    """
    with translate_errors():
        # Without retries: the refund is stored as in flight, and its next request, or reconcile, tries again.
        made = client(retries=0).v1.refunds.create(
            refund_params(order, refund),  # type: ignore[arg-type]  # checked against Stripe's own types by a test
            {"idempotency_key": refund.reversal_id},
        )
    return reversals.refund_update(made.to_dict(), order.payment_id)


def find_refund(order: Order, refund: Reversal) -> ReversalUpdate | None:
    """The refund at Stripe, if it was made; raises StripeFailed, Busy."""
    with translate_errors():
        listed = client().v1.refunds.list({"payment_intent": str(order.transaction_id), "limit": 100})
        for listed_refund in listed.auto_paging_iter():
            made = listed_refund.to_dict()
            if (made.get("metadata") or {}).get("refund_id") == refund.reversal_id:
                return reversals.refund_update(made, order.payment_id)
    return None


def refund_params(order: Order, refund: Reversal) -> dict[str, Any]:
    """The refund's parameters. Stripe's `reason` allows three words, so the reason as given goes into the metadata."""
    given = (refund.reason or "").strip().lower()
    reason = _SYNONYMS.get(given, given.replace(" ", "_"))
    return {
        "payment_intent": order.transaction_id,
        "amount": refund.amount_minor,
        "metadata": order_metadata(order)
        | {"refund_id": refund.reversal_id}
        | ({"reason": refund.reason[:LONGEST_METADATA]} if refund.reason else {}),
        **({"reason": reason} if reason in _REASONS else {}),
    }
