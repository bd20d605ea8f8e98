"""Stripe's objects in Topup's words. Works on plain JSON, wherever it comes from: a webhook, a list, an answer."""

from collections.abc import Callable, Mapping
from typing import Any

from topup import config
from topup.domain import orders
from topup.domain.errors import InvalidEvent
from topup.domain.news import (
    CheckoutExpired,
    News,
    PaymentDeclined,
    PaymentFailed,
    PaymentProcessing,
    PaymentReceived,
    ReversalNews,
)
from topup.domain.reversal_kinds import Kind, Standing
from topup.stripe_gateway import reading
from topup.telemetry import count, logger

Json = Mapping[str, Any]

REFUND_STANDINGS = frozenset({Standing.PENDING, Standing.SUCCEEDED, Standing.FAILED, Standing.CANCELED})
PAID = ("paid", "no_payment_required")  # the latter of a price of zero, which none of ours is
LoadIntent = Callable[[str], Json]

REFUND_EVENTS = ("refund.created", "refund.updated", "refund.failed")
DISPUTE_EVENTS = (
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
# What the webhook endpoint has to be registered for.
EVENT_TYPES = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.succeeded",
    "payment_intent.payment_failed",
    *REFUND_EVENTS,
    *DISPUTE_EVENTS,
)


def news_of_event(event: Json, load_intent: LoadIntent) -> News | ReversalNews | None:
    """What an event says of an order of ours; None for anything that does not concern us. Raises InvalidEvent.

    A refund or dispute that does not say whose it is, is traced through its payment intent: one Stripe call.
    Source: Stripe API, event types and their objects.
    """
    try:
        if event["type"] not in EVENT_TYPES:
            return None
        subject = event["data"]["object"]
        if event["type"] in REFUND_EVENTS or event["type"] in DISPUTE_EVENTS:
            return _reversal(event, subject, load_intent) if _is_of_our_mode(event) else None
        return _payment(event["type"], subject) if _is_ours(subject) and _is_of_our_mode(event) else None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        logger.error("malformed event", event_id=str(event.get("id")), reason=type(error).__name__)
        raise InvalidEvent from error


def news_of_session(session: Json) -> News | None:
    """What a session, with its payment intent expanded, says of its order; None while nothing has happened."""
    intent = session.get("payment_intent") or {}
    match session["status"], session["payment_status"], intent.get("status"):
        case "expired", _, _:
            return CheckoutExpired(**_session_of(session))
        case "complete", "unpaid", "requires_payment_method" | "canceled":
            return PaymentFailed(reason=_failure_reason(intent), **_session_of(session))
        case "complete", "unpaid", _:
            return PaymentProcessing(**_session_of(session))
        case "complete", _, _:
            return _received_by_session(session)
        case "open", _, "requires_payment_method" if intent.get("last_payment_error"):
            return PaymentDeclined(reason=_failure_reason(intent), **_session_of(session))
        case _:
            return None


def refund_news(refund: Json, payment_id: str, payment: PaymentReceived | None = None) -> ReversalNews:
    """What a refund object says."""
    metadata = refund.get("metadata") or {}
    ours = str(metadata.get("refund_id", ""))
    # "requires_action" waits for the buyer, as "pending" waits for the bank.
    standing = "pending" if refund["status"] == "requires_action" else refund["status"]
    return ReversalNews(
        kind=Kind.REFUND,
        reversal_id=ours if orders.is_order_id(ours) else reading.text(refund["id"]),
        stripe_id=reading.text(refund["id"]),
        payment_id=payment_id,
        amount_minor=reading.whole_amount(refund["amount"]),
        currency=refund["currency"].upper(),
        standing=_standing(standing, of_refunds=True),
        reason=_reason(metadata.get("reason") or refund.get("reason")),
        created_at=reading.moment(refund["created"]),
        payment=payment,
    )


