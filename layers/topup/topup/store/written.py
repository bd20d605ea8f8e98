"""What the records of the tables' streams tell: which ledger entry, hold or order was written.

The stream of the credits table has what an item was before, but not what was written. That is read from the table: an
entry never changes, and of a hold its latest state counts.
"""

from collections.abc import Mapping, Sequence
from datetime import UTC, datetime
from typing import Any

from topup.domain.credits import Entry
from topup.domain.events import OrderChange
from topup.domain.holds import HoldChange
from topup.store import credit_items, hold_items, order_items
from topup.store.batches import Key, Stored, load_items

Record = Mapping[str, Any]


def record_number(record: Record) -> str:
    """What identifies a record in its stream."""
    return str(record["dynamodb"]["SequenceNumber"])


def written_at(record: Record) -> datetime:
    """When the record's item was written, to the second."""
    return datetime.fromtimestamp(int(record["dynamodb"]["ApproximateCreationDateTime"]), UTC)


def load_written_items(records: Sequence[Record]) -> Stored:
    """The items of the credits table that the records name, those that are there; 1 request for each hundred.

    Raises Busy.
    """
    return load_items(list(dict.fromkeys(key for record in records if (key := _credits_key(record)))))


def what_was_written(record: Record, items: Stored) -> Entry | HoldChange | OrderChange | None:
    """What a record tells, with the items that were read for its batch.

    None for one that the stream's filter should not have let through, and for an item that is not there any more: an
    open hold moves when it ends, and its end has a record of its own.
    """
    change = record["dynamodb"]
    key = _credits_key(record)
    if key is None:
        is_order = change["Keys"].get("record", {}).get("S") == order_items.ORDER and "NewImage" in change
        return _order_change(change) if is_order else None
    item = items.get(key)
    if item is None or credit_items.COPIED in item:
        return None
    if key[1].startswith(credit_items.ENTRY):
        return credit_items.entry_from_item(item)
    before = hold_items.hold_from_item(change["OldImage"]) if change.get("OldImage") else None
    return HoldChange(before=before, after=hold_items.hold_from_item(item))


def _credits_key(record: Record) -> Key | None:
    keys = record["dynamodb"]["Keys"]
    if "user_id" not in keys:
        return None  # of the orders table
    name = keys["record"]["S"]
    is_told = name.startswith((credit_items.ENTRY, hold_items.HOLD, hold_items.OPEN_HOLD))
    return (keys["user_id"]["S"], name) if is_told and record["eventName"] != "REMOVE" else None


def _order_change(change: Mapping[str, Any]) -> OrderChange:
    old = change.get("OldImage")
    before = order_items.order_from_item(old) if old else None
    return OrderChange(before=before, after=order_items.order_from_item(change["NewImage"]))
