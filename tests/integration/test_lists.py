"""The lists of payments and ledger entries: newest first, in pages."""

from datetime import datetime, timedelta
from typing import Any

import pytest

from local.in_process.api import Api, as_user
from local.in_process.dynamodb import Emulator
from local.in_process.environment import NOW
from tests.support.builders import PAYMENT_ID, a_payment, an_order
from topup import fulfilment, store
from topup.api import cursor as cursors


def numbered(number: int) -> str:
    return f"{number:08}{PAYMENT_ID[8:]}"


def settle(number: int, now: datetime = NOW) -> None:
    """Place and pay an order of the user's."""
    store.place_order(an_order(payment_id=numbered(number), provider_order_id=f"cs_{number}", created_at=now))
    fulfilment.apply(a_payment(payment_id=numbered(number), reference=numbered(number), session_id=f"cs_{number}"), now)


def pages(api: Api, path: str, rows: str, limit: int) -> list[list[dict[str, Any]]]:
    """All pages of a list."""
    found, cursor = [], ""
    while True:
        page = api.get(f"{path}?limit={limit}{cursor}", as_user()).json()
        found.append(page[rows])
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.parametrize(
    ("path", "rows"), [("/api/payments", "payments"), ("/api/users/credits/transactions", "transactions")]
)
def test_a_list_comes_newest_first_in_pages_without_loss_or_repetition(
    api: Api, dynamodb: Emulator, path: str, rows: str
):
    for number in range(7):
        settle(number, NOW + timedelta(seconds=number))

    whole = pages(api, path, rows, 100)
    in_pages = pages(api, path, rows, 3)

    assert [row for page in in_pages for row in page] == whole[0]
    assert [len(page) for page in in_pages if page] == [3, 3, 1]
    key = "payment_id" if rows == "payments" else "payment_order_id"
    assert [row[key] for row in whole[0]] == [numbered(number) for number in reversed(range(7))]


def test_entries_that_arrive_while_paging_repeat_nothing(api: Api, dynamodb: Emulator):
    for number in range(3):
        settle(number)
    first = api.get("/api/users/credits/transactions?limit=2", as_user()).json()
    settle(9)
    second = api.get(f"/api/users/credits/transactions?limit=2&cursor={first['next_cursor']}", as_user()).json()

    balances = [row["balance_after"] for row in first["transactions"] + second["transactions"]]
    assert balances == [3300, 2200, 1100]
    assert second["next_cursor"] is None


def test_a_list_shows_nothing_of_other_users(api: Api, dynamodb: Emulator):
    settle(1)

    assert api.get("/api/payments", as_user("other")).json() == {"payments": [], "next_cursor": None}
    assert api.get("/api/users/credits/transactions", as_user("other")).json()["transactions"] == []


def test_another_users_cursor_shows_only_the_callers_own_payments(api: Api, dynamodb: Emulator):
    for number in range(3):
        settle(number)
    cursor = api.get("/api/payments?limit=1", as_user()).json()["next_cursor"]

    assert api.get(f"/api/payments?cursor={cursor}", as_user("other")).json()["payments"] == []


@pytest.mark.parametrize("path", ["/api/payments", "/api/users/credits/transactions"])
@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=1.5", "limit=", "limit=%D9%A3"]
)
def test_a_wrong_limit_is_refused_and_named(api: Api, path: str, query: str):
    response = api.get(f"{path}?{query}", as_user())

    assert (response.status, response.json()["errors"][0]["field"]) == (422, "limit")


@pytest.mark.parametrize(
    "position",
    [("a", "b"), ("\ud800", "x"), ("2026-03-01T12:00:00Z", PAYMENT_ID), ("2026-03-01T12:00:00.000000Z", "b")],
)
def test_a_forged_cursor_is_refused_without_a_read(api: Api, dynamodb: Emulator, position: tuple[str, str]):
    response = api.get(f"/api/payments?cursor={cursors.encode(*position)}", as_user())

    assert (response.status, response.json()["errors"][0]["field"]) == (422, "cursor")
    assert dynamodb.operations == []


@pytest.mark.parametrize("path", ["/api/payments", "/api/users/credits/transactions"])
@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WzEsMl0", "%00", "A" * 2000])
def test_a_wrong_cursor_is_refused_and_named(api: Api, path: str, cursor: str):
    response = api.get(f"{path}?cursor={cursor}", as_user())

    assert (response.status, response.json()["errors"][0]["field"]) == (422, "cursor")


def test_each_list_and_the_balance_cost_one_query(api: Api, dynamodb: Emulator):
    settle(1)
    for path in ("/api/payments", "/api/users/credits", "/api/users/credits/transactions"):
        dynamodb.operations.clear()
        api.get(path, as_user())
        assert dynamodb.operations == ["Query"], path
