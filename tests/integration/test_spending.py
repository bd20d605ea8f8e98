"""Spends: exact, once, from the lot that expires soonest."""

import io
import json
from contextlib import suppress
from datetime import timedelta
from typing import Any

import pytest

from local.in_process.api import as_admin, as_user
from local.in_process.dynamodb import (
    Crash,
    Fault,
    crashed_after,
    crashed_before,
    lost_after,
    lost_before,
    overtaken_by,
    refused,
)
from local.in_process.environment import API_KEY, NOW, USER_ID
from local.in_process.shop import Shop
from tests.support.builders import PAYMENT_ID, a_payment, an_order
from topup import fulfilment, store
from topup.store import credit_items


def test_a_spend_takes_credits_in_one_read_and_one_transaction(shop: Shop):
    shop.buy()
    shop.dynamodb.operations.clear()

    response = shop.spend(100)

    assert response.status == 200
    assert response.json() == {
        "transaction_id": response.json()["transaction_id"],
        "amount": 100,
        "balance_after": 1000,
        "available_after": 1000,
    }
    assert shop.dynamodb.operations == ["Query", "TransactWriteItems"]
    assert shop.ledger() == [("purchased", 1100), ("spent", -100)]
    shop.check()


def test_what_is_available_after_a_spend_leaves_out_what_has_expired_and_is_not_swept(shop: Shop):
    shop.grant(100, expires_at=(shop.now + timedelta(hours=1)).isoformat())
    shop.grant(50)
    shop.wait(hours=2)

    spent = shop.spend(10).json()

    assert (spent["balance_after"], spent["available_after"], shop.balance()) == (140, 40, 40)


def test_a_spend_is_found_in_the_history_under_its_transaction_id(shop: Shop):
    shop.buy()
    spent = shop.spend(100, description="translation of 3 pages").json()

    newest = shop.api.get("/api/users/credits/transactions?limit=1", as_user()).json()["transactions"][0]
    assert newest["id"] == spent["transaction_id"]
    assert newest["description"] == "translation of 3 pages"
    assert (newest["payment_order_id"], newest["expires_at"], newest["is_expired"]) == (None, None, False)


def test_a_spend_of_more_than_the_balance_is_refused_with_the_balance(shop: Shop):
    shop.buy()

    response = shop.spend(1101)

    assert (response.status, response.json()["code"], response.json()["balance"]) == (409, "insufficient_credits", 1100)
    assert shop.balance() == 1100


def test_an_unknown_user_has_no_credits_to_spend(shop: Shop):
    response = shop.spend(1, user="unknown")

    assert (response.status, response.json()["balance"]) == (409, 0)


def test_the_whole_balance_can_be_spent(shop: Shop):
    shop.buy()

    assert shop.spend(1100).json()["balance_after"] == 0
    assert shop.credits()["lots"] == []
    shop.check()


def test_the_same_key_spends_once_and_gets_the_same_response(shop: Shop):
    shop.buy()

    first, second = shop.spend(700, "key-1"), shop.spend(700, "key-1")

    assert first.json() == second.json()
    assert shop.ledger()[1:] == [("spent", -700)]


def test_a_retry_gets_the_same_response_even_if_too_few_credits_are_left_now(shop: Shop):
    shop.buy()

    assert shop.spend(1100, "key-1").json() == shop.spend(1100, "key-1").json()
    assert shop.balance() == 0


@pytest.mark.parametrize("change", [{"amount": 701}, {"description": "other"}])
def test_the_same_key_for_another_spend_is_a_conflict(shop: Shop, change: dict[str, Any]):
    shop.buy()
    shop.spend(700, "key-1")

    for amount in (700, 1100):  # enough credits are left for the first, too few for the second
        wanted = {"amount": amount} | change
        response = shop.spend(wanted.pop("amount"), "key-1", **wanted)
        assert (response.status, response.json()["code"]) == (409, "idempotency_conflict")
    assert shop.balance() == 400


def test_the_key_of_a_spend_a_grant_or_an_adjustment_is_remembered_for_ninety_days(shop: Shop):
    shop.grant(50, "granted")
    shop.adjust(50, "adjusted")
    shop.spend(50, "spent")

    items = shop.dynamodb.client.scan(TableName=shop.dynamodb.credits_table)["Items"]
    markers = [item for item in items if item["record"]["S"].startswith(credit_items.MARKER)]
    assert {item["record"]["S"].removeprefix(credit_items.MARKER) for item in markers} == {
        "granted", "adjusted", "spent"
    }  # fmt: skip
    kept_until = {int(item[credit_items.TTL_ATTRIBUTE]["N"]) for item in markers}
    assert kept_until == {int((NOW + timedelta(days=90)).timestamp())}


