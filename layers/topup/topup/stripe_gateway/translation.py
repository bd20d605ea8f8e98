"""Stripe's payments in Topup's words, from plain JSON: a webhook's, a list's or a response's."""

from collections.abc import Mapping
from typing import Any

from topup.domain import idempotency, order_updates
from topup.domain.orders import FraudWarning
from topup.domain.updates import (
    CheckoutExpired,
    PaymentDeclined,
    PaymentFailed,
    PaymentProcessing,
    PaymentReceived,
    PaymentSuspected,
    PaymentUpdate,
)
from topup.runtime import config
from topup.runtime.telemetry import count, logger
from topup.stripe_gateway import parsing

Json = Mapping[str, Any]

PAID = ("paid", "no_payment_required")  # the latter where a promotion code takes the whole price

REFUND_EVENTS = ("refund.created", "refund.updated", "refund.failed")
DISPUTE_EVENTS = (
    "charge.dispute.created",
    "charge.dispute.updated",
    "charge.dispute.closed",
    "charge.dispute.funds_withdrawn",
    "charge.dispute.funds_reinstated",
)
REVERSAL_EVENTS = REFUND_EVENTS + DISPUTE_EVENTS
PAID_EVENTS = (
    "checkout.session.completed",
    "checkout.session.async_payment_succeeded",
    "payment_intent.succeeded",
)
UNPAID_EVENTS = (
    "checkout.session.async_payment_failed",
    "checkout.session.expired",
    "payment_intent.payment_failed",
)
PAYMENT_EVENTS = (*PAID_EVENTS, *UNPAID_EVENTS)
FRAUD_WARNING = "radar.early_fraud_warning.created"
# What the webhook endpoint has to be registered for.
EVENT_TYPES = (*PAYMENT_EVENTS, *REVERSAL_EVENTS, FRAUD_WARNING)


def session_update(session: Json) -> PaymentUpdate | None:
    """The update that a session carries, with its payment intent expanded; None while nothing has happened."""
    intent = session.get("payment_intent") or {}
    match session["status"], session["payment_status"], intent.get("status"):
        case "expired", _, _:
            return CheckoutExpired(**_session_fields(session))
        case "complete", "unpaid", "requires_payment_method" | "canceled":
            return PaymentFailed(**_failure(intent), **_session_fields(session))
        case "complete", payment_status, _:
            return _completed(session, payment_status)
        case "open", _, "requires_payment_method" if intent.get("last_payment_error"):
            return PaymentDeclined(**_failure(intent), **_session_fields(session))
        case "open", _, _:
            return None
        case status, _, _:
            unknown_status(session["id"], status)
            return None


def is_ours(stripe_object: Json) -> bool:
    """Whether this deployment made the object: a Stripe account may serve other systems and other stages too."""
    metadata = stripe_object.get("metadata") or {}
    is_marked = metadata.get("topup_stack") in config.settings().stack_names
    return is_marked and idempotency.is_id(str(metadata.get("order_id")))


def is_anothers(stripe_object: Json) -> bool:
    """Whether another deployment's name stands on the object."""
    name = (stripe_object.get("metadata") or {}).get("topup_stack")
    return name is not None and name not in config.settings().stack_names


def payment_update(event_type: str, stripe_object: Json) -> PaymentUpdate | None:
    """The update that a Checkout Session or payment intent carries, by the type of its event."""
    match event_type:
        case "checkout.session.completed":
            return _completed(stripe_object, stripe_object["payment_status"])
        case "checkout.session.async_payment_succeeded":
            return _received_by_session(stripe_object)
        case "checkout.session.async_payment_failed":
            return PaymentFailed(**_session_fields(stripe_object))
        case "checkout.session.expired":
            return CheckoutExpired(**_session_fields(stripe_object))
        case "payment_intent.succeeded":
            return received_by_intent(stripe_object)
        case "payment_intent.payment_failed":
            return _declined(stripe_object)
        case _:
            return None


def intent_update(intent: Json) -> PaymentUpdate | None:
    """The update that a payment intent carries, just read from Stripe; None while nothing has happened."""
    match intent["status"]:
        case "succeeded":
            return received_by_intent(intent)
        case "requires_payment_method" if intent.get("last_payment_error"):
            return _declined(intent)
        case _:
            return None


def _declined(intent: Json) -> PaymentDeclined:
    return PaymentDeclined(**_failure(intent), **_intent_fields(intent))


def _completed(session: Json, payment_status: Any) -> PaymentUpdate | None:
    """The buyer has done their part, and the money is there, or is on its way."""
    if payment_status in PAID:
        return _received_by_session(session)
    if payment_status == "unpaid":
        return PaymentProcessing(**_session_fields(session))
    unknown_status(session["id"], payment_status)
    return None


def unknown_status(stripe_id: Any, status: Any) -> None:
    """Report a status that this version does not know: it moves nothing, what is known stays, and a person is told."""
    if not isinstance(status, str):
        raise TypeError("not a status")
    count("UnknownStripeStatus")
    logger.error("unknown status at Stripe", stripe_id=parsing.text(stripe_id), status=parsing.message(status))


def _received_by_session(session: Json) -> PaymentReceived:
    details = session.get("total_details") or {}
    return PaymentReceived(
        amount_minor=parsing.whole_amount(session["amount_total"]),
        subtotal_minor=parsing.whole_amount(session["amount_subtotal"]),
        tax_minor=parsing.whole_amount(details.get("amount_tax") or 0),
        discount_minor=parsing.whole_amount(details.get("amount_discount") or 0),
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
        "attempt": parsing.count_or_none(metadata.get("attempt")),
    }


def warning_of(warning: Json) -> PaymentSuspected | None:
    """The update that an early fraud warning, its payment intent expanded, carries; None if the intent is not ours."""
    intent = warning.get("payment_intent")
    if not isinstance(intent, Mapping) or not is_ours(intent):
        return None
    return PaymentSuspected(
        warning=FraudWarning(
            warning_id=parsing.text(warning["id"]),
            fraud_type=parsing.text(warning["fraud_type"]),
            created_at=parsing.moment(warning["created"]),
        ),
        is_actionable=parsing.truth(warning["actionable"]),
        **_intent_fields(intent),
    )


def _failure(intent: Json) -> dict[str, Any]:
    """Why the latest attempt failed. A decline code says more than `card_declined`, the code of all declines."""
    failure = intent.get("last_payment_error") or {}
    code = failure.get("code")
    return {
        "reason": parsing.message(failure.get("message") or code or order_updates.UNNAMED_FAILURE),
        "code": parsing.code_or_none(failure.get("decline_code") or code),
    }
