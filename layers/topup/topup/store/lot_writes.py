"""The writes of lots and their timers in a transaction."""

from collections.abc import Sequence
from typing import Any

from topup.domain.lots import Lot, LotChange
from topup.runtime import config
from topup.store import attributes, credit_items
from topup.store.updates import update_changed

# The wallet's condition implies it; a lot that disagrees with its wallet must not be overwritten.
REMAINING_UNCHANGED_SINCE_READ = "remaining = :remaining_read"
# A key is written once: entries and lots are never replaced.
NOT_YET_WRITTEN = "attribute_not_exists(user_id)"


def split(lots: Sequence[LotChange], room: int) -> tuple[list[LotChange], list[LotChange]]:
    """The lots whose writes fit into so much room of one transaction, and the others."""
    now: list[LotChange] = []
    for place, lot in enumerate(lots):
        room -= _writes_needed(lot)
        if room < 0:
            return now, list(lots[place:])
        now.append(lot)
    return now, []


def _writes_needed(lot: LotChange) -> int:
    timer = len(_timer_items(lot.after)) if lot.amount > 0 else 0
    return (2 if _is_moved(lot) else 1) + timer


def _is_moved(lot: LotChange) -> bool:
    """Whether its key changes: it has no credits left, or has some again."""
    return record_read(lot) != credit_items.lot_record(lot.after)


def record_read(lot: LotChange) -> str:
    """Where the lot was when it was read."""
    return credit_items.lot_record(lot.before)


def new_lot_writes(lots: Sequence[Lot]) -> list[Any]:
    """The writes of lots that a change brings, and of their timers."""
    return [
        put_new(item, ReturnValuesOnConditionCheckFailure="ALL_OLD")
        for lot in lots
        for item in (credit_items.lot_to_item(lot), *_timer_items(lot))
    ]


def granted_once(lot: Lot) -> list[Any]:
    """The writes that let an order's lot be granted once, whatever has become of it since.

    The mark stays for ever. An earlier version left none: a lot of it that was used up is under the key of those.
    """
    marked = put_new(credit_items.grant_mark_item(lot), ReturnValuesOnConditionCheckFailure="ALL_OLD")
    return [marked, _not_used_up(lot)] if lot.remaining else [marked]


def _not_used_up(lot: Lot) -> Any:
    key = attributes.to_item({"user_id": lot.user_id, "record": credit_items.empty_lot_record(lot.lot_id)})
    return {
        "ConditionCheck": {
            "TableName": config.settings().credits_table,
            "Key": key,
            "ConditionExpression": NOT_YET_WRITTEN,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def writes_of_lots(lots: Sequence[LotChange]) -> list[Any]:
    """The writes of lots that a change takes from or gives to."""
    return [write for lot in lots for write in _lot_writes(lot)]


def _lot_writes(lot: LotChange) -> list[Any]:
    # Credits that return to a lot past its expiry need its timer again.
    timer = _timer_writes(lot.after) if lot.amount > 0 else []
    if not _is_moved(lot):
        return [{"Update": _lot_update(lot)}, *timer]
    moved = put_new(credit_items.lot_to_item(lot.after))
    return [{"Delete": _lot_condition(lot.before)}, moved, *timer]


def _lot_update(lot: LotChange) -> dict[str, Any]:
    fields = ("remaining", "expired_credits")
    before, after = ({name: getattr(one, name) for name in fields} for one in (lot.before, lot.after))
    condition = REMAINING_UNCHANGED_SINCE_READ
    return {
        **_lot_address(lot.before),
        **update_changed(before, after, condition, {":remaining_read": lot.before.remaining}),
    }


def _lot_condition(lot: Lot) -> dict[str, Any]:
    return {
        **_lot_address(lot),
        "ConditionExpression": REMAINING_UNCHANGED_SINCE_READ,
        "ExpressionAttributeValues": attributes.to_item({":remaining_read": lot.remaining}),
    }


def _lot_address(lot: Lot) -> dict[str, Any]:
    return {"TableName": config.settings().credits_table, "Key": credit_items.lot_key(lot)}


def _timer_writes(lot: Lot) -> list[Any]:
    table = config.settings().credits_table
    return [{"Put": {"TableName": table, "Item": item}} for item in _timer_items(lot)]


def _timer_items(lot: Lot) -> list[attributes.Item]:
    return [credit_items.timer_item(lot)] if lot.remaining and lot.expires_at else []


def put_new(item: attributes.Item, **options: str) -> dict[str, Any]:
    """The write of an item whose key must be new."""
    table = config.settings().credits_table
    return {"Put": {"TableName": table, "Item": item, "ConditionExpression": NOT_YET_WRITTEN, **options}}