def test_another_users_same_key_is_independent(shop: Shop):
    shop.buy()
    shop.buy(user="other")

    assert shop.spend(1, "key-1").json() != shop.spend(1, "key-1", user="other").json()
    assert (shop.balance(), shop.balance("other")) == (1099, 1099)


@pytest.mark.parametrize("operation", ["Query", "TransactWriteItems"])
@pytest.mark.parametrize("crash", [crashed_before, crashed_after])
def test_after_a_crash_a_retry_spends_once(shop: Shop, operation: str, crash: Fault):
    shop.buy()
    shop.dynamodb.fail(operation, crash)
    with pytest.raises(Crash):
        shop.spend(1100, "key-1")

    assert shop.spend(1100, "key-1").status == 200
    assert shop.ledger() == [("purchased", 1100), ("spent", -1100)]
    shop.check()


@pytest.mark.parametrize("fault", [lost_before, lost_after])
@pytest.mark.parametrize("tries", [1, 2, 5])
def test_a_lost_response_makes_no_second_spend(shop: Shop, fault: Fault, tries: int):
    shop.buy()
    for _ in range(tries):
        shop.dynamodb.fail("TransactWriteItems", fault)

    assert shop.spend(700, "key-1").status == 200
    assert shop.spend(700, "key-1").status == 200
    assert shop.balance() == 400
    shop.check()


@pytest.mark.parametrize(("fault", "status"), [(lost_before, 503), (lost_after, 200)])
def test_a_spend_whose_every_response_is_lost_is_answered_by_its_marker_or_not_at_all(
    shop: Shop, fault: Fault, status: int
):
    shop.buy()
    shop.dynamodb.fail_always("TransactWriteItems", fault)

    assert shop.spend(700, "key-1").status == status
    shop.dynamodb.clear_faults()
    assert shop.balance() == (1100 if status == 503 else 400)
    assert shop.spend(700, "key-1").status == 200
    assert shop.balance() == 400
    shop.check()


@pytest.mark.parametrize("code", ["ThrottlingException", "AccessDeniedException", "ValidationException"])
def test_a_failure_of_dynamodb_spends_nothing(shop: Shop, code: str):
    shop.buy()
    shop.dynamodb.fail_always("TransactWriteItems", refused(code))

    assert shop.spend(700, "key-1").status == (503 if code == "ThrottlingException" else 500)
    assert shop.balance() == 1100


def test_a_spend_that_loses_a_race_is_decided_again_on_what_is_left(shop: Shop):
    shop.buy()
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.spend(600)))

    response = shop.spend(600)

    assert (response.status, response.json()["balance"]) == (409, 500)
    shop.check()


def test_endless_races_end_in_503_and_spend_nothing(shop: Shop):
    shop.buy()
    shop.dynamodb.fail_always("TransactWriteItems", refused("TransactionInProgressException"))

    response = shop.spend(1)

    assert (response.status, response.headers["retry-after"]) == (503, "2")
    assert shop.balance() == 1100


def test_lots_are_spent_soonest_expiry_first(shop: Shop):
    shop.buy("trial")
    shop.wait(days=1)
    second, _ = shop.buy("standard")

    shop.spend(600)

    assert [(lot["payment_id"], lot["remaining"]) for lot in shop.credits()["lots"]] == [(second, 1000)]
    shop.check()


def test_lots_that_expire_together_are_spent_in_a_fixed_order(shop: Shop):
    bought = sorted(shop.buy("trial")[0] for _ in range(3))

    shop.spend(700)

    assert [(lot["payment_id"], lot["remaining"]) for lot in shop.credits()["lots"]] == [
        (bought[1], 300),
        (bought[2], 500),
    ]


def test_a_lot_is_spendable_until_the_second_before_its_expiry(shop: Shop):
    shop.buy()
    expiry = NOW.replace(month=9)

    shop.api.now = expiry - timedelta(seconds=1)
    assert shop.spend(100).status == 200
    shop.api.now = expiry
    response = shop.spend(100)

    assert (response.status, response.json()["balance"]) == (409, 0)
    shop.check()


def test_a_lot_that_expired_days_ago_and_was_never_swept_is_not_spendable(shop: Shop):
    shop.buy()
    shop.api.now = NOW.replace(month=9) + timedelta(days=5)
    shop.buy("trial")

    assert shop.spend(501).json()["balance"] == 500
    assert shop.spend(500).status == 200
    shop.check()


