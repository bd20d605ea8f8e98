"""What a record of the tables' streams tells, and which items are read for it."""

from datetime import UTC, datetime
from typing import Any

import pytest

from local.in_process.environment import USER_ID
from tests.support.builders import PAYMENT_ID, an_order
from topup.domain.events import OrderChange
from topup.store import credit_items, hold_items, order_items, written

ENTRY = f"{credit_items.ENTRY}0001"
HOLD = f"{hold_items.OPEN_HOLD}1"


def of_credits(record: str, event: str = "INSERT") -> Any:
    return {"eventName": event, "dynamodb": {"Keys": {"user_id": {"S": USER_ID}, "record": {"S": record}}}}


def of_orders(record: str | None, images: Any, event: str = "MODIFY") -> Any:
    keys = {"payment_id": {"S": PAYMENT_ID}} | ({"record": {"S": record}} if record else {})
    return {"eventName": event, "dynamodb": {"Keys": keys, **images}}


def test_a_record_was_written_at_a_second_in_utc():
    record = {"dynamodb": {"ApproximateCreationDateTime": 1.9}}

    assert written.written_at(record) == datetime(1970, 1, 1, 0, 0, 1, tzinfo=UTC)


def test_only_items_that_may_be_told_of_are_read(monkeypatch: pytest.MonkeyPatch):
    asked: list[Any] = []
    monkeypatch.setattr(written, "load_items", asked.extend)
    image = order_items.order_to_item(an_order())

    written.load_written_items(
        [
            of_credits(ENTRY),
            of_credits(ENTRY),
            of_credits(HOLD, "MODIFY"),
            of_credits(f"{credit_items.LOT}1"),
            of_credits(credit_items.WALLET, "MODIFY"),
            of_credits(f"{hold_items.HOLD}2", "REMOVE"),
            of_orders(order_items.ORDER, {"NewImage": image}),
        ]
    )

    assert asked == [(USER_ID, ENTRY), (USER_ID, HOLD)]


def test_an_order_is_told_of_with_what_it_was_before():
    before, after = an_order(), an_order(provider_order_id="cs_another")
    images = {"OldImage": order_items.order_to_item(before), "NewImage": order_items.order_to_item(after)}

    told = [
        written.what_was_written(of_orders(order_items.ORDER, some), {})
        for some in (images, {"NewImage": images["NewImage"]})
    ]

    assert told == [OrderChange(before=before, after=after), OrderChange(before=None, after=after)]


@pytest.mark.parametrize(
    "record",
    [
        of_orders(order_items.ORDER, {}, "REMOVE"),
        of_orders("REFUND#1", {"NewImage": order_items.order_to_item(an_order())}),
        of_orders(None, {"NewImage": order_items.order_to_item(an_order())}),  # of a table with another key
        of_credits(f"{credit_items.LOT}1"),
        of_credits(ENTRY),  # it is not there any more
    ],
)
def test_every_other_record_tells_nothing(record: Any):
    assert written.what_was_written(record, {}) is None
