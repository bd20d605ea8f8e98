"""The audit finds records that reconcile, the expiry or a spend would not find, and those that TTL would delete.

Each of these is right except for one key or attribute.
"""

from typing import Any

import pytest

from local.in_process.environment import USER_ID
from local.in_process.shop import Shop
from ops.audit import audit


def findings(shop: Shop) -> list[str]:
    return audit(lambda: shop.now).findings


def records(shop: Shop, prefix: str) -> list[dict[str, Any]]:
    """The stored items of both tables whose `record` begins with the prefix."""
    return [
        item
        for table in (shop.dynamodb.orders_table, shop.dynamodb.credits_table)
        for item in shop.dynamodb.client.scan(TableName=table, ConsistentRead=True)["Items"]
        if item["record"]["S"].startswith(prefix)
    ]


def put(shop: Shop, item: dict[str, Any]) -> None:
    table = shop.dynamodb.orders_table if "payment_id" in item and "lot_id" not in item else shop.dynamodb.credits_table
    table = shop.dynamodb.credits_table if item["record"]["S"].startswith("ENTRY#") else table
    shop.dynamodb.client.put_item(TableName=table, Item=item)


def damage(shop: Shop, prefix: str, **attributes: str | int | None) -> None:
    """Change attributes of the one record of this kind; None removes one."""
    [item] = records(shop, prefix)
    for name, value in attributes.items():
        item.pop(name, None)
        if value is not None:
            item[name] = {"N": str(value)} if isinstance(value, int) else {"S": value}
    put(shop, item)


@pytest.fixture
def shop_with_everything(shop: Shop) -> Shop:
    """An open checkout; a purchase, partly refunded, with a refund that is in flight; a grant that is used up."""
    shop.grant(5, expires_at="2027-01-01T00:00:00Z")
    shop.spend(5)
    payment_id, _ = shop.buy()
    shop.fault("/v1/refunds", "timeout_before", times=2)
    assert shop.refund(payment_id, 10).status == 202
    shop.create(user="user-2")
    assert findings(shop) == []
    return shop


@pytest.mark.parametrize("name", ["waits_for", "waits_since"])
@pytest.mark.parametrize("wrong", [None, "2020-01-01T00:00:00.000000Z", "payment:x"])
def test_an_unfinished_order_that_reconcile_would_not_find(shop: Shop, name: str, wrong: str | None):
    payment_id = shop.create()["payment_id"]
    assert findings(shop) == []

    damage(shop, "ORDER", **{name: wrong})

    [finding] = findings(shop)
    assert finding.startswith(f"payment {payment_id}: the order has {name} {wrong or 'nothing'} where ")


@pytest.mark.parametrize("name", ["waits_for", "waits_since"])
def test_a_settled_order_that_reconcile_would_ask_about_for_ever(shop: Shop, name: str):
    payment_id, _ = shop.buy()

    damage(shop, "ORDER", **{name: "payment:a"})

    assert findings(shop) == [f"payment {payment_id}: the order has {name} payment:a where nothing belongs"]


@pytest.mark.parametrize("name", ["waits_for", "waits_since"])
@pytest.mark.parametrize("wrong", [None, "payment:a"])
def test_a_refund_in_flight_that_reconcile_would_not_find(shop_with_everything: Shop, name: str, wrong: str | None):
    damage(shop_with_everything, "REFUND#", **{name: wrong})

    [finding] = findings(shop_with_everything)
    assert f" has {name} {wrong or 'nothing'} where " in finding


@pytest.mark.parametrize("name", ["waits_for", "user_id", "created_at"])
def test_a_refund_that_an_index_names_though_it_should_not(shop: Shop, name: str):
    payment_id, _ = shop.buy()
    shop.refund(payment_id, 10)

    damage(shop, "REFUND#", **{name: "refund"})

    [finding] = findings(shop)
    assert finding.startswith(f"payment {payment_id}: REFUND#")
    assert finding.endswith(f" has {name} refund where nothing belongs")


@pytest.mark.parametrize("name", ["due_shard", "due_at"])
@pytest.mark.parametrize("wrong", [None, "x"])
def test_a_lot_with_credits_that_the_sweep_would_not_find(shop: Shop, name: str, wrong: str | None):
    shop.buy()

    damage(shop, "LOT#", **{name: wrong})

    [finding] = findings(shop)
    assert f" has {name} {wrong or 'nothing'} where " in finding


