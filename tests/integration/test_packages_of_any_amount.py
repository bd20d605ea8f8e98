"""Packages of any amount, and packages whose credits live shorter, longer or for ever: from the list to the ledger."""

from decimal import Decimal
from typing import Any

import pytest

from local.in_process.api import Api, ApiResponse, as_buyer, as_user
from local.in_process.dynamodb import Emulator
from local.in_process.shop import Shop
from tests.support.stripe_wire import StripeWire
from topup import store
from topup.domain import catalogue_file
from topup.domain.times import months_later, to_text
from topup.runtime import config
from topup.store import order_items

CREATE = "/api/payments/stripe/create"
KEY = {"idempotency-key": "buy-1"}
ONE_PRICE = {"name": "标准包", "credits": 1100, "price": "100.00", "currency": "CNY", "unit_price": Decimal("0.091")}
CUSTOM = {
    "name": "自选金额",
    "names": {"en": "Any amount"},
    "currency": "CNY",
    "min": "10.00",
    "max": "5000.00",
    "step": "10.00",
    "unit_price": Decimal("0.1"),
    "tiers": [{"from": "100.00", "bonus_percent": 10}, {"from": "500.00", "bonus_percent": Decimal("17.5")}],
}


@pytest.fixture(autouse=True)
def _on_sale(environment: pytest.MonkeyPatch) -> None:
    sell(
        environment,
        standard=ONE_PRICE,
        custom=CUSTOM,
        year=ONE_PRICE | {"valid_months": 12},
        forever=ONE_PRICE | {"valid_months": None},
        custom_year=CUSTOM | {"valid_months": 12},
    )


def sell(environment: pytest.MonkeyPatch, **packages: dict[str, Any]) -> None:
    document = {"packages": packages, "credit_value_rmb": Decimal("0.1"), "language": "zh"}
    environment.setattr(config, "catalogue", lambda: catalogue_file.parse(document))


def create(api: Api, body: dict[str, Any], headers: dict[str, str] | None = None) -> ApiResponse:
    return api.post(CREATE, body, as_buyer("user-1") | (headers or {}))


# ----------------------------------------------------------------------------------------------------------- the list


def test_the_list_says_what_may_be_paid_and_what_it_buys(api: Api):
    packages = api.get("/api/payments/packages?lang=en").json()["packages"]

    assert packages["custom"] == {
        "name": "Any amount",
        "currency": "CNY",
        "min": "10.00",
        "max": "5000.00",
        "step": "10.00",
        "unit_price": 0.1,
        "tiers": [{"from": "100.00", "bonus_percent": 10.0}, {"from": "500.00", "bonus_percent": 17.5}],
    }


def test_the_list_says_how_long_credits_are_valid_where_the_package_does(api: Api):
    packages = api.get("/api/payments/packages").json()["packages"]

    assert packages["standard"].keys() == {"name", "credits", "price", "currency", "unit_price"}
    assert "valid_months" not in packages["custom"]
    months = {name: packages[name]["valid_months"] for name in ("year", "forever", "custom_year")}
    assert months == {"year": 12, "forever": None, "custom_year": 12}


# ------------------------------------------------------------------------------------------------------- any amount


def test_the_buyer_gets_the_credits_of_the_amount_that_was_paid(shop: Shop):
    payment = create(shop.api, {"package": "custom", "amount": "250.00", "locale": "en"}).json()
    assert (payment["amount"], payment["currency"], payment["credits_purchased"]) == ("250.00", "CNY", 2750)
    shop.pay(payment)
    shop.deliver()

    paid = shop.payment(payment["payment_id"])
    assert (paid["status"], paid["package"], paid["amount"]) == ("succeeded", "custom", 250.0)
    assert shop.balance() == 2750
    shop.check()


def test_the_pay_page_asks_for_the_amount_and_names_the_credits(api: Api, stripe_wire: StripeWire):
    create(api, {"package": "custom", "amount": "500", "locale": "en"})

    [request] = stripe_wire.requests
    assert request.params["line_items[0][price_data][unit_amount]"] == "50000"
    assert request.params["line_items[0][price_data][product_data][name]"] == "Any amount – 5,875 credits"


@pytest.mark.parametrize(
    ("body", "message"),
    [
        ({"package": "custom"}, "is required: this package is sold for any amount"),
        ({"package": "custom", "amount": None}, "is required: this package is sold for any amount"),
        ({"package": "custom", "amount": "5.00"}, "must be from 10.00 to 5000.00 CNY"),
        ({"package": "custom", "amount": "25.00"}, "must be a multiple of 10.00 CNY"),
        ({"package": "custom", "amount": 250}, "Input should be a valid string"),
        ({"package": "custom", "amount": "1e3"}, None),
        ({"package": "custom", "amount": ""}, None),
        ({"package": "standard", "amount": "100.00"}, "must not be given: this package has one price"),
    ],
)
def test_a_wrong_amount_is_named_and_nothing_is_written(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire, body: dict[str, Any], message: str | None
):
    response = create(api, body)

    assert response.status == 422
    [error] = response.json()["errors"]
    assert error["field"] == "amount"
    assert message in (None, error["message"])
    assert (dynamodb.operations, stripe_wire.requests) == ([], [])


