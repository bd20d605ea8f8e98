"""Make a refund at Stripe, find one whose answer was lost, and list what else took money of its payment."""

from collections.abc import Iterator
from typing import Any

from topup.domain.orders import Order, Release
from topup.domain.reversals import Reversal
from topup.domain.updates import ReversalUpdate
from topup.stripe_gateway import reversals
from topup.stripe_gateway.client import check_mode, client, load, own_key, translate_errors
from topup.stripe_gateway.sessions import order_metadata
from topup.stripe_gateway.translation import Json

LONGEST_METADATA = 500  # characters of a value (Stripe API, metadata)
_REASONS = ("duplicate", "fraudulent", "requested_by_customer")
_SYNONYMS = {"customer request": "requested_by_customer", "duplicate payment": "duplicate"}


def load_refunds() -> None:
    """Load what asks Stripe about refunds: for the start of a function that always does."""
    load(lambda stripe: stripe.v1.refunds)


def create_refund(order: Order, refund: Reversal) -> ReversalUpdate:
    """Make the refund; its id and attempt are the idempotency key, so the same attempt makes one. Stripe keeps keys
    for a day at least, and makes another refund after that. Raises StripeFailed, Busy.

    Source: Stripe API, Refund object.
    """
    check_mode(order)
    with translate_errors():
        # Without retries: the refund is stored as in flight, and its next request, or reconcile, tries again.
        made = client(retries=0).v1.refunds.create(
            refund_params(order, refund),  # type: ignore[arg-type]  # checked against Stripe's own types by a test
            {"idempotency_key": _idempotency_key(refund)},
        )
    return reversals.refund_update(made.to_dict(), order.payment_id)


def refund_intent(order: Order, release: Release) -> None:
    """Give back all that is left of a payment of the order's that was refused; raises StripeFailed, Busy.

    Stripe refuses to give back more than there is, so a repeated request makes no second refund.
    """
    params: Any = {
        "payment_intent": release.intent,
        "metadata": order_metadata(order) | {"release": release.reason[:LONGEST_METADATA]},
    }
    check_mode(order)
    with translate_errors():
        client(retries=0).v1.refunds.create(params)


def find_refund(order: Order, refund: Reversal) -> ReversalUpdate | None:
    """The refund at Stripe, if it was made; raises StripeFailed, Busy."""
    check_mode(order)
    with translate_errors():
        for made in _refunds_of(order):
            if (made.get("metadata") or {}).get("refund_id") == refund.reversal_id:
                return reversals.refund_update(made, order.payment_id)
    return None


def _refunds_of(order: Order) -> Iterator[Json]:
    # Without retries: who looks for a refund has more to ask, and looks again another time.
    listed = client(retries=0).v1.refunds.list(_of_payment(order))
    return (refund.to_dict() for refund in listed.auto_paging_iter())


def _of_payment(order: Order) -> Any:
    return {"payment_intent": str(order.transaction_id), "limit": 100}


def _idempotency_key(refund: Reversal) -> str:
    if refund.tried_at is None:  # begun by a version that used this key, which may be asking Stripe at this moment
        return refund.reversal_id
    return own_key(refund.reversal_id, *([refund.attempt] if refund.attempt > 1 else []))


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