def test_a_spend_that_its_twin_has_made_is_counted_once(shop: Shop, capsys: pytest.CaptureFixture[str]):
    shop.buy()
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.spend(100, key="k")))

    assert shop.spend(100, key="k").json()["balance_after"] == 1000

    counted = [json.loads(line) for line in capsys.readouterr().out.splitlines() if '"CreditsSpent"' in line]
    assert [metric["CreditsSpent"] for metric in counted] == [[100.0]]


def test_a_spend_takes_from_any_number_of_lots(shop: Shop):
    for number in range(300):
        grant_a_small_lot(number)

    response = shop.spend(2995)

    assert (response.status, response.json()["balance_after"]) == (200, 5)
    assert [lot["remaining"] for lot in shop.credits()["lots"]] == [5]
    assert shop.ledger()[-1] == ("spent", -2995)
    shop.check()


@pytest.mark.parametrize("fault", [crashed_before, crashed_after, lost_before, lost_after])
def test_a_spend_from_many_lots_that_ends_at_any_call_is_whole_for_every_reader(shop: Shop, fault: Any):
    for number in range(100):
        grant_a_small_lot(number)
    for call in range(1, 9):
        key = f"spend-{call}"
        before = shop.balance()
        shop.dynamodb.fail_at(call, fault)
        with suppress(Crash):
            shop.spend(95, key=key)
        shop.dynamodb.clear_faults()
        # Read at once, with what is left of the interrupted spend: all of it counts, or nothing.
        assert shop.balance() in (before, before - 95)
        shop.check()
        assert shop.spend(95, key=key).json()["balance_after"] == before - 95
        assert shop.balance() == before - 95
        shop.check()


def grant_a_small_lot(number: int) -> None:
    payment_id = f"{number:08x}{PAYMENT_ID[8:]}"
    store.place_order(an_order(payment_id=payment_id, credits_purchased=10, provider_order_id=None))
    fulfilment.apply(a_payment(payment_id=payment_id, reference=payment_id, session_id=None), NOW)


# ----------------------------------------------------------------------------------------------- callers and requests


@pytest.mark.parametrize("headers", [{}, {"x-api-key": "wrong"}, as_user(), as_admin()])
def test_only_a_trusted_service_may_spend(shop: Shop, headers: dict[str, str]):
    shop.buy()
    body = {"user_id": USER_ID, "amount": 1, "description": "x"}

    response = shop.api.post("/api/users/credits/spend", body, headers | {"idempotency-key": "k"})

    assert response.status == 401
    assert shop.balance() == 1100


def test_a_spend_needs_an_idempotency_key(shop: Shop):
    body = {"user_id": USER_ID, "amount": 1, "description": "x"}

    response = shop.api.post("/api/users/credits/spend", body, {"x-api-key": API_KEY})

    assert (response.status, response.json()["errors"][0]["field"]) == (422, "Idempotency-Key")


@pytest.mark.parametrize("amount", [0, -1, True, "1", 0.001, 1.0, 10**40, None, [1], {}])
def test_an_amount_that_is_no_whole_positive_number_is_refused(shop: Shop, amount: Any):
    shop.buy()

    response = shop.spend(amount)

    assert response.status == 422
    assert {error["field"].partition(".")[0] for error in response.json()["errors"]} == {"amount"}
    assert shop.balance() == 1100


@pytest.mark.parametrize("number", ["NaN", "Infinity", "-Infinity"])
def test_an_amount_that_is_no_json_number_is_refused(shop: Shop, number: str):
    body = f'{{"user_id": "u", "amount": {number}, "description": "x"}}'.encode()

    response = shop.api.post("/api/users/credits/spend", raw=body, headers={"x-api-key": API_KEY})

    assert response.status == 422


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("user_id", ""),
        ("user_id", None),
        ("user_id", 1),
        ("user_id", "u" * 256),
        ("description", ""),
        ("description", None),
        ("description", "x" * 501),
        ("credits", 1),
        ("force", True),
    ],
)
def test_a_wrong_field_is_named(shop: Shop, field: str, value: Any):
    response = shop.spend(1, **{field: value})

    assert (response.status, [error["field"] for error in response.json()["errors"]]) == (422, [field])


def test_a_hostile_description_is_stored_as_it_is_and_stays_in_one_log_line(shop: Shop, log: io.StringIO):
    shop.buy()
    hostile = 'x\n{"level":"ERROR"}\x1b[31m😀' + "y" * 400

    assert shop.spend(1, description=hostile).status == 200

    newest = shop.api.get("/api/users/credits/transactions?limit=1", as_user()).json()["transactions"][0]
    assert newest["description"] == hostile
    assert all(json.loads(line) for line in log.getvalue().splitlines())
