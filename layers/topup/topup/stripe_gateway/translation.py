"""Stripe's objects in Topup's words, from plain JSON: a webhook's, a list's or a response's."""

from collections.abc import Mapping
from typing import Any

from topup.domain import idempotency, orders
from topup.domain.reversals import Kind, Reversal, ReversalStatus
from topup.domain.updates import (
    CheckoutExpired,
    PaymentDeclined,
    PaymentFailed,
    PaymentProcessing,
    PaymentReceived,
    PaymentUpdate,
    ReversalUpdate,
)
from topup.runtime import config
from topup.stripe_gateway import parsing

Json = Mapping[str, Any]

REFUND_STATUSES = frozenset(
    {ReversalStatus.PENDING, ReversalStatus.SUCCEEDED, ReversalStatus.FAILED, ReversalStatus.CANCELED}
)
PAID = ("paid", "no_payment_required")  # the latter for a price of zero, which no package has

REFUND_EVENTS = ("refund.created", "refund.updated", "refund.failed")
DISPUTE_EVENTS = (
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
REVERSAL_EVENTS = REFUND_EVENTS + DISPUTE_EVENTS
# What the webhook endpoint has to be registered for.
EVENT_TYPES = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    *REVERSAL_EVENTS,
)


def session_update(session: Json) -> PaymentUpdate | None:
    """The update that a session carries, with its payment intent expanded; None while nothing has happened."""
    intent = session.get("payment_intent") or {}
    match session["status"], session["payment_status"], intent.get("status"):
        case "expired", _, _:
            return CheckoutExpired(**_session_fields(session))
        case "complete", "unpaid", "requires_payment_method" | "canceled":
            return PaymentFailed(reason=_failure_reason(intent), **_session_fields(session))
        case "complete", "unpaid", _:
            return PaymentProcessing(**_session_fields(session))
        case "complete", _, _:
            return _received_by_session(session)
        case "open", _, "requires_payment_method" if intent.get("last_payment_error"):
            return PaymentDeclined(reason=_failure_reason(intent), **_session_fields(session))
        case _:
            return None


def refund_update(refund: Json, payment_id: str, payment: PaymentReceived | None = None) -> ReversalUpdate:
    """The update that a refund object carries."""
    metadata = refund.get("metadata") or {}
    our_id = str(metadata.get("refund_id", ""))
    # "requires_action" waits for the buyer, as "pending" waits for the bank.
    status = "pending" if refund["status"] == "requires_action" else refund["status"]
    reversal = Reversal(
        kind=Kind.REFUND,
        reversal_id=our_id if idempotency.is_id(our_id) else parsing.text(refund["id"]),
        stripe_id=parsing.text(refund["id"]),
        payment_id=payment_id,
        amount_minor=parsing.whole_amount(refund["amount"]),
        status=_status(status, of_refunds=True),
        reason=_reason(metadata.get("reason") or refund.get("reason")),
        created_at=parsing.moment(refund["created"]),
    )
    return ReversalUpdate(reversal=reversal, currency=refund["currency"].upper(), payment=payment)


def dispute_update(dispute: Json, payment_id: str, payment: PaymentReceived | None = None) -> ReversalUpdate:
    """The update that a dispute object carries."""
    reversal = Reversal(
        kind=Kind.DISPUTE,
        reversal_id=parsing.text(dispute["id"]),
        stripe_id=parsing.text(dispute["id"]),
        payment_id=payment_id,
        amount_minor=parsing.whole_amount(dispute["amount"]),
        status=_status(dispute["status"], of_refunds=False),
        reason=_reason(dispute.get("reason")),
        created_at=parsing.moment(dispute["created"]),
    )
    return ReversalUpdate(reversal=reversal, currency=dispute["currency"].upper(), payment=payment)


def is_ours(stripe_object: Json) -> bool:
    """Whether this deployment made the object: a Stripe account may serve other systems and other stages too."""
    metadata = stripe_object.get("metadata") or {}
    is_marked = metadata.get("topup_stack") == config.settings().stack_name
    return is_marked and idempotency.is_id(str(metadata.get("order_id")))


def payment_update(event_type: str, stripe_object: Json) -> PaymentUpdate | None:
    """The update that a Checkout Session or payment intent carries, by the type of its event."""
    match event_type:
        case "checkout.session.completed" if stripe_object["payment_status"] == "unpaid":
            return PaymentProcessing(**_session_fields(stripe_object))
        case "checkout.session.completed" if stripe_object["payment_status"] not in PAID:
            raise ValueError("not a payment's status")
        case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
            return _received_by_session(stripe_object)
        case "checkout.session.async_payment_failed":
            return PaymentFailed(**_session_fields(stripe_object))
        case "checkout.session.expired":
            return CheckoutExpired(**_session_fields(stripe_object))
        case "payment_intent.succeeded":
            return received_by_intent(stripe_object)
        case "payment_intent.payment_failed":
            return PaymentDeclined(reason=_failure_reason(stripe_object), **_intent_fields(stripe_object))
        case _:
            return None


def _received_by_session(session: Json) -> PaymentReceived:
    return PaymentReceived(
        amount_minor=parsing.whole_amount(session["amount_total"]),
        currency=session["currency"].upper(),
        reference=parsing.text_or_none(session["client_reference_id"]),
        **_session_fields(session),
    )


def received_by_intent(intent: Json) -> PaymentReceived:
    """The payment of a payment intent that has succeeded."""
    return PaymentReceived(
        amount_minor=parsing.whole_amount(intent["amount_received"]),
        currency=intent["currency"].upper(),
        **_intent_fields(intent),
    )


def _session_fields(session: Json) -> dict[str, Any]:
    intent = session.get("payment_intent")
    return {
        **_order_fields(session),
        "session_id": parsing.text(session["id"]),
        "transaction_id": parsing.text_or_none(intent["id"] if isinstance(intent, Mapping) else intent),
    }


def _intent_fields(intent: Json) -> dict[str, Any]:
    return {**_order_fields(intent), "transaction_id": parsing.text(intent["id"])}


def _order_fields(stripe_object: Json) -> dict[str, Any]:
    metadata = stripe_object["metadata"]
    return {
        "payment_id": metadata["order_id"],
        "user_id": parsing.text(metadata["user_id"]),
        "livemode": parsing.truth(stripe_object["livemode"]),
    }


def _failure_reason(intent: Json) -> str:
    failure = intent.get("last_payment_error") or {}
    return parsing.message(failure.get("message") or failure.get("code") or orders.UNNAMED_FAILURE)


def _status(text: Any, *, of_refunds: bool) -> ReversalStatus:
    status = ReversalStatus(text)
    if (status in REFUND_STATUSES) is not of_refunds:
        raise ValueError("not a status of this kind of reversal")
    return status


def _reason(value: Any) -> str | None:
    return parsing.message(value) if value else None
