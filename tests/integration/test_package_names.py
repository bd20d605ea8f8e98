"""Histories name packages in the reader's language, also those that are not on sale any more."""

from decimal import Decimal
from typing import Any

import pytest

from local.in_process.api import Api, as_admin, as_buyer, as_user
from local.in_process.dynamodb import Emulator
from local.in_process.environment import API_KEY
from local.in_process.shop import Shop
from topup.domain.catalogue import Catalogue
from topup.runtime import config
from topup.store import order_items

STANDARD = {"zh": "标准包", "en": "Standard"}


@pytest.fixture
def withdrawn(shop: Shop, environment: pytest.MonkeyPatch) -> str:
    """A payment that was refunded in part, and whose package is off sale by now."""
    payment_id, _ = shop.buy()
    shop.spend(7, "spent")
    shop.refund(payment_id, 10.0)
    environment.setattr(config, "catalogue", lambda: Catalogue(packages={}, credit_value_rmb=Decimal(1)))
    return payment_id


@pytest.mark.parametrize(
    ("lang", "name"), [("en", "Standard"), ("en-GB", "Standard"), ("zh", "标准包"), ("fr", "标准包")]
)
def test_a_payment_names_its_package_in_the_language_that_is_asked_for(
    shop: Shop, withdrawn: str, lang: str, name: str
):
    shown = shop.api.get(f"/api/payments/{withdrawn}?lang={lang}", as_user()).json()
    [listed] = shop.api.get(f"/api/payments?lang={lang}", as_user()).json()["payments"]

    assert (shown["package"], shown["package_name"], listed) == ("standard", name, shown)


def test_entries_name_their_package_in_the_language_that_is_asked_for(shop: Shop, withdrawn: str):
    for lang, name in STANDARD.items():
        entries = shop.api.get(f"/api/users/credits/transactions?lang={lang}", as_user()).json()["transactions"]

        assert [(entry["transaction_type"], entry["package_name"]) for entry in entries] == [
            ("refunded", name),
            ("spent", None),
            ("purchased", name),
        ]


def test_staff_and_services_are_answered_in_their_language(shop: Shop, withdrawn: str):
    entries = shop.api.get("/api/users/user-1/credits/transactions?lang=en", {"x-api-key": API_KEY}).json()
    payments = shop.api.get("/api/users/user-1/payments?lang=en", as_admin()).json()

    assert entries["transactions"][0]["package_name"] == "Standard"
    assert payments["payments"][0]["package_name"] == "Standard"


def test_nobody_who_does_not_ask_gets_a_name_or_pays_for_a_read(shop: Shop, withdrawn: str, dynamodb: Emulator):
    dynamodb.operations.clear()
    entries = shop.api.get("/api/users/credits/transactions", as_user()).json()["transactions"]

    assert dynamodb.operations == ["Query"]
    assert all("package_name" not in entry for entry in entries)
    assert "package_name" not in shop.api.get(f"/api/payments/{withdrawn}", as_user()).json()

    dynamodb.operations.clear()
    shop.api.get("/api/users/credits/transactions?lang=en", as_user())
    assert dynamodb.operations == ["Query", "BatchGetItem"]


def test_the_next_page_is_in_the_same_language(shop: Shop, withdrawn: str):
    first = shop.api.get("/api/users/credits/transactions?lang=en&limit=1", as_user())

    assert "lang=en" in first.headers["link"]


def test_an_order_of_an_earlier_version_has_the_one_name_that_it_kept(shop: Shop, withdrawn: str):
    shop.dynamodb.client.update_item(
        TableName=shop.dynamodb.orders_table,
        Key=order_items.order_key(withdrawn),
        UpdateExpression="REMOVE package.#names",
        ExpressionAttributeNames={"#names": "names"},
    )

    assert shop.api.get(f"/api/payments/{withdrawn}?lang=en", as_user()).json()["package_name"] == "标准包"


def test_an_entry_whose_order_is_gone_has_no_name(shop: Shop, withdrawn: str):
    shop.dynamodb.client.delete_item(TableName=shop.dynamodb.orders_table, Key=order_items.order_key(withdrawn))

    entries = shop.api.get("/api/users/credits/transactions?lang=en", as_user()).json()["transactions"]
    assert {entry["package_name"] for entry in entries} == {None}


def test_a_read_that_dynamodb_answers_in_part_is_busy_and_not_half_named(
    shop: Shop, withdrawn: str, monkeypatch: pytest.MonkeyPatch
):
    from topup.store import orders  # noqa: PLC0415

    class Partly:
        def batch_get_item(self, **request: Any) -> dict[str, Any]:
            return {"Responses": {}, "UnprocessedKeys": request["RequestItems"]}

    monkeypatch.setattr(orders, "client", Partly)
    answer = shop.api.get("/api/users/credits/transactions?lang=en", as_user())
    assert (answer.status, answer.json()["code"]) == (503, "busy")


def test_the_names_of_an_order_are_those_of_its_time(api: Api, environment: pytest.MonkeyPatch):
    payment_id = api.post("/api/payments/stripe/create", {"package": "standard"}, as_buyer()).json()["payment_id"]
    environment.setattr(config, "catalogue", lambda: Catalogue(packages={}, credit_value_rmb=Decimal(1)))

    assert api.get(f"/api/payments/{payment_id}?lang=en", as_user()).json()["package_name"] == "Standard"
