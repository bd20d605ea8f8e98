"""The orders table restored to an earlier time than the credits table: nothing is granted or clawed back twice."""

from typing import Any

import pytest

from local.in_process.shop import Shop
from topup import store


def orders_of(shop: Shop) -> list[Any]:
    table = shop.dynamodb.orders_table
    return list(shop.dynamodb.client.scan(TableName=table, ConsistentRead=True)["Items"])


def restore(shop: Shop, items: list[Any]) -> None:
    table = shop.dynamodb.orders_table
    for item in orders_of(shop):
        shop.dynamodb.client.delete_item(TableName=table, Key={name: item[name] for name in ("payment_id", "record")})
    for item in items:
        shop.dynamodb.client.put_item(TableName=table, Item=item)


@pytest.mark.parametrize("spent", [0, 300, 1100])
def test_a_payment_that_is_reported_again_grants_nothing_more(shop: Shop, spent: int):
    payment = shop.create()
    before = orders_of(shop)
    shop.pay(payment)
    events = [delivery.event_id for delivery in shop.due()]
    shop.deliver()
    if spent:
        shop.spend(spent)
    expires_at = shop.credits()["lots"][0]["expires_at"] if spent < 1100 else None
    restore(shop, before)
    shop.wait(hours=30)

    for event_id in events:
        shop.simulator.resend(event_id)
    assert set(shop.deliver()) == {200}

    seen = shop.payment(payment["payment_id"])
    assert (seen["status"], shop.balance(), len(shop.ledger())) == ("succeeded", 1100 - spent, 1 + (spent > 0))
    order = store.load_order(payment["payment_id"])
    assert order
    assert order.credits_expire_at
    if expires_at:
        assert shop.credits()["lots"][0]["expires_at"] == expires_at
    shop.check()


@pytest.mark.parametrize("restored_to", ["before the payment", "before the refund"])
def test_a_refund_that_is_reported_again_takes_nothing_more(shop: Shop, restored_to: str):
    payment = shop.create()
    unpaid = orders_of(shop)
    intent = shop.pay(payment)
    shop.deliver()
    paid = orders_of(shop)
    shop.spend(200)
    shop.simulator.refund(intent, 5000)
    shop.deliver()
    assert shop.balance() == 350
    restore(shop, unpaid if restored_to == "before the payment" else paid)

    for delivery in shop.simulator.deliveries():
        shop.simulator.resend(delivery["event"])
    assert set(shop.deliver()) == {200}

    assert (shop.balance(), shop.payment(payment["payment_id"])["credits_refunded"]) == (350, 550)
    shop.check()
    assert shop.refund(payment["payment_id"], 20.0).json()["credits_refunded"] == 220
    assert shop.balance() == 130
    shop.check()
