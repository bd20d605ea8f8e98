"""What version 0.1.0 has clawed back, and kept no record of in the credits table, is found and given back."""

from typing import Any

import pytest

from local.in_process.environment import USER_ID
from local.in_process.shop import Shop
from topup.store import clawback_items, credit_items, order_items
from topup.store.attributes import to_item


def as_an_older_version_wrote_it(shop: Shop, payment_id: str) -> None:
    """Remove what that version did not write for a payment's refunds and disputes."""
    client, orders, credits = shop.dynamodb.client, shop.dynamodb.orders_table, shop.dynamodb.credits_table
    record = to_item({"user_id": USER_ID, "record": clawback_items.clawback_record(payment_id)})
    client.delete_item(TableName=credits, Key=record)
    remove(shop, credits, credit_items.wallet_key(USER_ID), "debts")
    remove(shop, orders, order_items.order_key(payment_id), "reversal_changes")
    for item in client.scan(TableName=orders, ConsistentRead=True)["Items"]:
        if item["payment_id"]["S"] == payment_id and item["record"]["S"] != order_items.ORDER:
            key: Any = {name: item[name] for name in ("payment_id", "record")}
            remove(shop, orders, key, "live_minor, lost_before, attempt, tried_at")


def remove(shop: Shop, table: str, key: Any, names: str) -> None:
    shop.dynamodb.client.update_item(TableName=table, Key=key, UpdateExpression=f"REMOVE {names}")


@pytest.mark.parametrize(("spent", "debt"), [(0, 0), (600, 50), (1100, 550)])
def test_credits_that_it_took_come_back(shop: Shop, spent: int, debt: int):
    payment_id, intent = shop.buy()
    shop.spend(spent or 1)
    made = shop.simulator.refund(intent, 5000)
    shop.deliver()
    assert shop.credits()["debt"] == debt
    as_an_older_version_wrote_it(shop, payment_id)

    shop.simulator.fail_refund(made["id"])
    shop.deliver()

    assert (shop.balance(), shop.credits()["debt"]) == (1100 - (spent or 1), 0)
    shop.check()


def test_credits_that_it_took_from_a_lot_that_has_expired_come_back_in_a_new_one(shop: Shop):
    payment_id, intent = shop.buy()
    made = shop.simulator.refund(intent, 5000)
    shop.deliver()
    as_an_older_version_wrote_it(shop, payment_id)
    shop.wait(days=200)
    shop.run_timers()

    shop.simulator.fail_refund(made["id"])
    shop.deliver()

    (lot,) = shop.credits()["lots"]
    assert (lot["source"], lot["payment_id"], lot["remaining"]) == ("restored", payment_id, 550)
    shop.check()


def test_a_debt_that_it_made_and_a_later_purchase_paid_comes_back(shop: Shop):
    payment_id, intent = shop.buy()
    shop.spend(1100)
    dispute = shop.simulator.dispute(intent)
    shop.deliver()
    as_an_older_version_wrote_it(shop, payment_id)
    shop.buy("value")
    assert shop.balance() == 4900

    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()

    assert (shop.balance(), shop.credits()["debt"]) == (6000, 0)
    shop.check()


def test_what_it_took_is_not_taken_again_once_another_payment_has_reversed_spends_credits_of_the_lot(shop: Shop):
    _, other = shop.buy("trial")
    shop.wait(days=1)
    payment_id, intent = shop.buy()
    shop.simulator.refund(intent, 5000)
    shop.deliver()
    as_an_older_version_wrote_it(shop, payment_id)
    shop.spend(500)
    dispute = shop.simulator.dispute(other)  # takes 500 of the 550 that are left
    shop.deliver()
    shop.wait(days=200)
    shop.run_timers()
    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()
    assert shop.balance() == 500
    shop.check()

    shop.simulator.refund(intent, 5000)
    shop.deliver()

    assert (shop.balance(), shop.credits()["debt"]) == (0, 0)
    shop.check()