@pytest.mark.parametrize("name", ["due_shard", "due_at"])
def test_a_lot_that_the_sweep_would_look_at_for_ever(shop: Shop, name: str):
    shop.grant(5, expires_at=None)
    shop.grant(5, user="user-2", expires_at="2027-01-01T00:00:00Z")
    shop.spend(5, user="user-2")

    damage(shop, "LOT#", **{name: "a"})
    damage(shop, "EMPTYLOT#", **{name: "a"})

    assert len(findings(shop)) == 2
    assert all(finding.endswith(f" has {name} a where nothing belongs") for finding in findings(shop))


def test_a_lot_without_credits_among_those_that_every_spend_reads(shop_with_everything: Shop):
    shop = shop_with_everything
    [item] = records(shop, "EMPTYLOT#")
    key = {name: item[name] for name in ("user_id", "record")}
    shop.dynamodb.client.delete_item(TableName=shop.dynamodb.credits_table, Key=key)
    put(shop, item | {"record": {"S": f"LOT#2027-01-01T00:00:00Z#{item['lot_id']['S']}"}})

    [finding] = findings(shop)
    assert f"lot {item['lot_id']['S']} with no credits is stored under LOT#" in finding


@pytest.mark.parametrize("record", ["EMPTYLOT#{}", "LOT#2027-01-01T00:00:00Z#{}"])
def test_a_lot_with_credits_that_no_spend_would_find(shop: Shop, record: str):
    payment_id, _ = shop.buy()
    [item] = records(shop, "LOT#")
    key = {name: item[name] for name in ("user_id", "record")}
    shop.dynamodb.client.delete_item(TableName=shop.dynamodb.credits_table, Key=key)
    put(shop, item | {"record": {"S": record.format(payment_id)}})

    assert any(
        f"lot {payment_id} with 1100 credits is stored under {record.format(payment_id)}, it belongs under" in finding
        for finding in findings(shop)
    )


@pytest.mark.parametrize(
    ("name", "wrong"), [("ttl", None), ("ttl", 1), ("lot_record", "LOT#elsewhere"), ("due_at", "2027-01-01T00:00:00Z")]
)
def test_a_timer_that_would_expire_nothing_or_too_late(shop: Shop, name: str, wrong: str | int | None):
    payment_id, _ = shop.buy()

    damage(shop, "EXPIRY#", **{name: wrong})

    [finding] = findings(shop)
    assert finding.startswith(f"user {USER_ID}: the timer of lot {payment_id} has {name} {wrong or 'nothing'} where ")


@pytest.mark.parametrize("prefix", ["WALLET", "ENTRY#", "LOT#"])
def test_a_record_that_ttl_would_delete(shop: Shop, prefix: str):
    shop.buy()

    damage(shop, prefix, ttl=1_900_000_000)

    [finding] = findings(shop)
    assert finding.endswith(" has ttl 1900000000 where nothing belongs")


def test_the_rest_of_a_long_change_is_not_out_of_place(shop: Shop):
    """A lot that the wallet names has its old credits still, and is where such a lot belongs."""
    shop.grant(5, expires_at="2027-01-01T00:00:00Z")
    [lot] = records(shop, "LOT#")
    wallet = records(shop, "WALLET")[0]
    entry = records(shop, "ENTRY#")[0]
    zero = {"N": "0"}
    spent = {"record": {"S": "ENTRY#000000000002"}, "number": {"N": "2"}, "amount": {"N": "-5"}, "balance_after": zero}
    moves = {"moves": {"M": {lot["lot_id"]["S"]: {"N": "-5"}}}, "transaction_type": {"S": "spent"}}
    put(shop, entry | spent | moves)
    unfinished = {"unfinished": {"M": {lot["record"]["S"]: zero}}, "balance": zero, "last_entry": {"N": "2"}}
    put(shop, wallet | unfinished | {"version": {"N": str(int(wallet["version"]["N"]) + 1)}})

    assert findings(shop) == []


@pytest.mark.parametrize("name", ["waits_for", "waits_since"])
def test_a_quarantined_order_that_nobody_would_find(shop: Shop, name: str):
    payment = shop.create()
    damage(shop, "ORDER", amount_minor=9_900)
    shop.pay(payment)
    shop.deliver()
    assert shop.payment(payment["payment_id"])["quarantine_reason"]
    assert findings(shop) == []

    damage(shop, "ORDER", **{name: None})

    [finding] = findings(shop)
    assert finding.startswith(f"payment {payment['payment_id']}: the order has {name} nothing where ")


def test_records_of_something_else_beside_the_orders_are_left(shop: Shop):
    shop.reconcile()
    put(shop, {"payment_id": {"S": "#reconcile"}, "record": {"S": "CURSOR#events"}, "place": {"S": "evt_1"}})

    found = audit(lambda: shop.now)

    assert (found.payments, found.findings) == (0, [])
