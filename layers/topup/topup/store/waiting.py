"""Records that wait for something: how they enter the sparse index `waiting`, and how they are found through it.

The index is eventually consistent: it says where to look, and no more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from topup.domain import idempotency, looks, times
from topup.domain.orders import Order, Status
from topup.domain.reversals import Reversal, ReversalStatus
from topup.domain.searches import State
from topup.domain.times import to_sortable_text
from topup.runtime import config
from topup.store import attributes
from topup.store.client import client
from topup.store.walks import Index, Place

_FOR_PAYMENT = "payment"
_FOR_MONEY = "processing"
_FOR_REFUND = "refund"
_FOR_A_PERSON = "quarantine"
_ORDER, _REFUND = "ORDER", "REFUND#"  # the records that wait: as in `order_items`, which imports this module
# Orders are spread over as many partitions of the index as their ids have first digits: one would limit all purchases.
SHARDS = "0123456789abcdef"

WaitingFields = dict[str, str | None]
Position = tuple[str, str, str, str]  # of a record in the index: what it waits for, since when, and its key


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
        what = _FOR_MONEY if order.status is Status.PROCESSING else _FOR_PAYMENT
        return _waits(_of_shard(what, order.payment_id[0]), looks.due_at(order))
    return {"waits_for": None, "waits_since": None}


def reversal_waiting_fields(reversal: Reversal) -> WaitingFields:
    """The same for a refund or dispute: only a refund in flight waits."""
    if reversal.status is ReversalStatus.IN_FLIGHT:
        return _waits(_FOR_REFUND, reversal.created_at)
    return {"waits_for": None, "waits_since": None}


def orders_to_look_at(now: datetime, place: Place | None = None) -> Iterator[Waiting]:
    """Unfinished orders whose next look is due: the unpaid ones, and the quarantined ones with an open session."""
    return _due([*_of_shards(_FOR_PAYMENT), *_of_shards(_FOR_MONEY), _FOR_A_PERSON], now, place)


def refunds_in_flight_since(latest: datetime, place: Place | None = None) -> Iterator[Waiting]:
    """Refunds requested by `latest` whose outcome is not known."""
    return _due([_FOR_REFUND], latest, place)


def list_waiting(state: State, limit: int, after: Sequence[str] | None) -> tuple[list[str], Position | None]:
    """The ids of at most `limit` payments in this state, and the position of the last one if there may be more.

    A payment whose refunds are in flight may come more than once. Eventually consistent: it may have another state.
    """
    partitions = _partitions_of(state)
    found: list[dict[str, Any]] = []
    for partition in partitions[partitions.index(after[0]) if after else 0 :]:
        request: dict[str, Any] = {}
        if after and after[0] == partition:
            request["ExclusiveStartKey"] = attributes.to_item(
                dict(zip(("waits_for", "waits_since", "payment_id", "record"), after, strict=True))
            )
        page = client().query(
            TableName=config.settings().orders_table,
            IndexName="waiting",
            KeyConditionExpression="waits_for = :partition",
            ExpressionAttributeValues=attributes.to_item({":partition": partition}),
            Limit=limit - len(found),
            **request,
        )
        found += [attributes.from_item(item) for item in page["Items"]]
        if len(found) == limit:
            last = found[-1]
            return _ids(found), (last["waits_for"], last["waits_since"], last["payment_id"], last["record"])
    return _ids(found), None


def is_position(state: State, position: Sequence[str]) -> bool:
    """Whether `list_waiting` could have returned this position for this state."""
    waits_for, waits_since, payment_id, record = position
    is_record = record == _ORDER or record.startswith(_REFUND)
    is_key = waits_for in _partitions_of(state) and idempotency.is_id(payment_id) and is_record
    return is_key and times.is_sortable_text(waits_since)


def _ids(found: list[dict[str, Any]]) -> list[str]:
    return list(dict.fromkeys(item["payment_id"] for item in found))


def _partitions_of(state: State) -> list[str]:
    match state:
        case State.QUARANTINED:
            return [_FOR_A_PERSON]
        case State.PROCESSING:
            return _of_shards(_FOR_MONEY)
        case State.IN_FLIGHT:
            return [_FOR_REFUND]


# The index has one time for all that waits: for an order, when to look at it next; for a refund, when it was requested.
def _waits(partition: str, since: datetime) -> WaitingFields:
    return {"waits_for": partition, "waits_since": to_sortable_text(since)}


def _of_shard(what: str, shard: str) -> str:
    return f"{what}:{shard}"


def _of_shards(what: str) -> list[str]:
    return [_of_shard(what, shard) for shard in SHARDS]


def _due(partitions: list[str], latest: datetime, place: Place | None) -> Iterator[Waiting]:
    index = Index(table=config.settings().orders_table, name="waiting", partition="waits_for", sort="waits_since")
    for key in index.due(partitions, to_sortable_text(latest), place):
        refund_id = key["record"].partition("#")[2] or None  # ORDER, or REFUND#<id>
        yield Waiting(key["payment_id"], refund_id, index.place(key))
