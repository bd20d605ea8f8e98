"""Records that wait for something: how they enter the sparse index `waiting`, and how they are found through it.

The index is eventually consistent: it says where to look, and no more.
"""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime

from topup.domain.orders import Order
from topup.domain.reversals import Reversal, ReversalStatus
from topup.domain.times import to_sortable_text
from topup.runtime import config
from topup.store import attributes
from topup.store.client import client

_FOR_PAYMENT = "payment"
_FOR_REFUND = "refund"
# Orders are spread over as many partitions of the index as their ids have first digits: one would limit all purchases.
SHARDS = "0123456789abcdef"

WaitingFields = dict[str, str | None]


@dataclass(frozen=True)
class Waiting:
    """An order or a refund that waits, and since when (sortable text, UTC)."""

    payment_id: str
    refund_id: str | None
    since: str


def order_waiting_fields(order: Order) -> WaitingFields:
    """What puts an order into the index, or takes it out."""
    if order.is_unfinished:
        return _waits(_of_shard(_FOR_PAYMENT, order.payment_id[0]), order.created_at)
    return {"waits_for": None, "waits_since": None}


def reversal_waiting_fields(reversal: Reversal) -> WaitingFields:
    """The same for a refund or dispute: only a refund in flight waits."""
    if reversal.status is ReversalStatus.IN_FLIGHT:
        return _waits(_FOR_REFUND, reversal.created_at)
    return {"waits_for": None, "waits_since": None}


def unpaid_since(latest: datetime) -> Iterator[Waiting]:
    """Orders placed by `latest` that are not finished."""
    return _in_all_shards(_FOR_PAYMENT, latest)


def refunds_in_flight_since(latest: datetime) -> Iterator[Waiting]:
    """Refunds requested by `latest` whose outcome is not known."""
    return _query(_FOR_REFUND, latest)


def _waits(partition: str, since: datetime) -> WaitingFields:
    return {"waits_for": partition, "waits_since": to_sortable_text(since)}


def _of_shard(what: str, shard: str) -> str:
    return f"{what}:{shard}"


def _in_all_shards(what: str, latest: datetime) -> Iterator[Waiting]:
    for shard in SHARDS:
        yield from _query(_of_shard(what, shard), latest)


def _query(partition: str, latest: datetime) -> Iterator[Waiting]:
    pages = (
        client()
        .get_paginator("query")
        .paginate(
            TableName=config.settings().orders_table,
            IndexName="waiting",
            KeyConditionExpression="waits_for = :partition AND waits_since <= :latest",
            ExpressionAttributeValues=attributes.to_item(
                {":partition": partition, ":latest": to_sortable_text(latest)}
            ),
        )
    )
    for page in pages:
        for item in page["Items"]:
            fields = attributes.from_item(item)
            refund_id = fields["record"].partition("#")[2] or None  # ORDER, or REFUND#<id>
            yield Waiting(fields["payment_id"], refund_id, fields["waits_since"])
