"""How many requests each change of a user's credits sends to DynamoDB: one read and one write, but for a reversal."""

from collections.abc import Callable
from typing import Any

import pytest

from local.in_process.shop import Shop

READ_AND_WRITE = ["Query", "TransactWriteItems"]
Do = Callable[[Shop, dict[str, Any]], Any]


@pytest.fixture
def busy_shop(shop: Shop) -> Shop:
    """The user has credits of several lots, open holds and a ledger."""
    for _ in range(3):
        shop.grant(100)
        shop.spend(1)
        shop.hold(5)
    shop.dynamodb.operations.clear()
    return shop


@pytest.mark.parametrize(
    "change",
    [
        lambda shop, _: shop.spend(150),
        lambda shop, _: shop.batch([(str(number), 1) for number in range(40)]),
        lambda shop, _: shop.grant(5),
        lambda shop, _: shop.adjust(-5),
        lambda shop, _: shop.hold(5),
        lambda shop, hold: shop.extend(hold, ttl_seconds=1000, add=1),
        lambda shop, hold: shop.capture(hold, 5, final=False),
        lambda shop, hold: shop.capture(hold, 150),
        lambda shop, hold: shop.release(hold),
    ],
    ids=["spend", "batch", "grant", "adjust", "hold", "extend", "part of a hold", "capture beyond", "release"],
)
def test_a_change_is_one_read_and_one_write(busy_shop: Shop, change: Do):
    hold = busy_shop.hold(10).json()
    busy_shop.dynamodb.operations.clear()

    assert change(busy_shop, hold).status < 300

    assert busy_shop.dynamodb.operations == READ_AND_WRITE


def test_a_late_capture_reads_no_more_until_the_end_of_the_hold_has_been_stored(busy_shop: Shop):
    hold = busy_shop.hold(10).json()
    busy_shop.wait(minutes=16)
    busy_shop.dynamodb.operations.clear()

    assert busy_shop.capture(hold, 5).json()["late"] is True

    assert busy_shop.dynamodb.operations == READ_AND_WRITE


@pytest.mark.parametrize(
    "change",
    [
        lambda shop, _: shop.spend(5, "key"),
        lambda shop, _: shop.batch([("1", 1), ("2", 2)]),
        lambda shop, _: shop.grant(5, "key"),
        lambda shop, _: shop.hold(5, "key"),
        lambda shop, hold: shop.extend(hold, "key", ttl_seconds=1000),
        lambda shop, hold: shop.capture(hold, 5, "key", final=False),
    ],
    ids=["spend", "batch", "grant", "hold", "extend", "capture"],
)
def test_the_same_request_again_is_answered_by_what_refuses_its_write(busy_shop: Shop, change: Do):
    hold = busy_shop.hold(10).json()
    change(busy_shop, hold)
    busy_shop.dynamodb.operations.clear()

    assert change(busy_shop, hold).headers["idempotent-replayed"] == "true"

    assert busy_shop.dynamodb.operations == READ_AND_WRITE


def test_a_spend_is_given_back_with_two_more_reads_of_its_entry_and_of_the_lots_that_it_drew_from(busy_shop: Shop):
    spent = busy_shop.spend(150).json()["transaction_id"]
    busy_shop.dynamodb.operations.clear()

    assert busy_shop.reverse(spent).status == 200

    assert busy_shop.dynamodb.operations == ["Query", "BatchGetItem", "BatchGetItem", "TransactWriteItems"]
