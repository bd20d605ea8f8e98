"""Reads of several items, of which a change is seen by half: DynamoDB promises "read committed", and no snapshot."""

import json
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest

from local.in_process.dynamodb import Fault, a_response, overtaken_by
from local.in_process.environment import USER_ID
from local.in_process.shop import Shop
from tests.integration.test_many_lots import EXPIRY, grant_lots
from tests.integration.test_restored_orders import orders_of, restore
from topup import store
from topup.domain import times
from topup.store import credit_items


def met_by(change: Callable[[], object], place: int) -> Fault:
    """`change` happens after the query has read so many items: it reads those that come next as they are then."""

    def fault(execute: Callable[[], Any]) -> Any:
        before = json.loads(execute().content)["Items"]
        change()
        page = json.loads(execute().content)
        if len(before) <= place:
            return a_response(page)
        records = [item["record"]["S"] for item in before]
        is_forward = records == sorted(records)
        last = records[place - 1]
        rest = [item for item in page["Items"] if (item["record"]["S"] > last) == is_forward]
        rest = [item for item in rest if item["record"]["S"] != last]
        return a_response(page | {"Items": [*before[:place], *rest]})

    return fault


def all_but_the_wallet_before(change: Callable[[], object]) -> Fault:
    """`change` happens while a batch is read: only the wallet is read after it."""

    def fault(execute: Callable[[], Any]) -> Any:
        before = json.loads(execute().content)
        change()
        after = json.loads(execute().content)
        tables = {
            table: [item for item in items if item["record"]["S"] != credit_items.WALLET]
            + [item for item in after["Responses"][table] if item["record"]["S"] == credit_items.WALLET]
            for table, items in before["Responses"].items()
        }
        return a_response(before | {"Responses": tables})

    return fault


@pytest.fixture(params=[1, 2, 3])
def place(request: pytest.FixtureRequest) -> int:
    """How many of the four items have been read when the change comes."""
    return int(request.param)


@pytest.fixture
def hold(shop: Shop) -> Mapping[str, Any]:
    """Of 5 of the user's 20 credits, which are in two lots."""
    grant_lots(shop, 2, each=10, expires_at=EXPIRY)
    opened: dict[str, Any] = shop.hold(5).json()
    return opened


Change = Callable[[Shop, Mapping[str, Any]], object]
CHANGES: dict[str, tuple[Change, tuple[int, int, int]]] = {
    "capture": (lambda shop, hold: shop.capture(hold, 5, final=True), (15, 0, 15)),
    "release": (lambda shop, hold: shop.release(hold), (20, 0, 20)),
    "spend": (lambda shop, _: shop.spend(12), (8, 5, 3)),
    "hold": (lambda shop, _: shop.hold(7), (20, 12, 8)),
    "grant": (lambda shop, _: shop.grant(7), (27, 5, 22)),
    "adjustment": (lambda shop, _: shop.adjust(-12), (8, 5, 3)),
}


@pytest.mark.parametrize("change", CHANGES)
def test_credits_are_shown_as_they_were_at_one_moment(shop: Shop, hold: Mapping[str, Any], change: str, place: int):
    do, after = CHANGES[change]
    shop.dynamodb.fail("Query", met_by(lambda: do(shop, hold), place))

    shown = shop.credits()

    assert (shown["balance"], shown["held"], shown["available"]) in [(20, 5, 15), after]
    shop.check()


def test_a_spend_that_could_be_paid_before_and_after_a_change_is_paid(shop: Shop, hold: Mapping[str, Any], place: int):
    shop.dynamodb.fail("Query", met_by(lambda: shop.capture(hold, 5, final=True), place))

    assert shop.spend(15).status == 200
    shop.check()


def test_a_spend_takes_nothing_that_a_hold_has_reserved_meanwhile(shop: Shop, hold: Mapping[str, Any], place: int):
    shop.dynamodb.fail("Query", met_by(lambda: shop.hold(7), place))

    assert shop.spend(15).status == 409
    assert shop.credits()["available"] == 8


