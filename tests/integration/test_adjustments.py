"""Adjustments: a user's credits corrected by hand, up or down, once per request."""

from contextlib import suppress
from typing import Any

import pytest

from local.in_process.api import ApiResponse, as_admin, as_support, as_user
from local.in_process.dynamodb import (
    Crash,
    Fault,
    crashed_after,
    crashed_before,
    lost_after,
    lost_before,
    overtaken_by,
)
from local.in_process.environment import API_KEY, NOW, USER_ID
from local.in_process.shop import Shop
from topup import store
from topup.domain.lots import Funding, Source

ADJUST = "/api/admin/credits/adjust"
ENDINGS: list[Any] = [crashed_before, crashed_after, lost_before, lost_after]


def outcome(response: ApiResponse) -> tuple[int, str | None]:
    return response.status, response.json().get("code")


def test_an_adjustment_up_gives_a_free_lot_in_one_read_and_one_transaction(shop: Shop):
    shop.dynamodb.operations.clear()

    response = shop.adjust(50)

    body = response.json()
    assert response.status == 200
    assert body == {"transaction_id": body["transaction_id"], "lot_id": body["lot_id"], "balance_after": 50}
    assert shop.dynamodb.operations == ["Query", "TransactWriteItems"]
    [lot] = store.load_credits(USER_ID, NOW).lots
    assert (lot.lot_id, lot.source, lot.funding) == (body["lot_id"], Source.ADJUSTMENT, Funding.FREE)
    assert (lot.name, lot.paid_minor, lot.currency, lot.payment_id) == ("Adjustment", 0, None, None)
    assert shop.credits()["lots"][0] == {
        "payment_id": None,
        "package": None,
        "lot_id": body["lot_id"],
        "source": "adjustment",
        "granted": 50,
        "remaining": 50,
        "expires_at": "2026-09-01T12:00:00Z",
    }
    shop.check()


def test_an_adjustment_down_takes_credits_in_one_read_and_one_transaction(shop: Shop):
    shop.buy()
    shop.dynamodb.operations.clear()

    response = shop.adjust(-100)

    body = response.json()
    assert response.status == 200
    assert body == {"transaction_id": body["transaction_id"], "lot_id": None, "balance_after": 1000}
    assert shop.dynamodb.operations == ["Query", "TransactWriteItems"]
    assert shop.ledger() == [("purchased", 1100), ("adjusted", -100)]
    shop.check()


def test_history_shows_adjustments(shop: Shop):
    up, down = shop.adjust(50).json(), shop.adjust(-20).json()

    rows = shop.api.get("/api/users/credits/transactions", as_user()).json()["transactions"]
    assert [(row["id"], row["transaction_type"], row["amount"], row["balance_after"]) for row in rows] == [
        (down["transaction_id"], "adjusted", -20, 30),
        (up["transaction_id"], "adjusted", 50, 50),
    ]
    assert {(row["description"], row["payment_order_id"]) for row in rows} == {("Adjustment", None)}
    assert [row["expires_at"] for row in rows] == [None, "2026-09-01T12:00:00Z"]


def test_the_entry_says_who_adjusted_and_why(shop: Shop):
    shop.adjust(50, reason="credited twice")

    [entry] = store.list_entries(USER_ID, 10, None)
    assert (entry.cause.actor, entry.cause.reason) == ("admin:admin-1", "credited twice")
    assert "credited twice" not in shop.api.get("/api/users/credits/transactions", as_user()).body


def test_an_adjustment_is_not_earned(shop: Shop):
    shop.buy()
    shop.adjust(50)
    shop.adjust(-70)

    assert shop.credits()["total_credits_earned"] == 1100


def test_an_adjustment_down_takes_from_the_soonest_expiry_first(shop: Shop):
    forever = shop.grant(50, expires_at=None).json()["lot_id"]
    late = shop.grant(50, expires_at="2027-01-31T00:00:00Z").json()["lot_id"]
    shop.grant(50, expires_at="2026-03-02T00:00:00Z")

    shop.adjust(-80)

    assert [(lot["lot_id"], lot["remaining"]) for lot in shop.credits()["lots"]] == [(late, 20), (forever, 50)]
    shop.check()


