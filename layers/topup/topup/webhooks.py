"""What an event of Stripe's does, whoever brings it: the webhook, or reconcile."""

from collections.abc import Mapping
from datetime import datetime
from typing import Any

from topup import payments, reversals, stripe_gateway
from topup.domain.news import ReversalNews
from topup.telemetry import logger


def handle(event: Mapping[str, Any], now: datetime) -> bool:
    """Do what the event asks, once; whether that changed anything. Returning means that the effect is durable.

    Raises InvalidEvent, OrderMissing, OrderUnsettled, StripeFailed, Busy.
    """
    logger.info("Stripe webhook", event_id=str(event.get("id")), event_type=event["type"])
    news = stripe_gateway.news_of_event(event, stripe_gateway.load_intent)
    if news is None:
        return False
    if isinstance(news, ReversalNews):
        return reversals.apply(news, now)
    return payments.apply(news, now).is_changed
