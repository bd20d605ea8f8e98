"""What the operator chooses about pay pages, and how long a pay page can be paid."""

import sys
from collections.abc import Callable, Mapping
from dataclasses import fields, replace
from datetime import timedelta
from typing import Any

import pytest
import stripe
from pydantic import TypeAdapter, ValidationError

from local.in_process.api import Api, ApiResponse, as_buyer, as_user
from local.in_process.dynamodb import Crash, crashed_before
from local.in_process.shop import Shop
from tests.support.builders import an_order
from tests.support.stripe_wire import StripeWire, refuses, times_out
from topup import store
from topup.domain.checkout_options import CheckoutOptions
from topup.domain.orders import Advance, Status
from topup.domain.wording import PayPage
from topup.runtime import config
from topup.stripe_gateway import sessions

Choose = Callable[..., None]
KEY = {"idempotency-key": "buy-1"}
EMAIL = "li@example.com"
EVERYTHING: dict[str, Any] = {
    "automatic_tax": True,
    "tax_behavior": "exclusive",
    "tax_id_collection": True,
    "billing_address": "required",
    "invoices": True,
    "promotion_codes": True,
    "adaptive_pricing": True,
    "locale": "fr-CA",
    "session_minutes": 60,
    "customer_email": False,
}


@pytest.fixture
def choose(environment: pytest.MonkeyPatch) -> Choose:
    """Put options into the catalogue; what is not named has its default."""
    catalogue = config.catalogue()

    def put(**options: Any) -> None:
        environment.setattr(config, "catalogue", lambda: replace(catalogue, checkout=CheckoutOptions(**options)))

    return put


def create(api: Api, **body: Any) -> ApiResponse:
    headers = as_buyer("user-1", email=EMAIL) | KEY
    return api.post("/api/payments/stripe/create", {"package": "standard"} | body, headers)


def test_without_options_a_session_is_what_it_was_before_there_were_any():
    params = sessions.session_params(an_order(), EMAIL)

    assert params.keys() == {
        *("mode", "line_items", "client_reference_id", "metadata", "payment_intent_data", "adaptive_pricing"),
        *("success_url", "cancel_url", "customer_email"),
    }
    assert params["adaptive_pricing"] == {"enabled": False}
    assert params["line_items"][0]["price_data"].keys() == {"currency", "unit_amount", "product_data"}


@pytest.mark.parametrize(
    ("options", "params"),
    [
        ({"automatic_tax": True}, {"automatic_tax[enabled]": "true"}),
        ({"tax_behavior": "inclusive"}, {"line_items[0][price_data][tax_behavior]": "inclusive"}),
        ({"tax_id_collection": True}, {"tax_id_collection[enabled]": "true"}),
        ({"billing_address": "required"}, {"billing_address_collection": "required"}),
        ({"promotion_codes": True}, {"allow_promotion_codes": "true"}),
        ({"adaptive_pricing": True}, {"adaptive_pricing[enabled]": "true"}),
        ({"customer_email": False}, {"customer_email": None}),
        ({"invoices": True}, {"invoice_creation[enabled]": "true"}),
    ],
)
def test_each_option_is_one_parameter_of_stripes(
    api: Api, stripe_wire: StripeWire, choose: Choose, options: dict[str, Any], params: dict[str, Any]
):
    create(api)
    choose(**options)
    assert (
        api.post("/api/payments/stripe/create", {"package": "standard"}, as_buyer("user-2", email=EMAIL)).status == 200
    )

    usual, chosen = (request.params for request in stripe_wire.requests)
    assert {name: chosen.get(name) for name in params} == params
    added = {name for name in chosen.keys() - usual.keys() if "[metadata]" not in name}
    assert added <= params.keys()


def test_an_invoice_names_its_order(api: Api, stripe_wire: StripeWire, choose: Choose):
    choose(invoices=True)
    payment_id = create(api).json()["payment_id"]

    [request] = stripe_wire.requests
    assert request.params["invoice_creation[invoice_data][metadata][order_id]"] == payment_id


@pytest.mark.parametrize(("asked", "locale", "name"), [(None, "en", "Standard"), ("zh", "zh", "标准包")])
def test_the_catalogues_locale_is_the_buyers_where_the_request_names_none(
    api: Api, stripe_wire: StripeWire, choose: Choose, asked: str | None, locale: str, name: str
):
    choose(locale="en")
    create(api, locale=asked)

    [request] = stripe_wire.requests
    assert request.params["locale"] == locale
    assert request.params["line_items[0][price_data][product_data][name]"].startswith(name)


@pytest.mark.parametrize("options", [{}, EVERYTHING])
def test_the_parameters_of_a_session_have_stripes_own_types(
    monkeypatch: pytest.MonkeyPatch, choose: Choose, options: dict[str, Any]
):
    params = stripe.params.checkout.SessionCreateParams
    # The library imports these names for type checkers only, or pydantic cannot use them; no value here needs them.
    for name, value in {"StripeContext": str, "Mapping": Mapping, "UntypedStripeObject": frozenset}.items():
        monkeypatch.setattr(sys.modules[params.__module__], name, value, raising=False)
    types = TypeAdapter(params)
    assert {option.name for option in fields(CheckoutOptions)} == EVERYTHING.keys()
    choose(**options)

    types.validate_python(
        sessions.session_params(an_order(page=PayPage("en", "Standard", "en")), EMAIL), strict=True, extra="forbid"
    )

    with pytest.raises(ValidationError):
        types.validate_python({"mode": "payment", "unknown": 1}, strict=True, extra="forbid")


