"""The only code that knows Stripe: its library, its words, its failures. Everything else speaks Topup's."""

from topup.stripe_gateway import listing
from topup.stripe_gateway.client import check_mode
from topup.stripe_gateway.events import current_reversal, current_warning, read_event, read_reversal
from topup.stripe_gateway.finding import (
    order_of_charge,
    order_of_intent,
    order_of_session,
    orders_by_email,
    orders_with_open_disputes,
)
from topup.stripe_gateway.intents import IntentMoney, load_money, read_intent_money
from topup.stripe_gateway.listing import Listed, Page, reversals_of
from topup.stripe_gateway.refunds import create_refund, find_refund, load_refunds, refund_intent
from topup.stripe_gateway.reversals import reversal_of
from topup.stripe_gateway.sessions import (
    Session,
    SessionState,
    end_session,
    load_sessions,
    open_session,
    payment_of_intent,
    read_documents,
    read_session,
)
from topup.stripe_gateway.signatures import verified_event
from topup.stripe_gateway.translation import EVENT_TYPES, warning_of

__all__ = [
    "EVENT_TYPES",
    "IntentMoney",
    "Listed",
    "Page",
    "Session",
    "SessionState",
    "check_mode",
    "create_refund",
    "current_reversal",
    "current_warning",
    "end_session",
    "find_refund",
    "listing",
    "load_money",
    "load_refunds",
    "load_sessions",
    "open_session",
    "order_of_charge",
    "order_of_intent",
    "order_of_session",
    "orders_by_email",
    "orders_with_open_disputes",
    "payment_of_intent",
    "read_documents",
    "read_event",
    "read_intent_money",
    "read_reversal",
    "read_session",
    "refund_intent",
    "reversal_of",
    "reversals_of",
    "verified_event",
    "warning_of",
]