def test_the_amount_is_a_part_of_the_request(api: Api, stripe_wire: StripeWire):
    first = create(api, {"package": "custom", "amount": "250.00"}, KEY)

    assert create(api, {"package": "custom", "amount": "250.00"}, KEY).json() == first.json()
    other = create(api, {"package": "custom", "amount": "260.00"}, KEY)
    assert (other.status, other.json()["code"]) == (409, "idempotency_conflict")
    assert len(stripe_wire.requests) == 1


def test_a_retry_keeps_its_credits_when_the_tiers_have_changed_or_the_amount_is_not_sold_any_more(
    api: Api, environment: pytest.MonkeyPatch
):
    first = create(api, {"package": "custom", "amount": "250.00"}, KEY)

    for edited in (CUSTOM | {"tiers": []}, CUSTOM | {"min": "300.00", "tiers": []}):
        sell(environment, custom=edited)
        assert create(api, {"package": "custom", "amount": "250.00"}, KEY).json() == first.json()


# --------------------------------------------------------------------------------------------------------- validity


@pytest.mark.parametrize(
    ("body", "months"),
    [
        ({"package": "standard"}, 6),
        ({"package": "year"}, 12),
        ({"package": "forever"}, None),
        ({"package": "custom_year", "amount": "10.00"}, 12),
    ],
)
def test_credits_live_as_long_as_their_package_says_else_as_configured(
    shop: Shop, body: dict[str, Any], months: int | None
):
    payment = create(shop.api, body).json()
    shop.wait(hours=3)
    shop.pay(payment)
    shop.deliver()

    [lot] = shop.api.get("/api/users/credits", as_user()).json()["lots"]
    assert lot["expires_at"] == (to_text(months_later(shop.now, months)) if months else None)
    order = store.load_order(payment["payment_id"])
    assert order is not None
    assert (text_of_expiry(order.credits_expire_at), order.valid_months) == (lot["expires_at"], months or 0)
    shop.check()


def text_of_expiry(moment: Any) -> str | None:
    return to_text(moment) if moment else None


def test_credits_without_an_end_are_there_when_all_others_have_expired(shop: Shop):
    for package in ("forever", "standard"):
        shop.pay(create(shop.api, {"package": package}).json())
        shop.deliver()
    shop.wait(days=365 * 30)

    assert shop.balance() == 1100
    assert shop.spend(1100, "all").status == 200
    shop.check()


def test_the_validity_is_frozen_when_the_order_is_placed(shop: Shop, environment: pytest.MonkeyPatch):
    payments = [create(shop.api, {"package": package}).json() for package in ("year", "standard")]
    sell(environment, year=ONE_PRICE | {"valid_months": 1}, standard=ONE_PRICE)
    environment.setenv("CREDITS_EXPIRE_AFTER_MONTHS", "3")
    config.settings.cache_clear()
    for payment in payments:
        shop.pay(payment)
        shop.deliver()

    lots = shop.api.get("/api/users/credits", as_user()).json()["lots"]
    assert [lot["expires_at"] for lot in lots] == [to_text(months_later(shop.now, months)) for months in (6, 12)]


def test_an_order_of_an_earlier_version_gets_the_configured_months(shop: Shop, environment: pytest.MonkeyPatch):
    payment = create(shop.api, {"package": "year"}).json()
    shop.dynamodb.client.update_item(
        TableName=shop.dynamodb.orders_table,
        Key=order_items.order_key(payment["payment_id"]),
        UpdateExpression="REMOVE valid_months",
    )
    environment.setenv("CREDITS_EXPIRE_AFTER_MONTHS", "3")
    config.settings.cache_clear()
    shop.pay(payment)
    shop.deliver()

    [lot] = shop.api.get("/api/users/credits", as_user()).json()["lots"]
    assert lot["expires_at"] == to_text(months_later(shop.now, 3))


@pytest.mark.parametrize(
    ("package", "locale", "line"),
    [
        ("year", "en", "Valid until 1 March 2027"),
        ("year", "zh", "有效期至 2027年3月1日"),
        ("forever", "en", "Never expires"),
        ("forever", None, "永不过期"),
    ],
)
def test_the_pay_page_says_how_long_the_packages_credits_are_valid(
    api: Api, stripe_wire: StripeWire, package: str, locale: str | None, line: str
):
    create(api, {"package": package, "locale": locale})

    [request] = stripe_wire.requests
    assert request.params["line_items[0][price_data][product_data][description]"] == line


# --------------------------------------------------------------------------------------------- the same package twice


def test_a_second_create_within_a_minute_is_another_payment_unless_its_key_says_that_it_is_the_same(shop: Shop):
    first = create(shop.api, {"package": "standard"}, KEY).json()
    shop.wait(seconds=20)
    same = create(shop.api, {"package": "standard"}, KEY).json()
    newer = create(shop.api, {"package": "standard"}, {"idempotency-key": "buy-2"}).json()
    unkeyed = create(shop.api, {"package": "standard"}).json()

    assert same == first
    assert len({payment["payment_id"] for payment in (first, newer, unkeyed)}) == 3
    assert len({payment["payment_url"] for payment in (first, newer, unkeyed)}) == 3
    listed = shop.api.get("/api/payments", as_user()).json()["payments"]
    assert {(payment["payment_id"], payment["status"]) for payment in listed} == {
        (payment["payment_id"], "pending") for payment in (first, newer, unkeyed)
    }
