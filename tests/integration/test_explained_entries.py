"""Which purchase paid for an entry: the list of transactions, explained."""

from typing import Any

import pytest

from local.in_process.api import as_support, as_user
from local.in_process.environment import API_KEY, USER_ID
from local.in_process.shop import Shop


def explained(shop: Shop, **parameters: object) -> list[dict[str, Any]]:
    query = "".join(f"&{name}={value}" for name, value in parameters.items())
    response = shop.api.get(f"/api/users/credits/transactions?explain=true{query}", as_user())
    assert response.status == 200, response.json()
    rows: list[dict[str, Any]] = response.json()["transactions"]
    return rows


def bought(shop: Shop, package: str) -> str:
    payment_id, _ = shop.buy(package)
    shop.deliver()
    shop.wait(minutes=1)
    return payment_id


def test_a_spend_says_which_purchases_paid_for_it_soonest_expiring_first(shop: Shop):
    first, second = bought(shop, "trial"), bought(shop, "standard")
    shop.grant(20, expires_at=None)
    shop.spend(510)
    shop.dynamodb.operations.clear()

    [spend, grant, *purchases] = explained(shop)

    assert [(lot["payment_id"], lot["amount"]) for lot in spend["lots"]] == [(first, -500), (second, -10)]
    assert [(lot["payment_id"], lot["amount"]) for lot in grant["lots"]] == [(None, 20)]
    assert [row["lots"] for row in purchases] == [
        [{"lot_id": second, "payment_id": second, "amount": 1100}],
        [{"lot_id": first, "payment_id": first, "amount": 500}],
    ]
    # The first purchase is used up: it is not among the lots that have credits.
    assert shop.dynamodb.operations == ["Query", "Query", "BatchGetItem"]


def test_lots_that_have_credits_are_told_with_one_request_more(shop: Shop):
    bought(shop, "trial")
    shop.spend(10)
    shop.dynamodb.operations.clear()

    explained(shop)

    assert shop.dynamodb.operations == ["Query", "Query"]


def test_what_became_debt_is_of_no_lot(shop: Shop):
    payment_id = bought(shop, "trial")
    shop.spend(300)
    shop.refund(payment_id, force=True)
    shop.deliver()

    refunded = explained(shop)[0]
    shop.grant(300)
    repaid = explained(shop)[0]

    assert (refunded["amount"], [lot["amount"] for lot in refunded["lots"]]) == (-500, [-200])
    assert (repaid["amount"], repaid["lots"]) == (300, [])


def test_every_page_is_explained(shop: Shop):
    payment_id = bought(shop, "trial")
    for n in range(5):
        shop.spend(1, f"spend-{n}")
    first = shop.api.get("/api/users/credits/transactions?explain=true&limit=2", as_user())

    rows = explained(shop, limit=2, cursor=first.json()["next_cursor"])

    assert [[lot["payment_id"] for lot in row["lots"]] for row in rows] == [[payment_id], [payment_id]]
    assert "explain=true" in first.headers["link"]


@pytest.mark.parametrize("caller", [{"x-api-key": API_KEY}, as_support()])
def test_services_and_support_see_it_of_any_user(shop: Shop, caller: dict[str, str]):
    payment_id = bought(shop, "trial")

    answer = shop.api.get(f"/api/users/{USER_ID}/credits/transactions?explain=true", caller).json()

    assert answer["transactions"][0]["lots"] == [{"lot_id": payment_id, "payment_id": payment_id, "amount": 500}]


@pytest.mark.parametrize("parameters", ["", "?explain=false"])
def test_without_it_a_page_is_one_request_and_says_nothing_of_lots(shop: Shop, parameters: str):
    bought(shop, "trial")
    shop.dynamodb.operations.clear()

    answer = shop.api.get(f"/api/users/credits/transactions{parameters}", as_user()).json()

    assert "lots" not in answer["transactions"][0]
    assert shop.dynamodb.operations == ["Query"]


def test_a_user_without_entries_has_nothing_to_explain(shop: Shop):
    assert explained(shop) == []


@pytest.mark.parametrize("value", ["", "1", "yes", "True", "x" * 2000])
def test_what_is_neither_true_nor_false_is_refused(shop: Shop, value: str):
    refused = shop.api.get(f"/api/users/credits/transactions?explain={value}", as_user())

    assert refused.status == 422
    assert [one["field"] for one in refused.json()["errors"]] == ["explain"]


@pytest.mark.parametrize("path", ["credits?as_off=2026-01-01T00:00:00Z", "credits?explain=true", "credits?limit=1"])
def test_other_parameters_stay_refused(shop: Shop, path: str):
    assert shop.api.get(f"/api/users/{path}", as_user()).status == 422
