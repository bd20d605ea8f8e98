"""Lots that are used up: nobody's spend reads them, and they come back as they were with credits that return."""

from datetime import timedelta
from typing import Any

import pytest

from local.in_process.api import as_user
from local.in_process.environment import NOW, USER_ID
from local.in_process.shop import Shop
from tests.support.builders import a_lot, a_wallet
from topup import store
from topup.store import credit_items

EXPIRY = NOW.replace(month=9)  # of what is bought at NOW
FOREIGN = {"colour": {"S": "red"}, "tags": {"SS": ["a", "b"]}, "raw": {"B": b"\x00"}, "gone": {"NULL": True}}


def items(shop: Shop, prefix: str, table: str | None = None) -> list[dict[str, Any]]:
    """The stored items whose `record` begins with the prefix."""
    found = shop.dynamodb.client.scan(TableName=table or shop.dynamodb.credits_table, ConsistentRead=True)["Items"]
    return [item for item in found if item["record"]["S"].startswith(prefix)]


def in_due_index(shop: Shop) -> set[str]:
    """The ids of the lots that the index `due` names, whenever they fall due."""
    return {due.key.record.rpartition("#")[2] for due in store.due_since(NOW.replace(year=9998))}


def timers(shop: Shop) -> set[str]:
    """The ids of the lots that have a timer."""
    return {item["record"]["S"].removeprefix("EXPIRY#") for item in items(shop, "EXPIRY#")}


def add_attributes(shop: Shop, item: dict[str, Any], table: str | None = None) -> None:
    """Let another version write attributes that this one does not know."""
    shop.dynamodb.client.put_item(TableName=table or shop.dynamodb.credits_table, Item=item | FOREIGN)


def has_them(item: dict[str, Any]) -> bool:
    return all(item.get(name) == value for name, value in FOREIGN.items())


# ------------------------------------------------------------------------------------------------- they cost nothing


