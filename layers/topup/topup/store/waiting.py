"""Records that wait for something: how they enter the sparse index `waiting`, and how they are found through it.

The index is eventually consistent: it says where to look, and no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from topup.domain import looks
from topup.domain.orders import Order
from topup.domain.reversals import Reversal, ReversalStatus
from topup.domain.times import to_sortable_text
from topup.runtime import config
from topup.store.walks import Index, Place

_FOR_PAYMENT = "payment"
_FOR_REFUND = "refund"
_FOR_A_PERSON = "quarantine"
# Orders are spread over as many partitions of the index as their ids have first digits: one would limit all purchases.
SHARDS = "0123456789abcdef"

WaitingFields = dict[str, str | None]


@dataclass(frozen=True)
class Waiting:
    """An order or a refund that waits, and where a walk goes on that ended before it."""

    payment_id: str
    refund_id: str | None
    place: Place


def order_waiting_fields(order: Order) -> WaitingFields:
    """What puts an order into the index, or takes it out."""
    if order.quarantine_reason:
        return _waits(_FOR_A_PERSON, looks.due_at(order))
    if order.is_unfinished:
        return _waits(_of_shard(order.payment_id[0]), looks.due_at(order))
    return {"waits_for": None, "waits_since": None}


def reversal_waiting_fields(reversal: Reversal) -> WaitingFields:
    """The same for a refund or dispute: only a refund in flight waits."""
    if reversal.status is ReversalStatus.IN_FLIGHT:
        return _waits(_FOR_REFUND, reversal.created_at)
    return {"waits_for": None, "waits_since": None}


def orders_to_look_at(now: datetime, place: Place | None = None) -> Iterator[Waiting]:
    """Unfinished orders whose next look is due: the unpaid ones, and the quarantined ones with an open session."""
    return _due([*(_of_shard(shard) for shard in SHARDS), _FOR_A_PERSON], now, place)


def refunds_in_flight_since(latest: datetime, place: Place | None = None) -> Iterator[Waiting]:
    """Refunds requested by `latest` whose outcome is not known."""
    return _due([_FOR_REFUND], latest, place)


# The index has one time for all that waits: for an order, when to look at it next; for a refund, when it was requested.
def _waits(partition: str, since: datetime) -> WaitingFields:
    return {"waits_for": partition, "waits_since": to_sortable_text(since)}


def _of_shard(shard: str) -> str:
    return f"{_FOR_PAYMENT}:{shard}"


def _due(partitions: list[str], latest: datetime, place: Place | None) -> Iterator[Waiting]:
    index = Index(table=config.settings().orders_table, name="waiting", partition="waits_for", sort="waits_since")
    for key in index.due(partitions, to_sortable_text(latest), place):
        refund_id = key["record"].partition("#")[2] or None  # ORDER, or REFUND#<id>
        yield Waiting(key["payment_id"], refund_id, index.place(key))