# ------------------------------------------------------------------------------------------- how long it can be paid


def ends_of(stripe_wire: StripeWire) -> list[int]:
    return [int(request.params["expires_at"]) for request in stripe_wire.requests]


@pytest.mark.parametrize(("minutes", "lives"), [(30, 35), (34, 35), (35, 35), (36, 36), (600, 600), (1439, 1439)])
def test_a_session_lives_as_long_as_the_catalogue_says_and_long_enough_for_a_retry(
    api: Api, stripe_wire: StripeWire, choose: Choose, minutes: int, lives: int
):
    choose(session_minutes=minutes)
    assert create(api).status == 200

    assert ends_of(stripe_wire) == [int((api.now + timedelta(minutes=lives)).timestamp())]


def test_a_session_of_a_day_has_stripes_own_end(api: Api, stripe_wire: StripeWire, choose: Choose):
    choose(session_minutes=1440)
    create(api)

    assert "expires_at" not in stripe_wire.requests[0].params


def test_a_retry_asks_for_the_same_end(api: Api, stripe_wire: StripeWire, choose: Choose):
    choose(session_minutes=30)
    stripe_wire.then(times_out, times_out)
    create(api)
    api.now += timedelta(minutes=4)
    assert create(api).status == 200

    assert (
        len(
            {
                (request.idempotency_key, end)
                for request, end in zip(stripe_wire.requests, ends_of(stripe_wire), strict=True)
            }
        )
        == 1
    )
    assert len(stripe_wire.requests) == 3


def test_a_retry_that_comes_too_late_for_stripe_is_another_attempt_with_an_end_of_its_own(
    api: Api, stripe_wire: StripeWire, choose: Choose
):
    choose(session_minutes=30)
    stripe_wire.then(times_out, times_out)
    first = create(api)
    api.now += timedelta(minutes=4, seconds=1)
    second = create(api)

    assert (first.status, second.status) == (502, 200)
    late = stripe_wire.requests[-1]
    assert late.idempotency_key != stripe_wire.requests[0].idempotency_key
    assert late.params["metadata[attempt]"] == "2"
    assert ends_of(stripe_wire)[-1] == int((api.now + timedelta(minutes=35)).timestamp())
    assert create(api).json() == second.json()


def test_after_each_refusal_of_stripes_a_retry_goes_on_however_late_it_comes(
    api: Api, stripe_wire: StripeWire, choose: Choose
):
    choose(session_minutes=30)
    stripe_wire.then(refuses(500), refuses(500))
    create(api)
    for minutes in (2, 3, 90):
        api.now += timedelta(minutes=minutes)
        stripe_wire.then(refuses(500), refuses(500))
        create(api)
        assert ends_of(stripe_wire)[-1] >= int((api.now + timedelta(minutes=31)).timestamp())

    assert create(api).status == 200


def test_an_order_whose_session_names_an_end_that_has_passed_since_is_opened_anew(shop: Shop, choose: Choose):
    choose(session_minutes=30)
    shop.dynamodb.fail("UpdateItem", crashed_before)
    with pytest.raises(Crash):
        create(shop.api)
    shop.wait(minutes=20)

    payment = create(shop.api).json()
    assert payment["status"] == "pending"
    shop.wait(minutes=20)
    shop.deliver()  # the first session has ended, which nobody was sent to
    assert shop.payment(payment["payment_id"])["status"] == "pending"
    shop.pay(payment)
    shop.deliver()

    assert shop.payment(payment["payment_id"])["status"] == "succeeded"
    assert shop.balance() == 1100
    shop.check()


def test_a_shorter_life_in_the_catalogue_opens_what_waits_for_its_session(
    api: Api, stripe_wire: StripeWire, choose: Choose
):
    stripe_wire.then(times_out, times_out)
    create(api)
    api.now += timedelta(hours=2)
    choose(session_minutes=30)

    assert create(api).status == 200
    assert stripe_wire.requests[-1].params["metadata[attempt]"] == "2"


def test_a_payment_under_way_keeps_its_attempt_however_late_its_request_comes_again(
    api: Api, stripe_wire: StripeWire, choose: Choose
):
    choose(session_minutes=30)
    stripe_wire.then(times_out, times_out)
    create(api)
    [placed] = api.get("/api/payments", as_user()).json()["payments"]
    order = store.load_order(placed["payment_id"])
    assert order is not None
    store.record_order_change(Advance(before=order, after=replace(order, status=Status.PROCESSING)))
    api.now += timedelta(hours=1)
    create(api)

    assert {request.params["metadata[attempt]"] for request in stripe_wire.requests} == {"1"}
