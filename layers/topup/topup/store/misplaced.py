"""Find the records that no index or range finds: the attributes and keys that a record should have, and has not.

Reconcile, the expiry and every spend look for records by them, so such a record is stored and yet forgotten. A record
is compared with what would be written for it now.
"""

from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any

from topup.domain.holds import Hold
from topup.domain.lots import Lot
from topup.store import credit_items, hold_items, line_items, order_items
from topup.store.attributes import Item, to_item

# The attributes that put a record into an index or end its life, by table. A record has those that are written with
# it, and none of the others.
OF_CREDITS = ("due_shard", "due_at", credit_items.TTL_ATTRIBUTE)
OF_ORDERS = ("waits_for", "waits_since", "user_id", "created_at")


def lot(item: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with where a lot is stored."""
    stored = credit_items.lot_from_item(item)
    # Without attributes that this version does not know: a lot keeps them, but a TTL among them would delete it.
    expected, record = credit_items.lot_to_item(replace(stored, unknown={})), item["record"]["S"]
    if expected["record"]["S"] != record:
        kept = f"{stored.remaining} credits" if stored.remaining else "no credits"
        yield f"lot {stored.lot_id} with {kept} is stored under {record}, it belongs under {expected['record']['S']}"
    yield from _attributes(f"lot {stored.lot_id}", item, expected, OF_CREDITS)


def timer(stored: Lot, item: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the timer of a lot that has credits and an expiry."""
    expected = credit_items.timer_item(stored)
    yield from _attributes(f"the timer of lot {stored.lot_id}", item, expected, ("lot_record", *OF_CREDITS))


def hold(item: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with where a hold is stored."""
    stored = hold_items.hold_from_item(item)
    expected, record = hold_items.hold_to_item(replace(stored, unknown={})), item["record"]["S"]
    if expected["record"]["S"] != record:
        what = f"hold {stored.hold_id}, which is {stored.status},"
        yield f"{what} is stored under {record}, it belongs under {expected['record']['S']}"
    yield from _attributes(f"hold {stored.hold_id}", item, expected, OF_CREDITS)


def hold_timer(stored: Hold, item: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the timer of a hold that nobody has ended."""
    expected = credit_items.hold_timer_item(stored)
    yield from _attributes(f"the timer of hold {stored.hold_id}", item, expected, ("hold_record", *OF_CREDITS))


def place_in_line(item: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with the place of a spend that waits in line."""
    expected = line_items.waiting_to_item(line_items.waiting_from_item(item))
    yield from _attributes(item["record"]["S"], item, expected, OF_CREDITS)


def other_credits(item: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with where a wallet, an entry or another record without an index is stored."""
    yield from _attributes(item["record"]["S"], item, {}, OF_CREDITS)


def order(item: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with where an order is stored."""
    expected = to_item(order_items.order_fields(order_items.order_from_item(item)))
    yield from _attributes("the order", item, expected, OF_ORDERS)


def reversal(item: Mapping[str, Any]) -> Iterator[str]:
    """What is wrong with where a refund or a dispute is stored."""
    expected = order_items.reversal_to_item(order_items.reversal_from_item(item))
    if expected["record"] != item["record"]:
        yield f"{item['record']['S']} is stored under this record, it belongs under {expected['record']['S']}"
    yield from _attributes(item["record"]["S"], item, expected, OF_ORDERS)


def _attributes(what: str, item: Mapping[str, Any], expected: Item, names: tuple[str, ...]) -> Iterator[str]:
    for name in names:
        if item.get(name) != expected.get(name):
            yield f"{what} has {name} {_shown(item.get(name))} where {_shown(expected.get(name))} belongs"


def _shown(attribute: Mapping[str, Any] | None) -> str:
    return "nothing" if attribute is None else next(iter(attribute.values()))
