"""A request costs the same after years of history as for a new user."""

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

import pytest
from ministack.services import dynamodb as engine

from local.in_process.api import as_user
from local.in_process.environment import NOW, USER_ID
from local.in_process.shop import Shop
from tests.integration.test_as_of import at
from tests.support.builders import a_cause, a_lot, a_wallet
from topup.domain.credits import Entry, TransactionType
from topup.store import credit_items

ENTRIES = 20_000
EXPIRED_LOTS = 200


def write_history(shop: Shop, user: str) -> None:
    """Years of history: expired lots, all used up, and the ledger of their spends."""
    lots = [
        a_lot(lot_id=f"lot-{n}", user_id=user, remaining=0, expires_at=NOW - timedelta(days=n + 1))
        for n in range(EXPIRED_LOTS)
    ]
    wallet = a_wallet(user_id=user, last_entry=ENTRIES, version=ENTRIES, total_credits_earned=10**6)
    write(shop, [credit_items.wallet_to_item(wallet), *map(credit_items.lot_to_item, lots)])
    write(shop, (credit_items.entry_to_item(an_entry(user, number)) for number in range(1, ENTRIES + 1)))
    newest = shop.api.get("/api/users/credits/transactions?limit=1", as_user(user)).json()["transactions"]
    assert [row["description"] for row in newest] == ["work"]


def an_entry(user: str, number: int) -> Entry:
    return Entry(
        user_id=user,
        number=number,
        cause=a_cause(),
        amount=-1,
        balance_after=0,
        created_at=NOW,
        moves={"lot": -1},
    )


def write(shop: Shop, items: Iterable[Any]) -> None:
    """Put items where the emulator has them: as requests they would take ten times as long."""
    table = engine._tables[shop.dynamodb.credits_table]
    for item in items:
        user_id, record, error = engine._resolve_table_key_values(table, item, allow_extra=True)
        assert error is None
        engine._set_item(table, user_id, record, item)


def costs_of(shop: Shop, user: str) -> dict[str, tuple[list[str], int]]:
    """For each request: its operations in DynamoDB, and how much they read."""
    payment = shop.create(user=user)
    shop.pay(payment)
    requests = {
        "webhook": shop.deliver,
        "status": lambda: shop.api.get(f"/api/payments/{payment['payment_id']}", as_user(user)),
        "credits": lambda: shop.api.get("/api/users/credits", as_user(user)),
        "spend": lambda: shop.spend(10, user=user),
        "batch": lambda: shop.batch([("1", 1), ("2", 2)], user=user),
        "hold": lambda: shop.hold(10, "a hold", user=user),
        "capture": lambda: shop.capture(shop.hold(10, "a hold", user=user).json(), 4),
    }
    costs = {}
    for name, request in requests.items():
        shop.dynamodb.operations.clear()
        shop.dynamodb.read_units = 0
        request()  # type: ignore[operator]
        costs[name] = (list(shop.dynamodb.operations), shop.dynamodb.read_units)
    return costs


@pytest.mark.usefixtures("parse_once")
def test_a_user_with_a_long_history_costs_what_a_new_user_costs(shop: Shop):
    write_history(shop, "old")

    assert costs_of(shop, "old") == costs_of(shop, USER_ID)
    assert shop.balance("old") == shop.balance() == 1083


def a_ledger(shop: Shop, entries: int, user: str) -> None:
    """A grant, and then a spend of 1 credit every second."""
    lots = [a_lot(lot_id="lot", user_id=user, granted=10**6, remaining=10**6 - entries + 1)]
    wallet = a_wallet(
        user_id=user,
        balance=10**6 - entries + 1,
        last_entry=entries,
        version=entries,
        total_credits_earned=10**6,
    )
    write(shop, [credit_items.wallet_to_item(wallet), *map(credit_items.lot_to_item, lots)])
    first = {"amount": 10**6, "moves": {"lot": 10**6}, "cause": a_cause(transaction_type=TransactionType.GRANTED)}
    spend = {"amount": -1, "moves": {"lot": -1}, "cause": a_cause()}
    write(
        shop,
        (
            credit_items.entry_to_item(
                Entry(
                    user_id=user,
                    number=number,
                    balance_after=10**6 - number + 1,
                    created_at=NOW - timedelta(seconds=entries - number),
                    **(first if number == 1 else spend),  # type: ignore[arg-type]
                )
            )
            for number in range(1, entries + 1)
        ),
    )


def test_the_cost_grows_with_the_shorter_side_alone(shop: Shop):
    entries = 8_000
    a_ledger(shop, entries, "long")
    costs = []
    for place in (10, entries - 400, entries // 2):
        shop.dynamodb.operations.clear()
        shop.dynamodb.read_units = 0
        assert at(shop, NOW - timedelta(seconds=entries - place), "long")["balance"] == 10**6 - place + 1
        costs.append((list(shop.dynamodb.operations), shop.dynamodb.read_units))

    near_the_beginning, near_the_end, in_the_middle = costs
    assert near_the_beginning[0].count("GetItem") <= 14
    assert near_the_beginning[0].count("Query") + near_the_end[0].count("Query") <= 7
    assert max(near_the_beginning[1], near_the_end[1]) < in_the_middle[1] / 3
