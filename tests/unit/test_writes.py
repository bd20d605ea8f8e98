"""What a transaction writes of lots and holds, and on which condition."""

from dataclasses import replace
from typing import Any

import pytest

from local.in_process.environment import NOW
from tests.support.builders import a_hold, a_lot
from topup.domain.holds import HoldChange, HoldStatus
from topup.domain.lots import Lot, LotChange
from topup.runtime import config
from topup.store import attributes, credit_items, hold_items, hold_writes, lot_writes
from topup.store.updates import update_changed

pytestmark = pytest.mark.usefixtures("environment")

LATER = NOW.replace(hour=20)
LOT_AS_READ = {"ConditionExpression": "remaining = :remaining_read"}
HOLD_AS_READ = {
    "ConditionExpression": "used = :used_read AND amount = :amount_read AND captured = :captured_read"
    " AND (attribute_not_exists(shortfall) OR shortfall = :shortfall_read)"
}
HOLD_READ = {":used_read": 2, ":amount_read": 10, ":captured_read": 2, ":shortfall_read": 1}
IS_NEW = {"ConditionExpression": "attribute_not_exists(user_id)"}


def changed(before: int, after: int, expired_credits: int = 0, **lot: Any) -> LotChange:
    known = a_lot(remaining=before, **lot)
    return LotChange(before=known, after=replace(known, remaining=after, expired_credits=expired_credits))


def of_table(**write: Any) -> dict[str, Any]:
    return {"TableName": config.settings().credits_table, **write}


def put(item: Any, **options: str) -> dict[str, Any]:
    return {"Put": of_table(Item=item, **options)}


def delete(lot: Lot) -> dict[str, Any]:
    values = {":remaining_read": {"N": str(lot.remaining)}}
    return {"Delete": of_table(Key=credit_items.lot_key(lot), ExpressionAttributeValues=values, **LOT_AS_READ)}


def update(lot: Lot, expression: str, names: dict[str, str], **values: int) -> dict[str, Any]:
    given = {f":{name}": {"N": str(value)} for name, value in (values | {"remaining_read": lot.remaining}).items()}
    return {
        "Update": of_table(
            Key=credit_items.lot_key(lot),
            UpdateExpression=expression,
            ExpressionAttributeNames=names,
            ExpressionAttributeValues=given,
            **LOT_AS_READ,
        )
    }


def test_what_is_taken_of_a_lot_is_set_where_the_lot_is_as_it_was_read():
    taken = changed(100, 60)

    assert lot_writes.writes_of_lots([taken]) == [
        update(taken.before, "SET #remaining = :remaining", {"#remaining": "remaining"}, remaining=60)
    ]


def test_what_comes_back_to_a_lot_needs_its_timer_again_unless_it_never_expires():
    back, endless = changed(100, 160), changed(100, 160, lot_id="gift", expires_at=None)
    names = {"#remaining": "remaining"}

    assert lot_writes.writes_of_lots([back, endless]) == [
        update(back.before, "SET #remaining = :remaining", names, remaining=160),
        put(credit_items.timer_item(back.after)),
        update(endless.before, "SET #remaining = :remaining", names, remaining=160),
    ]


def test_a_lot_without_credits_moves_out_of_the_way_of_reads_and_back():
    used_up, back = changed(100, 0, expired_credits=100), changed(0, 5)

    assert lot_writes.writes_of_lots([used_up]) == [
        delete(used_up.before),
        put(credit_items.lot_to_item(used_up.after), **IS_NEW),
    ]
    assert lot_writes.writes_of_lots([back]) == [
        delete(back.before),
        put(credit_items.lot_to_item(back.after), **IS_NEW),
        put(credit_items.timer_item(back.after)),
    ]


def test_a_new_lot_and_its_timer_tell_what_stands_in_their_way():
    lot, spent, endless = a_lot(), a_lot(lot_id="spent", remaining=0), a_lot(lot_id="gift", expires_at=None)
    options = {"ReturnValuesOnConditionCheckFailure": "ALL_OLD", **IS_NEW}

    assert lot_writes.new_lot_writes([lot, spent, endless]) == [
        put(credit_items.lot_to_item(lot), **options),
        put(credit_items.timer_item(lot), **options),
        put(credit_items.lot_to_item(spent), **options),
        put(credit_items.lot_to_item(endless), **options),
    ]


