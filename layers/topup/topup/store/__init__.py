"""The only code that knows DynamoDB: its keys, its conditions, and what its failures mean.

Reads return the domain's values; every write is one request that happens completely or not at all.
"""

from topup.store.credits import list_entries, load_credits
from topup.store.failures import LostRace
from topup.store.items import EXPIRES, TTL_ATTRIBUTE
from topup.store.orders import (
    attach_session,
    claim_sync,
    list_orders,
    load_order,
    load_order_and_wallet,
    next_attempt,
    place_order,
    record,
)

__all__ = [
    "EXPIRES",
    "TTL_ATTRIBUTE",
    "LostRace",
    "attach_session",
    "claim_sync",
    "list_entries",
    "list_orders",
    "load_credits",
    "load_order",
    "load_order_and_wallet",
    "next_attempt",
    "place_order",
    "record",
]