def _dispute_news(dispute: Json, payment_id: str, payment: PaymentReceived | None) -> ReversalNews:
    return ReversalNews(
        kind=Kind.DISPUTE,
        reversal_id=reading.text(dispute["id"]),
        stripe_id=reading.text(dispute["id"]),
        payment_id=payment_id,
        amount_minor=reading.whole_amount(dispute["amount"]),
        currency=dispute["currency"].upper(),
        standing=_standing(dispute["status"], of_refunds=False),
        reason=_reason(dispute.get("reason")),
        created_at=reading.moment(dispute["created"]),
        payment=payment,
    )


def _is_of_our_mode(event: Json) -> bool:
    if reading.truth(event["livemode"]) == config.is_livemode():
        return True
    count("LivemodeMismatch")
    logger.error("event of the other mode", event_id=event.get("id"), livemode=event["livemode"])
    return False


def _is_ours(subject: Json) -> bool:
    """Whether this deployment opened the session: an account may serve other systems, and other stages of this one."""
    metadata = subject.get("metadata") or {}
    is_marked = metadata.get("topup_stack") == config.settings().stack_name
    return is_marked and orders.is_order_id(str(metadata.get("order_id")))


def _reversal(event: Json, subject: Json, load_intent: LoadIntent) -> ReversalNews | None:
    is_refund = event["type"] in REFUND_EVENTS
    if is_refund and _is_ours(subject):
        return refund_news(subject, subject["metadata"]["order_id"])
    intent_id = reading.text_or_none(subject.get("payment_intent"))
    intent = load_intent(intent_id) if intent_id else {}
    if not _is_ours(intent):
        return None
    payment = _received_by_intent(intent) if intent["status"] == "succeeded" else None
    make = refund_news if is_refund else _dispute_news
    return make(subject, intent["metadata"]["order_id"], payment)


def _payment(event_type: str, subject: Json) -> News | None:
    match event_type:
        case "checkout.session.completed" if subject["payment_status"] == "unpaid":
            return PaymentProcessing(**_session_of(subject))
        case "checkout.session.completed" if subject["payment_status"] not in PAID:
            raise ValueError("not a payment's status")
        case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
            return _received_by_session(subject)
        case "checkout.session.async_payment_failed":
            return PaymentFailed(**_session_of(subject))
        case "checkout.session.expired":
            return CheckoutExpired(**_session_of(subject))
        case "payment_intent.succeeded":
            return _received_by_intent(subject)
        case "payment_intent.payment_failed":
            return PaymentDeclined(reason=_failure_reason(subject), **_intent_of(subject))
        case _:
            return None


def _received_by_session(session: Json) -> PaymentReceived:
    return PaymentReceived(
        amount_minor=reading.whole_amount(session["amount_total"]),
        currency=session["currency"].upper(),
        reference=reading.text_or_none(session["client_reference_id"]),
        **_session_of(session),
    )


def _received_by_intent(intent: Json) -> PaymentReceived:
    return PaymentReceived(
        amount_minor=reading.whole_amount(intent["amount_received"]),
        currency=intent["currency"].upper(),
        **_intent_of(intent),
    )


def _session_of(session: Json) -> dict[str, Any]:
    intent = session.get("payment_intent")
    return {
        **_order_named_by(session),
        "session_id": reading.text(session["id"]),
        "transaction_id": reading.text_or_none(intent["id"] if isinstance(intent, Mapping) else intent),
    }


def _intent_of(intent: Json) -> dict[str, Any]:
    return {**_order_named_by(intent), "transaction_id": reading.text(intent["id"])}


def _order_named_by(subject: Json) -> dict[str, Any]:
    metadata = subject["metadata"]
    return {
        "payment_id": metadata["order_id"],
        "user_id": reading.text(metadata["user_id"]),
        "livemode": reading.truth(subject["livemode"]),
    }


def _failure_reason(intent: Json) -> str:
    failure = intent.get("last_payment_error") or {}
    return reading.message(failure.get("message") or failure.get("code") or orders.UNNAMED_FAILURE)


def _standing(status: Any, *, of_refunds: bool) -> Standing:
    standing = Standing(status)
    if (standing in REFUND_STANDINGS) is not of_refunds:
        raise ValueError("a refund's status is none of a dispute's")
    return standing


def _reason(value: Any) -> str | None:
    return reading.message(value) if value else None
