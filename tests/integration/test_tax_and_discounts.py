"""A buyer pays tax on top of the price, or less by a promotion code: the credits are those of the price.

What goes back takes the share of the credits that it is of what was paid.
"""

import json
from dataclasses import replace
from typing import Any

import pytest

from local.client import session_of
from local.in_process.api import as_admin, as_user
from local.in_process.shop import Shop
from tests.integration.stripe_side import calls_of_stripe, foreign_payment
from topup import store
from topup.domain.catalogue import Catalogue
from topup.domain.checkout_options import CheckoutOptions
from topup.runtime import config

COMPLETED, SUCCEEDED = "checkout.session.completed", "payment_intent.succeeded"


CATALOGUE = config.catalogue()


def with_options(options: CheckoutOptions) -> Catalogue:
    return replace(CATALOGUE, checkout=options)


@pytest.fixture(autouse=True)
def _offers(environment: pytest.MonkeyPatch) -> None:
    options = CheckoutOptions(automatic_tax=True, tax_behavior="exclusive", promotion_codes=True)
    environment.setattr(config, "catalogue", lambda: with_options(options))


def paid(shop: Shop, **terms: Any) -> tuple[str, str]:
    """A payment with this tax and discount, whose webhooks are still to come; its id and its payment intent."""
    payment = shop.create()
    return payment["payment_id"], shop.pay(payment, **terms)


def shown(shop: Shop, payment_id: str) -> dict[str, Any]:
    document: dict[str, Any] = shop.api.get(f"/api/payments/{payment_id}", as_user()).json()
    return document


def test_tax_on_top_of_the_price_is_recorded_and_shown(shop: Shop):
    payment_id, _ = paid(shop, tax_minor=600)
    shop.deliver()

    payment = shown(shop, payment_id)
    assert (payment["status"], payment["amount"], payment["credits_purchased"]) == ("succeeded", 100.0, 1100)
    assert (payment["amount_paid"], payment["tax"]) == (106.0, 6.0)
    assert "discount" not in payment
    assert shop.balance() == 1100
    shop.check()


def test_a_promotion_code_takes_nothing_from_the_credits(shop: Shop):
    payment_id, _ = paid(shop, discount_minor=1_000, tax_minor=540)
    shop.deliver()

    payment = shown(shop, payment_id)
    assert (payment["amount_paid"], payment["tax"], payment["discount"]) == (95.4, 5.4, 10.0)
    assert shop.balance() == 1100
    shop.check()


def test_a_payment_at_its_price_shows_no_other_sum(shop: Shop):
    payment_id, _ = shop.buy()

    assert not {"amount_paid", "tax", "discount"} & shown(shop, payment_id).keys()


def test_a_list_says_the_same_as_the_payment(shop: Shop):
    paid(shop, tax_minor=600)
    shop.deliver()

    [row] = shop.api.get("/api/payments", as_user()).json()["payments"]

    assert (row["amount_paid"], row["tax"]) == (106.0, 6.0)


@pytest.mark.parametrize("first", [COMPLETED, SUCCEEDED])
def test_whichever_event_comes_first_settles_it(shop: Shop, first: str):
    payment_id, _ = paid(shop, discount_minor=1_000, tax_minor=540)
    calls = calls_of_stripe(shop)

    assert set(shop.deliver(first)) == {200}

    # A payment intent knows only what arrived: its session, which knows the price, is asked for once.
    assert len(calls) == (1 if first == SUCCEEDED else 0)
    assert shown(shop, payment_id)["amount_paid"] == 95.4
    assert set(shop.deliver()) == {200}
    assert shop.ledger() == [("purchased", 1100)]
    shop.check()


@pytest.mark.parametrize("status", ["open", "complete"])
def test_an_intent_decides_nothing_while_its_session_does_not_say_that_it_is_paid(
    shop: Shop, environment: pytest.MonkeyPatch, status: str
):
    payment_id, _ = paid(shop, discount_minor=1_000, tax_minor=540)
    request = shop.simulator.request

    def behind(method: str, url: str, *more: Any) -> Any:
        answered, headers, body = request(method, url, *more)
        if "/v1/checkout/sessions?" not in url:
            return answered, headers, body
        listed = json.loads(body)
        listed["data"] = [one | {"status": status, "payment_status": "unpaid"} for one in listed["data"]]
        return answered, headers, json.dumps(listed).encode()

    with environment.context() as patch:
        patch.setattr(shop.simulator, "request", behind)
        assert shop.deliver(SUCCEEDED) == [503]
        assert shown(shop, payment_id)["status"] != "succeeded"

    shop.deliver()
    assert shown(shop, payment_id)["amount_paid"] == 95.4
    assert (shown(shop, payment_id)["status"], shop.balance()) == ("succeeded", 1100)
    shop.check()


def test_a_payment_asks_stripe_nothing_where_there_is_no_tax_and_no_code(shop: Shop, environment: pytest.MonkeyPatch):
    environment.setattr(config, "catalogue", lambda: with_options(CheckoutOptions()))
    paid(shop)
    calls = calls_of_stripe(shop)

    shop.deliver()

    assert calls == []


