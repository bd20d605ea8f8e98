"""A user's balance, lots and history."""

from datetime import timedelta

import pytest

from local.in_process.api import Api, as_user
from local.in_process.dynamodb import Emulator
from local.in_process.environment import NOW
from local.in_process.shop import Shop
from tests.support.builders import PAYMENT_ID, a_payment
from topup import fulfilment
from topup.domain.orders import Order


@pytest.fixture
def bought(order: Order) -> None:
    """The order is paid."""
    fulfilment.apply(a_payment(), NOW)


def test_a_user_without_credits_has_an_empty_wallet(api: Api, dynamodb: Emulator):
    assert api.get("/api/users/credits", as_user("new")).json() == {
        "user_id": "new",
        "balance": 0,
        "held": 0,
        "available": 0,
        "debt": 0,
        "total_credits_earned": 0,
        "lots": [],
    }
    assert dynamodb.operations == ["Query"]


def test_history_says_what_was_bought_and_until_when(api: Api, bought: None):
    [entry] = api.get("/api/users/credits/transactions", as_user()).json()["transactions"]

    assert entry == {
        "id": entry["id"],
        "transaction_type": "purchased",
        "amount": 1100,
        "balance_after": 1100,
        "payment_order_id": PAYMENT_ID,
        "description": "Package 标准包",
        "package": "standard",
        "metadata": {},
        "hold_id": None,
        "reverses": None,
        "expires_at": "2026-09-01T12:00:00Z",
        "is_expired": False,
        "created_at": "2026-03-01T12:00:00Z",
    }


@pytest.mark.parametrize("role", ["admin", "support"])
def test_history_tells_administrators_and_support_who_and_why(shop: Shop, role: str):
    shop.grant(50, reason="for your patience", user="staff")

    [own] = shop.api.get("/api/users/credits/transactions", as_user("staff", role=role)).json()["transactions"]
    [of_a_user] = shop.api.get("/api/users/credits/transactions", as_user("staff")).json()["transactions"]

    assert (own["actor"], own["reason"]) == ("admin:admin-1", "for your patience")
    assert of_a_user.keys() == own.keys() - {"actor", "reason"}


def test_history_says_when_credits_are_past_their_expiry(api: Api, bought: None):
    api.now = NOW.replace(month=9)

    assert api.get("/api/users/credits/transactions", as_user()).json()["transactions"][0]["is_expired"] is True


def test_the_balance_ends_with_the_expiry_second_even_if_the_lot_was_not_swept(api: Api, bought: None):
    expiry = NOW.replace(month=9)

    api.now = expiry - timedelta(seconds=1)
    before = api.get("/api/users/credits", as_user()).json()
    api.now = expiry
    after = api.get("/api/users/credits", as_user()).json()

    assert (before["balance"], len(before["lots"])) == (1100, 1)
    assert (after["balance"], after["lots"]) == (0, [])
    assert after["total_credits_earned"] == 1100
