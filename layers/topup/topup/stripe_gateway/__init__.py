"""The only code that knows Stripe: its library, its words, its failures. Everything else speaks Topup's."""

from topup.stripe_gateway.events import undelivered_events
from topup.stripe_gateway.refunds import create_refund, find_refund, load_intent
from topup.stripe_gateway.sessions import Session, news_of_session, open_session
from topup.stripe_gateway.translation import EVENT_TYPES, news_of_event
from topup.stripe_gateway.webhooks import verified_event

__all__ = [
    "EVENT_TYPES",
    "Session",
    "create_refund",
    "find_refund",
    "load_intent",
    "news_of_event",
    "news_of_session",
    "open_session",
    "undelivered_events",
    "verified_event",
]