@pytest.mark.parametrize(("room", "fit"), [(0, 0), (1, 1), (2, 1), (3, 2), (4, 2), (5, 3), (7, 3), (8, 4), (99, 4)])
def test_as_many_lots_as_their_writes_fit_into_are_written_at_once(room: int, fit: int):
    """One write of what is left, two of a lot that moves, and one more for each timer."""
    lots = [changed(9, 8), changed(9, 0), changed(9, 10), changed(0, 1)]

    assert lot_writes.split(lots, room) == (lots[:fit], lots[fit:])


def test_a_new_hold_has_a_timer():
    hold = a_hold()

    assert hold_writes.writes_of_hold(HoldChange(before=None, after=hold)) == [
        put(hold_items.hold_to_item(hold), **IS_NEW),
        put(credit_items.hold_timer_item(hold)),
    ]


def test_a_hold_that_stays_is_updated_where_it_is_as_it_was_read():
    before = a_hold(used=2, captured=2, shortfall=1)

    [write] = hold_writes.writes_of_hold(HoldChange(before=before, after=replace(before, used=5, captured=5)))

    assert write == {
        "Update": of_table(
            Key=hold_items.hold_key(before),
            UpdateExpression="SET #used = :used, #captured = :captured",
            ExpressionAttributeNames={"#used": "used", "#captured": "captured"},
            ExpressionAttributeValues=attributes.to_item({":used": 5, ":captured": 5} | HOLD_READ),
            **HOLD_AS_READ,
        )
    }
    assert hold_writes.writes_of_hold(HoldChange(before=before, after=before)) == []


@pytest.mark.parametrize("changes", [{"ends_at": LATER}, {"status": HoldStatus.RELEASED}])
def test_a_hold_moves_with_its_end_and_has_a_timer_while_it_is_open(changes: dict[str, Any]):
    before, after = a_hold(used=2, captured=2, shortfall=1), a_hold(used=2, captured=2, shortfall=1, **changes)
    timer = [put(credit_items.hold_timer_item(after))] if after.status is HoldStatus.OPEN else []

    assert hold_writes.writes_of_hold(HoldChange(before=before, after=after)) == [
        {
            "Delete": of_table(
                Key=hold_items.hold_key(before),
                ExpressionAttributeValues=attributes.to_item(HOLD_READ),
                **HOLD_AS_READ,
            )
        },
        put(hold_items.hold_to_item(after), **IS_NEW),
        *timer,
    ]


@pytest.mark.parametrize(
    ("before", "after", "condition", "update"),
    [
        (
            {"a": 1, "b": 2},
            {"a": 1, "b": 3},
            "b = :read",
            {
                "UpdateExpression": "SET #b = :b",
                "ExpressionAttributeNames": {"#b": "b"},
                "ExpressionAttributeValues": {":b": {"N": "3"}, ":read": {"N": "2"}},
            },
        ),
        (
            {"a": 1, "b": 2},
            {"a": None, "b": None, "status": "x"},
            "#status = :read",
            {
                "UpdateExpression": "SET #status = :status REMOVE #a, #b",
                "ExpressionAttributeNames": {"#a": "a", "#b": "b", "#status": "status"},
                "ExpressionAttributeValues": {":status": {"S": "x"}, ":read": {"N": "2"}},
            },
        ),
        (
            {"a": 1},
            {"a": 2},
            "#status IN (:read)",
            {
                "UpdateExpression": "SET #a = :a",
                "ExpressionAttributeNames": {"#a": "a", "#status": "status"},
                "ExpressionAttributeValues": {":a": {"N": "2"}, ":read": {"N": "2"}},
            },
        ),
    ],
)
def test_an_update_sets_what_has_changed_removes_what_has_gone_and_names_nothing_else(
    before: dict[str, Any], after: dict[str, Any], condition: str, update: dict[str, Any]
):
    assert update_changed(before, after, condition, {":read": 2}) == {"ConditionExpression": condition, **update}


def test_an_update_that_only_removes_has_no_values():
    assert update_changed({"a": 1}, {"a": None}, "attribute_exists(a)", {}) == {
        "UpdateExpression": "REMOVE #a",
        "ConditionExpression": "attribute_exists(a)",
        "ExpressionAttributeNames": {"#a": "a"},
    }
