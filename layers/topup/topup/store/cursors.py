"""What reconcile remembers from run to run: where its walks ended, and which of Stripe's objects it could not apply.

The records are in a partition of the orders table that no order has.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from topup.domain import times
from topup.runtime import config
from topup.store import attributes
from topup.store.client import client
from topup.store.pages import query_all
from topup.store.races import retried

PARTITION = "#reconcile"
_CURSOR = "CURSOR#"
_STUCK = "STUCK#"

Cursor = Mapping[str, Any]


@dataclass(frozen=True, kw_only=True)
class Stuck:
    """An object of Stripe's that could not be applied.

    `sweep` found it first at `first_seen`, and tried it last at `tried_at`; `reason` is why it failed. A person may say
    that it `is_settled`: then it is not tried again. `livemode` is the mode of Stripe's that has the object, None
    where an older version has written this.
    """

    sweep: str
    object_id: str
    reason: str
    first_seen: datetime
    tried_at: datetime
    is_settled: bool = False
    livemode: bool | None = None


@dataclass(frozen=True)
class Memory:
    """The cursors by their names, and what is stuck."""

    cursors: Mapping[str, Cursor]
    stuck: list[Stuck]


@retried
def load_memory() -> Memory:
    """Everything that reconcile remembers, read consistently; 1 request where little is stuck. Raises Busy."""
    query = {
        "TableName": config.settings().orders_table,
        "KeyConditionExpression": "payment_id = :partition",
        "ExpressionAttributeValues": attributes.to_item({":partition": PARTITION}),
        "ConsistentRead": True,
    }
    items = [attributes.from_item(item) for item in query_all(query)]
    return Memory(
        cursors={
            item["record"].removeprefix(_CURSOR): item["cursor"] for item in items if item["record"].startswith(_CURSOR)
        },
        stuck=[_stuck_from_item(item) for item in items if item["record"].startswith(_STUCK)],
    )


def save_cursor(name: str, cursor: Cursor) -> None:
    """Replace the cursor of that name.

    Of two runs at once the later writer wins: each has seen itself what its cursor says.
    """
    _put(f"{_CURSOR}{name}", {"cursor": dict(cursor)})


def remember_stuck(stuck: Stuck) -> None:
    fields = {
        "sweep": stuck.sweep,
        "object_id": stuck.object_id,
        "reason": stuck.reason,
        "first_seen": times.to_sortable_text(stuck.first_seen),
        "tried_at": times.to_sortable_text(stuck.tried_at),
        "is_settled": stuck.is_settled,
        "livemode": stuck.livemode,
    }
    _put(_record_of(stuck), fields)


def forget_stuck(stuck: Stuck) -> None:
    client().delete_item(TableName=config.settings().orders_table, Key=_key(_record_of(stuck)))


def _put(record: str, fields: dict[str, Any]) -> None:
    client().put_item(TableName=config.settings().orders_table, Item=_key(record) | attributes.to_item(fields))


def _key(record: str) -> attributes.Item:
    return attributes.to_item({"payment_id": PARTITION, "record": record})


def _record_of(stuck: Stuck) -> str:
    return f"{_STUCK}{stuck.sweep}#{stuck.object_id}"


def _stuck_from_item(item: Mapping[str, Any]) -> Stuck:
    return Stuck(
        sweep=item["sweep"],
        object_id=item["object_id"],
        reason=item["reason"],
        first_seen=times.from_text(item["first_seen"]),
        tried_at=times.from_text(item["tried_at"]),
        is_settled=item["is_settled"],
        livemode=item.get("livemode"),
    )
