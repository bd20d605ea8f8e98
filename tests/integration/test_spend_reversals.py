"""Spends that are given back: to the very lots that they drew from, and never more than they took."""

from datetime import timedelta
from typing import Any

import pytest

from local.in_process.api import as_admin, as_user
from local.in_process.environment import USER_ID
from local.in_process.shop import Shop


def spent(shop: Shop, amount: int) -> str:
    return str(shop.spend(amount).json()["transaction_id"])


def remaining(shop: Shop) -> list[int]:
    return [lot["remaining"] for lot in shop.credits()["lots"]]


def test_a_spend_comes_back_to_its_lots_the_last_drawn_first(shop: Shop):
    shop.grant(30, expires_at=(shop.now + timedelta(days=1)).isoformat())
    shop.grant(100)
    spend = spent(shop, 50)
    assert remaining(shop) == [80]

    first = shop.reverse(spend, 25).json()
    assert (first["amount"], first["lapsed"], first["balance_after"], remaining(shop)) == (25, 0, 105, [5, 100])
    rest = shop.reverse(spend).json()

    assert (rest["amount"], rest["balance_after"], remaining(shop)) == (25, 130, [30, 100])
    entry = shop.api.get("/api/users/credits/transactions", as_user()).json()["transactions"][0]
    assert (entry["transaction_type"], entry["amount"], entry["reverses"]) == ("spend_reversed", 25, spend)
    shop.check()


def test_no_more_comes_back_than_the_spend_took(shop: Shop):
    shop.grant(100)
    spend = spent(shop, 50)

    statuses = [shop.reverse(spend, 8).status for _ in range(10)]

    assert (statuses.count(200), statuses.count(409)) == (6, 4)
    assert shop.reverse(spend, 8).json().items() >= {"code": "spend_reversed", "left": 2}.items()
    assert shop.reverse(spend).json()["amount"] == 2
    assert shop.reverse(spend).json()["code"] == "spend_reversed"
    assert shop.balance() == 100
    shop.check()


def test_the_same_key_gives_back_once_and_answers_as_it_did(shop: Shop):
    shop.grant(100)
    spend = spent(shop, 50)

    first, again = shop.reverse(spend, 50, "key"), shop.reverse(spend, 50, "key")

    assert first.json() == again.json()
    assert again.headers["idempotent-replayed"] == "true"
    assert shop.reverse(spend, 49, "key").json()["code"] == "idempotency_conflict"
    assert shop.balance() == 100


@pytest.mark.parametrize("is_swept", [True, False])
def test_what_would_come_back_to_a_lot_that_has_expired_lapses(shop: Shop, is_swept: bool):
    shop.grant(30, expires_at=(shop.now + timedelta(days=1)).isoformat())
    shop.grant(100)
    spend = spent(shop, 25)
    both = spent(shop, 10)
    shop.wait(days=2)
    if is_swept:
        shop.run_timers()

    lapsed = shop.reverse(spend).json()
    assert (lapsed["transaction_id"], lapsed["amount"], lapsed["lapsed"]) == (None, 0, 25)
    given = shop.reverse(both).json()

    assert (given["amount"], given["lapsed"], shop.balance()) == (5, 5, 100)
    assert shop.reverse(both).json()["code"] == "spend_reversed"
    shop.check()


def test_what_comes_back_pays_a_debt_first(shop: Shop):
    payment_id, _ = shop.buy()
    spend = spent(shop, 600)
    assert shop.refund(payment_id, force=True).status == 200
    assert shop.credits()["debt"] == 600

    given = shop.reverse(spend, 400).json()

    assert (given["amount"], given["balance_after"]) == (400, -200)
    assert (shop.credits()["debt"], shop.credits()["lots"]) == (200, [])
    assert shop.reverse(spend).json()["balance_after"] == 0
    shop.check()


def test_a_spend_that_comes_back_while_its_purchase_is_refunded_gains_nobody_anything(shop: Shop):
    payment_id, _ = shop.buy()
    spend = spent(shop, 600)
    shop.reverse(spend, 300)
    shop.refund(payment_id, force=True)

    shop.reverse(spend, 300)

    assert (shop.balance(), shop.credits()["debt"]) == (0, 0)
    shop.check()


def test_a_capture_is_reversed_spends_with_what_it_made_the_user_owe(shop: Shop):
    shop.grant(100)
    hold = shop.hold(80, overrun="debt").json()
    capture = shop.capture(hold, 120).json()
    assert shop.credits()["debt"] == 20

    given = shop.reverse(capture["transaction_id"], 50).json()

    assert (given["amount"], given["balance_after"], shop.credits()["debt"]) == (50, 30, 0)
    shop.check()


def test_only_a_spend_of_this_user_can_be_reversed_spends(shop: Shop):
    shop.grant(100)
    grant = shop.api.get("/api/users/credits/transactions", as_user()).json()["transactions"][0]["id"]
    spend = spent(shop, 10)

    for wrong, user in ((grant, USER_ID), ("no-such-spend", USER_ID), (spend, "user-2")):
        refused = shop.reverse(wrong, user_id=user)
        assert (refused.status, refused.json()["code"]) == (404, "spend_not_found")


@pytest.mark.parametrize(("headers", "status"), [({}, 401), (as_user(), 403), (as_admin(), 200)])
def test_services_and_administrators_may_give_a_spend_back(shop: Shop, headers: dict[str, str], status: int):
    shop.grant(100)
    body: dict[str, Any] = {"user_id": USER_ID, "transaction_id": spent(shop, 10), "amount": None, "reason": "failed"}

    response = shop.api.post("/api/users/credits/spend/reverse", body, headers | {"idempotency-key": "k"})

    assert response.status == status
