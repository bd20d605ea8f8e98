"""The only code that knows Stripe: its library, its words, its failures. Everything else speaks Topup's."""

from topup.stripe_gateway.events import read_event, read_reversal, undelivered_events
from topup.stripe_gateway.refunds import create_refund, find_refund, list_reversals
from topup.stripe_gateway.reversals import reversal_of
from topup.stripe_gateway.sessions import Session, open_session, read_session
from topup.stripe_gateway.signatures import verified_event
from topup.stripe_gateway.translation import EVENT_TYPES

__all__ = [
    "EVENT_TYPES",
    "Session",
    "create_refund",
    "find_refund",
    "list_reversals",
    "open_session",
    "read_event",
    "read_reversal",
    "read_session",
    "reversal_of",
    "undelivered_events",
    "verified_event",
]