def test_an_adjustment_down_never_takes_more_than_there_is(shop: Shop):
    shop.buy()
    shop.spend(600)

    response = shop.adjust(-501, "key-1")

    assert outcome(response) == (409, "insufficient_credits")
    assert response.json()["balance"] == 500
    assert shop.ledger() == [("purchased", 1100), ("spent", -600)]
    assert shop.adjust(-500, "key-1").json()["balance_after"] == 0
    assert (shop.credits()["debt"], shop.credits()["lots"]) == (0, [])
    shop.check()


def test_an_adjustment_down_of_a_user_in_debt_is_refused(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(1100)
    shop.refund(payment_id, force=True)

    assert outcome(shop.adjust(-1)) == (409, "insufficient_credits")
    assert shop.credits()["debt"] == 1100
    shop.check()


def test_an_adjustment_up_pays_debt_first(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(1100)
    shop.refund(payment_id, force=True)

    assert shop.adjust(1200).json()["balance_after"] == 100
    assert (shop.credits()["debt"], shop.balance()) == (0, 100)
    shop.check()


def test_expired_credits_cannot_be_adjusted_away(shop: Shop):
    shop.grant(50, expires_at="2026-03-01T12:00:02Z")
    shop.wait(seconds=2)

    assert shop.adjust(-1).json()["balance"] == 0
    shop.check()


# ------------------------------------------------------------------------------------------------- once per request


@pytest.mark.parametrize("amount", [50, -50, -1100])
def test_the_same_key_adjusts_once_and_gets_the_same_response(shop: Shop, amount: int):
    shop.buy()
    first = shop.adjust(amount, "key-1")
    shop.wait(days=2)

    again = shop.adjust(amount, "key-1")

    assert (again.status, again.json()) == (200, first.json())
    assert shop.ledger() == [("purchased", 1100), ("adjusted", amount)]


@pytest.mark.parametrize("change", [{"amount": -51}, {"amount": 50}, {"amount": -1100}, {"reason": "other"}])
def test_the_same_key_for_another_adjustment_is_a_conflict(shop: Shop, change: dict[str, Any]):
    shop.buy()
    shop.adjust(-50, "key-1")

    wanted: dict[str, Any] = {"amount": -50} | change

    assert outcome(shop.adjust(wanted.pop("amount"), "key-1", **wanted)) == (409, "idempotency_conflict")
    assert shop.balance() == 1050


def test_the_key_of_a_spend_or_a_grant_is_a_conflict_and_the_other_way_round(shop: Shop):
    shop.buy()
    shop.spend(50, "spend-key")
    shop.grant(50, "grant-key")
    shop.adjust(-50, "adjust-key")

    for amount in (-50, 50, -5000):
        assert outcome(shop.adjust(amount, "spend-key")) == (409, "idempotency_conflict")
        assert outcome(shop.adjust(amount, "grant-key")) == (409, "idempotency_conflict")
    assert outcome(shop.spend(50, "adjust-key")) == (409, "idempotency_conflict")
    assert outcome(shop.grant(50, "adjust-key")) == (409, "idempotency_conflict")
    assert shop.balance() == 1050


def test_another_users_same_key_is_independent(shop: Shop):
    shop.adjust(50, "key-1")
    shop.adjust(50, "key-1", user="other")

    assert (shop.balance(), shop.balance("other")) == (50, 50)


def test_a_key_used_again_after_its_receipt_was_deleted_brings_a_lot_of_its_own(shop: Shop):
    first = shop.adjust(50, "key-1").json()
    marker = {"user_id": {"S": USER_ID}, "record": {"S": "IDEMPOTENCY#key-1"}}
    shop.dynamodb.client.delete_item(TableName=shop.dynamodb.credits_table, Key=marker)
    shop.wait(days=91)

    assert shop.adjust(50, "key-1").json()["lot_id"] != first["lot_id"]
    assert shop.spend(100).status == 200
    shop.check()


@pytest.mark.parametrize("ending", ENDINGS)
@pytest.mark.parametrize("amount", [50, -1100])
@pytest.mark.parametrize("call", range(1, 5))
def test_an_adjustment_that_ends_at_any_call_is_made_once_when_it_is_retried(
    shop: Shop, ending: Fault, amount: int, call: int
):
    shop.buy()
    shop.dynamodb.fail_at(call, ending)
    with suppress(Crash):
        shop.adjust(amount, "key-1")
    shop.dynamodb.clear_faults()
    shop.check()

    assert shop.adjust(amount, "key-1").status == 200
    assert shop.ledger() == [("purchased", 1100), ("adjusted", amount)]
    shop.check()


def test_the_same_adjustment_thirty_times_at_once_is_made_once(shop: Shop):
    shop.buy()
    responses: list[ApiResponse] = []

    def adjust(others: int) -> None:
        if others:
            shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: adjust(others - 1)))
        responses.append(shop.adjust(-600, "key-1"))

    adjust(29)

    assert len(responses) == 30
    assert {(response.status, response.body) for response in responses} == {(200, responses[0].body)}
    assert shop.ledger() == [("purchased", 1100), ("adjusted", -600)]
    shop.check()


