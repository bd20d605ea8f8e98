"""Handle one Stripe event that the webhook brings."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from topup import clawback, fraud_warnings, fulfilment, stripe_gateway
from topup.domain.updates import PaymentSuspected, ReversalUpdate
from topup.runtime.telemetry import logger


def handle(event: Mapping[str, Any], now: datetime) -> bool:
    """Apply what the event says, once; True if it changed anything. Returning means that the effect is durable.

    Raises InvalidEvent, OrderMissing, OrderUnsettled, StripeFailed, Busy.
    """
    # On every line of this request from here on.
    logger.thread_safe_append_keys(event_id=str(event.get("id")), event_type=event["type"])
    logger.info("Stripe webhook")
    update = stripe_gateway.read_event(event)
    if update is None:
        return False
    if isinstance(update, PaymentSuspected):
        return fraud_warnings.apply(update, now)
    if isinstance(update, ReversalUpdate):
        return clawback.apply(update, now)
    return fulfilment.apply(update, now).is_changed
