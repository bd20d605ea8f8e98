"""The writes of holds and their timers in a transaction."""

from typing import Any

from topup.domain.holds import Hold, HoldChange, HoldStatus
from topup.runtime import config
from topup.store import attributes, credit_items, hold_items, lot_writes
from topup.store.updates import update_changed

# The wallet's condition implies it where both were read at one moment. Of a batch the wallet alone may have been read
# after another change: then a hold that disagrees with it must not be overwritten. Without an attribute it has no
# shortfall.
UNCHANGED_SINCE_READ = (
    "used = :used_read AND amount = :amount_read AND captured = :captured_read"
    " AND (attribute_not_exists(shortfall) OR shortfall = :shortfall_read)"
)


def writes_of_hold(change: HoldChange) -> list[Any]:
    """The writes of one hold, at most three: its key changes with its end."""
    before, after = change.before, change.after
    if before is None:
        return [lot_writes.put_new(hold_items.hold_to_item(after)), *_timer(after)]
    if before == after:
        return []  # DynamoDB refuses an update of nothing
    if hold_items.hold_record(before) == hold_items.hold_record(after):
        return [{"Update": _update(before, after)}]
    moved = lot_writes.put_new(hold_items.hold_to_item(after))
    return [{"Delete": _condition(before)}, moved, *_timer(after)]


def _update(before: Hold, after: Hold) -> dict[str, Any]:
    update = update_changed(
        hold_items.hold_fields(before), hold_items.hold_fields(after), UNCHANGED_SINCE_READ, _read(before)
    )
    return {**_address(before), **update}


def _condition(hold: Hold) -> dict[str, Any]:
    return {
        **_address(hold),
        "ConditionExpression": UNCHANGED_SINCE_READ,
        "ExpressionAttributeValues": attributes.to_item(_read(hold)),
    }


def _read(hold: Hold) -> dict[str, int]:
    return {
        ":used_read": hold.used,
        ":amount_read": hold.amount,
        ":captured_read": hold.captured,
        ":shortfall_read": hold.shortfall,
    }


def _address(hold: Hold) -> dict[str, Any]:
    return {"TableName": config.settings().credits_table, "Key": hold_items.hold_key(hold)}


def _timer(hold: Hold) -> list[Any]:
    """The timer of a hold that is open: it replaces the one of an earlier end."""
    if hold.status is not HoldStatus.OPEN:
        return []
    return [{"Put": {"TableName": config.settings().credits_table, "Item": credit_items.hold_timer_item(hold)}}]