@pytest.mark.parametrize("asks", ["capture", "extend", "release"])
def test_a_hold_is_found_that_moves_with_an_extension_meanwhile(shop: Shop, hold: Mapping[str, Any], asks: str):
    """The wallet and a hold that ends in between have been read: where it was it is not any more, and where it is now
    has been passed.
    """
    shop.hold(1, ttl_seconds=2000)
    shop.dynamodb.fail("Query", met_by(lambda: shop.extend(hold, ttl_seconds=4000), 2))

    response = {
        "capture": lambda: shop.capture(hold, 5),
        "extend": lambda: shop.extend(hold, ttl_seconds=5000),
        "release": lambda: shop.release(hold),
    }[asks]()

    assert response.status == 200
    shop.check()


def test_the_end_of_a_hold_keeps_what_a_capture_takes_in_that_instant(shop: Shop, hold: Mapping[str, Any]):
    """All that was held has been used, so another capture changes only what was captured."""
    shop.capture(hold, 5, final=False)
    end = times.from_text(hold["ends_at"])

    def capture_in_time() -> None:
        shop.api.now = end - timedelta(seconds=1)
        assert shop.capture(hold, 3, final=False).json()["captured"] == 8
        shop.api.now = end

    shop.api.now = end
    shop.dynamodb.fail("BatchGetItem", all_but_the_wallet_before(capture_in_time))

    assert shop.run_timers() == {"batchItemFailures": []}

    assert shop.capture(hold, 1).json()["captured"] == 9
    shop.check()


def test_a_hold_reserves_nothing_that_another_one_has_reserved_meanwhile(
    shop: Shop, hold: Mapping[str, Any], place: int
):
    shop.dynamodb.fail("Query", met_by(lambda: shop.hold(7), place))

    assert shop.hold(15).status == 409
    assert shop.credits()["available"] == 8


@pytest.mark.parametrize("place", [1, 2])
def test_a_refund_takes_from_a_lot_that_has_come_meanwhile(shop: Shop, place: int):
    payment_id, _ = shop.buy()
    credits = shop.credits()["balance"]
    shop.grant(10)
    shop.spend(credits)
    shop.dynamodb.fail("Query", lambda execute: execute())  # the payment
    shop.dynamodb.fail("Query", met_by(lambda: shop.grant(credits, expires_at=times.to_text(EXPIRY)), place))

    shop.refund(payment_id)

    shown = shop.credits()
    assert (shown["balance"], shown["debt"]) == (10, 0)
    shop.check()


def test_a_user_whose_lots_do_not_make_the_balance_can_still_be_read(shop: Shop):
    """The audit reports it."""
    shop.grant(10)
    shop.dynamodb.client.update_item(
        TableName=shop.dynamodb.credits_table,
        Key=credit_items.wallet_key(USER_ID),
        UpdateExpression="SET balance = :wrong",
        ExpressionAttributeValues={":wrong": {"N": "11"}},
    )

    assert shop.credits()["balance"] == 10


def test_an_orders_lot_that_gets_credits_while_it_is_looked_for_is_found(shop: Shop):
    payment_id, _ = shop.buy()
    spent = shop.spend(shop.credits()["balance"]).json()
    payment = store.load_payment(payment_id)
    assert payment
    # Not where it was, since it had no credits; and when it is looked for among such lots, it has some again.
    shop.dynamodb.fail("BatchGetItem", overtaken_by(lambda: shop.reverse(spent["transaction_id"], 1)))

    lot = store.find_own_lot(payment.order)

    assert (lot and lot.lot_id, lot and lot.remaining) == (payment_id, 1)


@pytest.mark.parametrize("has_lapsed", [True, False])
def test_a_payment_of_a_restored_order_is_granted_once_though_its_last_credit_is_spent_meanwhile(
    shop: Shop, has_lapsed: bool
):
    """The lot has one key with credits, and another without. `has_lapsed`: its timer has been deleted by TTL."""
    payment = shop.create()
    unpaid = orders_of(shop)
    shop.pay(payment)
    shop.deliver()
    credits = shop.credits()["balance"]
    restore(shop, unpaid)
    if has_lapsed:
        key = credit_items.keys(USER_ID, [f"{credit_items.TIMER}{payment['payment_id']}"])[0]
        shop.dynamodb.client.delete_item(TableName=shop.dynamodb.credits_table, Key=key)
    for delivery in shop.simulator.deliveries():
        shop.simulator.resend(delivery["event"])
    shop.dynamodb.fail("BatchGetItem", all_but_the_wallet_before(lambda: shop.spend(credits)))

    assert set(shop.deliver()) == {200}

    assert shop.ledger() == [("purchased", credits), ("spent", -credits)]