def test_tax_that_the_price_contains_is_known_whichever_event_comes_first(shop: Shop, environment: pytest.MonkeyPatch):
    options = CheckoutOptions(automatic_tax=True, tax_behavior="inclusive")
    environment.setattr(config, "catalogue", lambda: with_options(options))
    payment_id, _ = paid(shop, tax_minor=566)

    shop.deliver(SUCCEEDED)

    payment = shown(shop, payment_id)
    assert payment["tax"] == 5.66
    assert "amount_paid" not in payment  # it is the price
    shop.deliver()
    shop.check()


def test_a_refund_of_a_second_payment_takes_nothing_from_an_order_for_nothing(shop: Shop):
    payment = shop.create()
    shop.pay(payment, promotion_code="FREE100")
    shop.deliver()
    session = shop.simulator.session(session_of(payment))
    intent = foreign_payment(shop, session["metadata"])

    shop.simulator.refund(intent)
    assert set(shop.deliver()) == {200}

    assert shop.ledger() == [("purchased", 1100)]
    shop.check()


def test_half_of_what_was_paid_takes_half_of_the_credits(shop: Shop):
    payment_id, _ = paid(shop, discount_minor=1_000, tax_minor=540)
    shop.deliver()

    refunded = shop.refund(payment_id, 47.7).json()

    assert (refunded["amount"], refunded["credits_refunded"]) == (47.7, 550)
    shop.deliver()
    shop.check()


def test_a_refund_of_all_gives_back_what_was_paid_with_its_tax(shop: Shop):
    payment_id, _ = paid(shop, tax_minor=600)
    shop.deliver()

    refunded = shop.refund(payment_id).json()

    assert (refunded["amount"], refunded["credits_refunded"]) == (106.0, 1100)
    shop.deliver()
    assert shop.balance() == 0
    shop.check()


def test_no_more_can_be_refunded_than_was_paid(shop: Shop):
    payment_id, _ = paid(shop, discount_minor=1_000)
    shop.deliver()

    refused = shop.refund(payment_id, 95)

    assert (refused.status, refused.json()["largest_refundable"]) == (409, "90.00")


def test_the_largest_refund_without_debt_goes_by_what_was_paid(shop: Shop):
    payment_id, _ = paid(shop, discount_minor=5_000)
    shop.deliver()
    shop.spend(550)

    refused = shop.refund(payment_id)

    largest = float(refused.json()["largest_refundable"])
    assert shop.refund(payment_id, largest).status == 200
    assert 25.0 <= largest < 25.1
    assert shop.balance() >= 0
    shop.deliver()
    shop.check()


def test_a_refund_in_the_dashboard_goes_by_what_was_paid(shop: Shop):
    _, intent = paid(shop, discount_minor=5_000)
    shop.deliver()

    shop.simulator.refund(intent, 1_250)
    shop.deliver()

    assert shop.balance() == 1100 - 275
    shop.check()


def test_a_dispute_of_what_was_paid_takes_all_credits(shop: Shop):
    _, intent = paid(shop, discount_minor=5_000, tax_minor=300)
    shop.deliver()

    shop.simulator.dispute(intent)
    shop.deliver()

    assert shop.balance() == 0
    shop.check()


def test_a_refund_that_is_reported_before_the_payment_settles_it_first(shop: Shop):
    _, intent = paid(shop, discount_minor=5_000)
    shop.simulator.refund(intent, 2_500)

    shop.deliver("refund.created")

    assert shop.ledger() == [("purchased", 1100), ("refunded", -550)]
    shop.deliver()
    assert len(shop.ledger()) == 2
    shop.check()


def test_a_code_that_takes_the_whole_price_grants_the_credits_without_a_payment_intent(shop: Shop):
    payment_id, intent = paid(shop, promotion_code="FREE100")
    shop.deliver()

    payment = shown(shop, payment_id)
    assert intent == ""
    assert (payment["status"], payment["amount_paid"], payment["discount"]) == ("succeeded", 0.0, 100.0)
    assert shop.balance() == 1100
    shop.check()


def test_what_cost_nothing_cannot_be_refunded(shop: Shop):
    payment_id, _ = paid(shop, promotion_code="FREE100")
    shop.deliver()

    refused = shop.refund(payment_id)

    assert (refused.status, refused.json()["code"]) == (409, "not_refundable")
    assert "Nothing was paid" in refused.json()["detail"]


@pytest.mark.parametrize("terms", [{"promotion_code": "FREE100"}, {"tax_minor": 600}])
def test_a_buyer_whose_webhooks_were_lost_sees_what_they_paid(shop: Shop, terms: dict[str, Any]):
    payment_id, _ = paid(shop, **terms)
    shop.lose()
    shop.wait(seconds=10)

    payment = shown(shop, payment_id)

    assert payment["status"] == "succeeded"
    assert payment["amount_paid"] != 100.0
    shop.check()


def test_a_total_that_its_parts_do_not_explain_is_quarantined(shop: Shop):
    payment = shop.create()
    shop.pay(payment, tax_minor=600)
    session = shop.simulator._world.tables["checkout.session"][session_of(payment)]
    session["total_details"] = {**session["total_details"], "amount_tax": 0}

    shop.deliver(SUCCEEDED)

    order = store.load_order(payment["payment_id"])
    assert order
    assert order.quarantine_reason
    assert "10600" in order.quarantine_reason
    assert shop.ledger() == []


def test_an_administrator_sees_what_was_paid(shop: Shop):
    payment_id, _ = paid(shop, tax_minor=600)
    shop.deliver()

    assert shop.api.get(f"/api/payments/{payment_id}", as_admin()).json()["tax"] == 6.0