def write_used_up_lots(shop: Shop, user: str, number: int) -> None:
    """Lots without credits that are not past their expiry, and as many that are."""
    lots = [
        a_lot(lot_id=f"lot-{n}", user_id=user, remaining=0, expires_at=NOW + timedelta(days=n - number // 2 + 1))
        for n in range(number)
    ]
    wallet = a_wallet(user_id=user, last_entry=2 * number, version=2 * number)
    made = [credit_items.wallet_to_item(wallet), *map(credit_items.lot_to_item, lots)]
    for start in range(0, len(made), 25):
        puts = [{"PutRequest": {"Item": item}} for item in made[start : start + 25]]
        shop.dynamodb.client.batch_write_item(RequestItems={shop.dynamodb.credits_table: puts})


def costs_of(shop: Shop, user: str) -> dict[str, tuple[int, list[str], int]]:
    """For each request: its status, its operations in DynamoDB, and how much they read."""
    shop.grant(100, user=user)
    costs = {}
    requests: dict[str, Any] = {
        "spend": lambda: shop.spend(10, user=user),
        "refused spend": lambda: shop.spend(91, user=user),
        "balance": lambda: shop.api.get("/api/users/credits", as_user(user)),
        "adjustment": lambda: shop.adjust(-10, user=user),
        "spend of the rest": lambda: shop.spend(80, user=user),
    }
    for name, request in requests.items():
        shop.dynamodb.operations.clear()
        shop.dynamodb.read_units = 0
        response = request()
        costs[name] = (response.status, list(shop.dynamodb.operations), shop.dynamodb.read_units)
    return costs


def test_requests_cost_the_same_with_ten_and_with_two_thousand_used_up_lots(shop: Shop):
    write_used_up_lots(shop, "ten", 10)
    write_used_up_lots(shop, "many", 2000)

    costs = costs_of(shop, "many")

    assert costs == costs_of(shop, "ten")
    assert costs["spend"][1] == ["Query", "TransactWriteItems"]
    assert costs["balance"][1] == ["Query"]


@pytest.mark.parametrize("use_up", ["spend", "adjust", "claw back", "expire"])
def test_a_lot_leaves_the_range_of_every_spends_read_when_it_is_used_up(shop: Shop, use_up: str):
    payment_id, _ = shop.buy()
    match use_up:
        case "spend":
            shop.spend(1100)
        case "adjust":
            shop.adjust(-1100)
        case "claw back":
            shop.refund(payment_id)
        case "expire":
            shop.api.now = EXPIRY
            shop.run_timers()

    assert items(shop, "LOT#") == []
    assert [item["lot_id"]["S"] for item in items(shop, "EMPTYLOT#")] == [payment_id]
    assert in_due_index(shop) == set()
    shop.check()


def test_a_lot_that_a_grant_uses_up_to_pay_debt_is_never_in_that_range(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(1100)
    shop.refund(payment_id, force=True)

    lot_id = shop.grant(300).json()["lot_id"]

    assert items(shop, "LOT#") == []
    assert lot_id in {item["lot_id"]["S"] for item in items(shop, "EMPTYLOT#")}
    assert (in_due_index(shop), lot_id in timers(shop)) == (set(), False)
    shop.check()


# ------------------------------------------------------------------------------------------------------ they come back


@pytest.mark.parametrize("lose_timer", [False, True])
def test_a_lot_that_gets_credits_back_is_open_again_with_its_timer_and_falls_due(shop: Shop, lose_timer: bool):
    payment_id, intent = shop.buy()
    made = shop.simulator.refund(intent)
    shop.deliver()
    assert items(shop, "LOT#") == []
    if lose_timer:
        [timer] = items(shop, "EXPIRY#")
        key = {name: timer[name] for name in ("user_id", "record")}
        shop.dynamodb.client.delete_item(TableName=shop.dynamodb.credits_table, Key=key)

    shop.simulator.fail_refund(made["id"])
    shop.deliver()

    assert items(shop, "EMPTYLOT#") == []
    assert [item["record"]["S"] for item in items(shop, "LOT#")] == [f"LOT#2026-09-01T12:00:00Z#{payment_id}"]
    assert (in_due_index(shop), timers(shop)) == ({payment_id}, {payment_id})
    shop.check()
    assert shop.spend(100).status == 200
    shop.api.now = EXPIRY
    shop.run_timers()
    assert shop.ledger()[-1] == ("expired", -1000)
    assert (in_due_index(shop), timers(shop)) == (set(), set())
    shop.check()


def test_credits_that_come_back_after_the_expiry_are_a_new_lot_that_falls_due_in_its_turn(shop: Shop):
    payment_id, intent = shop.buy()
    made = shop.simulator.refund(intent)
    shop.deliver()
    shop.api.now = EXPIRY + timedelta(days=5)
    shop.due_timers(delete=True)

    shop.simulator.fail_refund(made["id"])
    shop.deliver()

    (lot,) = shop.credits()["lots"]
    assert lot["lot_id"] != payment_id
    assert (shop.balance(), in_due_index(shop), timers(shop)) == (1100, {lot["lot_id"]}, {lot["lot_id"]})
    shop.wait(days=400)
    assert shop.reconcile()["lots"]["repaired"] == 1
    assert (shop.ledger()[-1], in_due_index(shop)) == (("expired", -1100), set())
    shop.check()


def test_a_lot_without_expiry_has_no_timer_and_never_falls_due(shop: Shop):
    lot_id = shop.grant(50, expires_at=None).json()["lot_id"]

    assert (timers(shop), in_due_index(shop)) == (set(), set())
    assert [item["record"]["S"] for item in items(shop, "LOT#")] == [f"LOT#9999-12-31T23:59:59Z#{lot_id}"]
    shop.spend(30)
    assert (timers(shop), in_due_index(shop)) == (set(), set())
    shop.wait(days=365 * 100)
    assert shop.reconcile(sweep_after_hours=0)["lots"]["found"] == 0
    assert shop.balance() == 20
    shop.check()


def test_a_lot_stays_in_the_index_while_it_has_credits(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(1099)
    assert in_due_index(shop) == {payment_id}

    shop.spend(1)

    assert in_due_index(shop) == set()


# --------------------------------------------------------------- attributes of another version that runs side by side


def test_what_another_version_added_to_a_lot_stays_with_it(shop: Shop):
    _, intent = shop.buy()
    [lot] = items(shop, "LOT#")
    add_attributes(shop, lot)

    shop.spend(100)  # the lot is updated in its place
    assert [has_them(item) for item in items(shop, "LOT#")] == [True]
    made = shop.simulator.refund(intent)  # it is used up, and moves
    shop.deliver()
    assert [has_them(item) for item in items(shop, "EMPTYLOT#")] == [True]
    shop.simulator.fail_refund(made["id"])  # it moves back
    shop.deliver()
    [back] = items(shop, "LOT#")

    assert has_them(back)
    assert back == lot | FOREIGN | {"remaining": {"N": "1000"}}
    shop.check()


def test_what_another_version_added_to_a_lot_stays_with_it_when_it_expires(shop: Shop):
    shop.buy()
    [lot] = items(shop, "LOT#")
    add_attributes(shop, lot)
    shop.api.now = EXPIRY

    shop.run_timers()

    assert [has_them(item) for item in items(shop, "EMPTYLOT#")] == [True]
    shop.check()


def test_what_another_version_added_to_a_wallet_stays_in_it(shop: Shop):
    payment_id, _ = shop.buy()
    [wallet] = items(shop, "WALLET")
    add_attributes(shop, wallet)

    shop.spend(100)
    shop.grant(50)
    shop.adjust(-10)
    shop.refund(payment_id, force=True)

    assert [has_them(item) for item in items(shop, "WALLET")] == [True]
    shop.check()


@pytest.mark.parametrize("record", ["REFUND#", "DISPUTE#", "ORDER"])
def test_what_another_version_added_to_a_payments_records_stays_in_them(shop: Shop, record: str):
    _, intent = shop.buy()
    made = shop.simulator.refund(intent, 2500)
    dispute = shop.simulator.dispute(intent)
    shop.deliver()
    table = shop.dynamodb.orders_table
    [item] = items(shop, record, table)
    add_attributes(shop, item, table)

    shop.simulator.fail_refund(made["id"])
    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()

    [after] = items(shop, record, table)
    assert after != item | FOREIGN
    assert has_them(after)
    shop.check()


def test_a_write_of_a_lot_sets_what_changes_and_nothing_else(shop: Shop):
    shop.grant(50, expires_at=None)
    [lot] = items(shop, "LOT#")
    renamed = lot | {"name": {"S": "Another name"}}
    shop.dynamodb.client.put_item(TableName=shop.dynamodb.credits_table, Item=renamed)

    shop.spend(20)

    assert items(shop, "LOT#") == [renamed | {"remaining": {"N": "30"}}]


def test_the_wallet_counts_every_change_in_its_version(shop: Shop):
    payment_id, _ = shop.buy()
    first = store.load_credits(USER_ID, shop.now).wallet.version
    shop.spend(100)
    shop.grant(50)
    shop.adjust(-10)
    shop.refund(payment_id, force=True)

    wallet = store.load_credits(USER_ID, shop.now).wallet

    assert (wallet.version - first, wallet.last_entry) == (4, 5)
