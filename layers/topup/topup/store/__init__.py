"""The only code that knows DynamoDB: its keys, its conditions, and what its failures mean.

Reads return the domain's values; every write is one request that happens completely or not at all.
"""

from importlib import import_module
from typing import TYPE_CHECKING, Any

from topup.store.credits import list_entries, load_ended_hold
from topup.store.cursors import Cursor, Memory, Stuck, forget_stuck, load_memory, remember_stuck, save_cursor
from topup.store.expiry import (
    Due,
    DueKey,
    due_by_timer,
    due_since,
    load_due,
    load_lots_at,
    lots_expiring,
    record_expiry,
)
from topup.store.orders import (
    attach_session,
    claim_look,
    claim_sync,
    list_orders,
    load_order,
    load_order_and_wallet,
    load_orders_of,
    next_attempt,
    place_order,
    record_order_change,
    reopen,
)
from topup.store.own_lots import find_own_lot, load_own_lots
from topup.store.past import load_credits_at, load_lots_of
from topup.store.races import LostRace, LotExists, UnknownWrite, looks, may_be_written, retried
from topup.store.receipts import load_receipt, load_receipts, record_with_receipt, record_with_receipts
from topup.store.reversals import begin_try, load_payment, load_settled_payment, record_reversal, with_reversals
from topup.store.reversed_spends import load_spend, set_reversed_spend
from topup.store.user_credits import load_credits
from topup.store.waiting import (
    Waiting,
    is_position,
    list_waiting,
    orders_to_look_at,
    refunds_in_flight_since,
)
from topup.store.walks import Place

# What only operators' commands, the daily report, the published events and spends in line need. Every function imports
# this module, so theirs are loaded by the first use of a name (Python's data model, "Customizing module attribute
# access").
if TYPE_CHECKING:
    from topup.store.batches import Stored
    from topup.store.census import Page, read_page
    from topup.store.imports import AT_ONCE, load_imported
    from topup.store.ledgers import all_ledgers, ledgers_of
    from topup.store.line import join_line, leave_line, record_turn
    from topup.store.scans import all_accounts, all_payments, load_account, load_stored_payment
    from topup.store.written import load_written_items, record_number, what_was_written, written_at

_ON_FIRST_USE = {
    "batches": ("Stored",),
    "census": ("Page", "read_page"),
    "imports": ("AT_ONCE", "load_imported"),
    "ledgers": ("all_ledgers", "ledgers_of"),
    "line": ("join_line", "leave_line", "record_turn"),
    "scans": ("all_accounts", "all_payments", "load_account", "load_stored_payment"),
    "written": ("load_written_items", "record_number", "what_was_written", "written_at"),
}

__all__ = [
    "AT_ONCE",
    "Cursor",
    "Due",
    "DueKey",
    "LostRace",
    "LotExists",
    "Memory",
    "Page",
    "Place",
    "Stored",
    "Stuck",
    "UnknownWrite",
    "Waiting",
    "all_accounts",
    "all_ledgers",
    "all_payments",
    "attach_session",
    "begin_try",
    "claim_look",
    "claim_sync",
    "due_by_timer",
    "due_since",
    "find_own_lot",
    "forget_stuck",
    "is_position",
    "join_line",
    "leave_line",
    "ledgers_of",
    "list_entries",
    "list_orders",
    "list_waiting",
    "load_account",
    "load_credits",
    "load_credits_at",
    "load_due",
    "load_ended_hold",
    "load_imported",
    "load_lots_at",
    "load_lots_of",
    "load_memory",
    "load_order",
    "load_order_and_wallet",
    "load_orders_of",
    "load_own_lots",
    "load_payment",
    "load_receipt",
    "load_receipts",
    "load_settled_payment",
    "load_spend",
    "load_stored_payment",
    "load_written_items",
    "looks",
    "lots_expiring",
    "may_be_written",
    "next_attempt",
    "orders_to_look_at",
    "place_order",
    "read_page",
    "record_expiry",
    "record_number",
    "record_order_change",
    "record_reversal",
    "record_turn",
    "record_with_receipt",
    "record_with_receipts",
    "refunds_in_flight_since",
    "remember_stuck",
    "reopen",
    "retried",
    "save_cursor",
    "set_reversed_spend",
    "what_was_written",
    "with_reversals",
    "written_at",
]


def __getattr__(name: str) -> Any:
    for module, names in _ON_FIRST_USE.items():
        if name in names:
            return getattr(import_module(f"topup.store.{module}"), name)
    raise AttributeError(f"module {__name__!r} has no attribute {name!r}")