def test_an_adjustment_that_loses_a_race_is_decided_again_on_what_is_left(shop: Shop):
    shop.buy()
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.spend(600)))

    assert shop.adjust(-600).json()["balance"] == 500
    shop.check()


# ------------------------------------------------------------------------------------------- callers and requests


@pytest.mark.parametrize(
    ("headers", "status"),
    [
        ({}, 401),
        ({"x-api-key": API_KEY}, 401),
        (as_user(), 403),
        (as_user() | {"x-api-key": API_KEY}, 403),
        (as_support(), 403),
    ],
    ids=["nobody", "a service", "the user", "a buyer", "support"],
)
def test_only_an_administrator_may_adjust(shop: Shop, headers: dict[str, str], status: int):
    body = {"user_id": USER_ID, "amount": 50, "reason": "x"}

    assert shop.api.post(ADJUST, body, headers | {"idempotency-key": "k"}).status == status
    assert shop.ledger() == []


def test_an_adjustment_needs_an_idempotency_key(shop: Shop):
    response = shop.api.post(ADJUST, {"user_id": USER_ID, "amount": 50, "reason": "x"}, as_admin())

    assert (response.status, response.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize(
    "amount", [0, -0.0, True, "1", "-1", 0.5, -1.0, 10**9 + 1, -(10**9) - 1, 10**40, -(10**40), None, [1], {}]
)
def test_an_amount_that_is_no_whole_number_but_0_is_refused(shop: Shop, amount: Any):
    shop.buy()

    response = shop.adjust(amount)

    assert (response.status, [error["field"] for error in response.json()["errors"]]) == (422, ["amount"])
    assert shop.balance() == 1100


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_id", ""),
        ("user_id", None),
        ("user_id", "u" * 256),
        ("user_id", "\ud800"),
        ("reason", ""),
        ("reason", None),
        ("reason", "x" * 501),
        ("credits", 1),
        ("campaign", "spring"),
        ("expires_at", None),
        ("actor", "admin:other"),
    ],
)
def test_a_wrong_field_is_named(shop: Shop, field: str, value: Any):
    response = shop.adjust(50, **{field: value})

    assert (response.status, [error["field"] for error in response.json()["errors"]]) == (422, [field])


@pytest.mark.parametrize("field", ["user_id", "amount", "reason"])
def test_a_missing_field_is_named(shop: Shop, field: str):
    body: dict[str, Any] = {"user_id": USER_ID, "amount": 50, "reason": "x"}
    del body[field]

    response = shop.api.post(ADJUST, body, as_admin() | {"idempotency-key": "k"})

    assert (response.status, [error["field"] for error in response.json()["errors"]]) == (422, [field])
