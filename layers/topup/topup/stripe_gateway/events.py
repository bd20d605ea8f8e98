"""Read Stripe's events: what one says of a payment of ours."""

from typing import Any

from topup.domain.errors import ConfigurationError, InvalidEvent
from topup.domain.reversals import Kind, ReversalStatus
from topup.domain.updates import PaymentSuspected, PaymentUpdate, ReversalUpdate
from topup.runtime import config
from topup.runtime.telemetry import count, logger
from topup.stripe_gateway import parsing, reversals, translation
from topup.stripe_gateway.client import API_VERSION, own_account, retrieved
from topup.stripe_gateway.translation import Json

WITH_INTENT: Any = {"expand": ["payment_intent"]}
UNREADABLE = (KeyError, TypeError, AttributeError, ValueError)  # a field is missing, or has another type


def read_event(event: Json) -> PaymentUpdate | ReversalUpdate | None:
    """The update of one of our orders that an event carries; None for any other event.

    A fraud warning, and a refund or dispute that does not name its order, is traced through its payment intent, and an
    object that Stripe rendered in another API version is read again in ours if it cannot be read: one Stripe call each.
    Raises InvalidEvent, StripeFailed, Busy, ConfigurationError. Source: Stripe API, event types and their objects.
    """
    try:
        if event["type"] not in translation.EVENT_TYPES or not _is_of_our_account(event):
            return None
        stripe_object = event["data"]["object"]
        is_reversal = event["type"] in translation.REVERSAL_EVENTS
        is_warning = event["type"] == translation.FRAUD_WARNING
        if not (is_reversal or is_warning or translation.is_ours(stripe_object)):
            return None
        if not _is_of_our_mode(event, is_anothers=translation.is_anothers(stripe_object)):
            return None
        if is_warning:
            return _read_warning(stripe_object)
        return _read_reversal(event, stripe_object) if is_reversal else _read_payment(event, stripe_object)
    except UNREADABLE as error:
        logger.error("malformed event", event_id=str(event.get("id")), reason=type(error).__name__)
        raise InvalidEvent from error


def read_reversal(update: ReversalUpdate) -> ReversalUpdate | None:
    """The update's refund or dispute as Stripe has it now; see `current_reversal`."""
    return current_reversal(update.reversal.kind, parsing.text(update.reversal.stripe_id))


def current_reversal(kind: Kind, stripe_id: str) -> ReversalUpdate | None:
    """The refund or dispute of that id as Stripe has it now, of the order that its payment intent names.

    None if the intent is not ours, or Stripe knows no such refund or dispute. Raises StripeFailed, Busy.
    """
    if kind is Kind.REFUND:
        found = retrieved(lambda stripe: stripe.v1.refunds.retrieve(stripe_id, WITH_INTENT))
    else:
        found = retrieved(lambda stripe: stripe.v1.disputes.retrieve(stripe_id, WITH_INTENT))
    return reversals.reversal_of(found) if found else None


def current_warning(warning_id: str) -> PaymentSuspected | None:
    """The early fraud warning of that id as Stripe has it now; None if Stripe has none, or none of a payment of ours.

    Raises StripeFailed, Busy.
    """
    found = retrieved(lambda stripe: stripe.v1.radar.early_fraud_warnings.retrieve(warning_id, WITH_INTENT))
    return translation.warning_of(found) if found else None


def _read_warning(warning: Json) -> PaymentUpdate | None:
    intent_id = parsing.text_or_none(warning.get("payment_intent"))
    intent = retrieved(lambda stripe: stripe.v1.payment_intents.retrieve(intent_id)) if intent_id else None
    return translation.warning_of({**warning, "payment_intent": intent})


def _read_payment(event: Json, stripe_object: Json) -> PaymentUpdate | None:
    try:
        return translation.payment_update(event["type"], stripe_object)
    except UNREADABLE:
        if not _is_of_another_version(event):
            raise
    object_id = parsing.text(stripe_object["id"])
    if stripe_object["object"] == "payment_intent":
        intent = retrieved(lambda stripe: stripe.v1.payment_intents.retrieve(object_id))
        return translation.intent_update(intent) if intent and translation.is_ours(intent) else None
    session = retrieved(lambda stripe: stripe.v1.checkout.sessions.retrieve(object_id, WITH_INTENT))
    return translation.session_update(session) if session and translation.is_ours(session) else None


def _read_reversal(event: Json, reversal: Json) -> ReversalUpdate | None:
    kind = Kind.REFUND if event["type"] in translation.REFUND_EVENTS else Kind.DISPUTE
    is_of_another_version = _is_of_another_version(event)
    try:
        reported = _reversal_as_reported(kind, reversal)
    except UNREADABLE:
        if not is_of_another_version:
            raise
    else:
        is_unknown = reported is not None and reported.reversal.status is ReversalStatus.UNKNOWN
        if not is_of_another_version or not (is_unknown or "payment_intent" not in reversal):
            return reported
    return current_reversal(kind, parsing.text(reversal["id"]))


def _is_of_another_version(event: Json) -> bool:
    """Whether Stripe rendered its object in another API version, where fields or statuses may differ.

    A list of events has them in the account's own version, not in the endpoint's (Stripe API, list all events).
    """
    return event.get("api_version") not in (API_VERSION, None)


def _reversal_as_reported(kind: Kind, reversal: Json) -> ReversalUpdate | None:
    intent_id = parsing.text_or_none(reversal.get("payment_intent"))
    if intent_id is None:
        return None  # every payment of ours has one
    if kind is Kind.REFUND and translation.is_ours(reversal):
        return reversals.refund_update(reversal, reversal["metadata"]["order_id"])
    intent = retrieved(lambda stripe: stripe.v1.payment_intents.retrieve(intent_id))
    return reversals.reversal_of({**reversal, "payment_intent": intent})


def _is_of_our_account(event: Json) -> bool:
    """Whether it happened in our own account: an endpoint may hear connected ones and an organization's as well.

    Their owners write the metadata there, so it proves nothing. Source: Stripe API, Event object, account and context.
    """
    context = event.get("context")
    is_foreign = bool(event.get("account"))
    if not is_foreign and context:
        is_foreign = parsing.text(context).rpartition("/")[2] != own_account()
    if is_foreign:
        count("ForeignAccount")
        logger.warning("event of another account", event_id=str(event.get("id")))
    return not is_foreign


def _is_of_our_mode(event: Json, *, is_anothers: bool) -> bool:
    """Whether the event is of the key's mode.

    A live one that may be ours must come again, when the key is right: nothing else reports a refund or a dispute.
    """
    if parsing.truth(event["livemode"]) == config.is_livemode():
        return True
    count("LivemodeMismatch")
    logger.error("event of the other mode", event_id=str(event.get("id")), livemode=event["livemode"])
    if event["livemode"] and not is_anothers:
        raise ConfigurationError("Stripe sends live events, and STRIPE_SECRET_KEY is a test key: set the live one")
    return False
