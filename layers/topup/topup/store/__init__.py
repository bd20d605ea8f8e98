"""The only code that knows DynamoDB: its keys, its conditions, and what its failures mean.

Reads return the domain's values; every write is one request that happens completely or not at all.
"""

from topup.store.credit_items import EXPIRES, TTL_ATTRIBUTE, lot_record
from topup.store.credits import list_entries, load_credits, load_lot
from topup.store.expiry import (
    Waiting,
    load_lot_and_wallet,
    record_expiry,
    refunds_in_flight_since,
    unpaid_since,
    unswept_since,
)
from topup.store.failures import LostRace
from topup.store.orders import (
    attach_session,
    claim_sync,
    list_orders,
    load_order,
    load_order_and_wallet,
    next_attempt,
    place_order,
    record,
    reopen,
)
from topup.store.reversals import load_books, load_payment, record_reversal
from topup.store.scans import all_accounts, all_payments, load_account
from topup.store.spending import load_spent, record_spend

__all__ = [
    "EXPIRES",
    "TTL_ATTRIBUTE",
    "LostRace",
    "Waiting",
    "all_accounts",
    "all_payments",
    "attach_session",
    "claim_sync",
    "list_entries",
    "list_orders",
    "load_account",
    "load_books",
    "load_credits",
    "load_lot",
    "load_lot_and_wallet",
    "load_order",
    "load_order_and_wallet",
    "load_payment",
    "load_spent",
    "lot_record",
    "next_attempt",
    "place_order",
    "record",
    "record_expiry",
    "record_reversal",
    "record_spend",
    "refunds_in_flight_since",
    "reopen",
    "unpaid_since",
    "unswept_since",
]
