"""Read Stripe's events: what one says of a payment of ours, and which ones no endpoint has acknowledged."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from topup.domain.errors import InvalidEvent
from topup.domain.updates import PaymentUpdate, ReversalUpdate
from topup.runtime import config
from topup.runtime.telemetry import count, logger
from topup.stripe_gateway import parsing, translation
from topup.stripe_gateway.client import client, translate_errors
from topup.stripe_gateway.translation import Json


def read_event(event: Json) -> PaymentUpdate | ReversalUpdate | None:
    """The update of one of our orders that an event carries; None for any other event.

    A refund or dispute that does not name its order is traced through its payment intent: one Stripe call.
    Raises InvalidEvent, StripeFailed, Busy. Source: Stripe API, event types and their objects.
    """
    try:
        if event["type"] not in translation.EVENT_TYPES:
            return None
        stripe_object = event["data"]["object"]
        if event["type"] in translation.REVERSAL_EVENTS:
            return _read_reversal(event, stripe_object) if _is_of_our_mode(event) else None
        is_ours = translation.is_ours(stripe_object) and _is_of_our_mode(event)
        return translation.payment_update(event["type"], stripe_object) if is_ours else None
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        logger.error("malformed event", event_id=str(event.get("id")), reason=type(error).__name__)
        raise InvalidEvent from error


def undelivered_events(since: datetime, until: datetime) -> Sequence[Mapping[str, Any]]:
    """Events of the types that we use, oldest first, that no endpoint has acknowledged; raises StripeFailed, Busy.

    Stripe keeps events for 30 days. Source: Stripe API, list all events.
    """
    with translate_errors():
        listed = client().v1.events.list(
            {
                "delivery_success": False,
                "types": list(translation.EVENT_TYPES),
                "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
                "limit": 100,
            }
        )
        newest_first = [event.to_dict() for event in listed.auto_paging_iter()]
    return newest_first[::-1]


def _read_reversal(event: Json, reversal: Json) -> ReversalUpdate | None:
    is_refund = event["type"] in translation.REFUND_EVENTS
    if is_refund and translation.is_ours(reversal):
        return translation.refund_update(reversal, reversal["metadata"]["order_id"])
    intent_id = parsing.text_or_none(reversal.get("payment_intent"))
    intent = _load_intent(intent_id) if intent_id else {}
    if not translation.is_ours(intent):
        return None
    payment = translation.received_by_intent(intent) if intent["status"] == "succeeded" else None
    make = translation.refund_update if is_refund else translation.dispute_update
    return make(reversal, intent["metadata"]["order_id"], payment)


def _load_intent(intent_id: str) -> Json:
    """A payment intent, ours or not."""
    with translate_errors():
        return client(retries=0).v1.payment_intents.retrieve(intent_id).to_dict()


def _is_of_our_mode(event: Json) -> bool:
    if parsing.truth(event["livemode"]) == config.is_livemode():
        return True
    count("LivemodeMismatch")
    logger.error("event of the other mode", event_id=event.get("id"), livemode=event["livemode"])
    return False
