"""The receipt and the invoice of a payment: their addresses are Stripe's, and asked for where somebody wants them."""

from dataclasses import replace

import pytest

from local.client import session_of
from local.in_process.api import as_admin, as_support, as_user
from local.in_process.shop import Shop
from tests.integration.stripe_side import calls_of_stripe, set_order
from topup.domain.checkout_options import CheckoutOptions
from topup.runtime import config

EXPAND = "expand=receipt"


def test_the_owner_and_staff_get_the_receipts_address_by_one_call(shop: Shop):
    payment_id, _ = shop.buy()
    calls = calls_of_stripe(shop)

    for number, caller in enumerate((as_user(), as_admin(), as_support()), start=1):
        response = shop.api.get(f"/api/payments/{payment_id}?{EXPAND}", caller)
        assert response.status == 200
        receipt = response.json()["receipt"]
        assert receipt["receipt_url"].startswith("http://stripe.test/")
        assert receipt["invoice_url"] is None
        assert len(calls) == number


def test_the_invoices_address_comes_with_it_where_the_catalogue_asks_for_invoices(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    catalogue = replace(config.catalogue(), checkout=CheckoutOptions(invoices=True))
    monkeypatch.setattr(config, "catalogue", lambda: catalogue)
    payment_id, _ = shop.buy()

    receipt = shop.api.get(f"/api/payments/{payment_id}?{EXPAND}", as_user()).json()["receipt"]

    assert receipt["receipt_url"] != receipt["invoice_url"]
    assert receipt["invoice_url"].startswith("http://stripe.test/")


def test_nobody_is_asked_without_the_parameter(shop: Shop):
    payment_id, _ = shop.buy()
    calls = calls_of_stripe(shop)

    assert "receipt" not in shop.payment(payment_id)
    assert calls == []


def test_a_payment_that_is_not_paid_has_none_and_stripe_is_not_asked(shop: Shop):
    payment = shop.create()
    calls = calls_of_stripe(shop)

    response = shop.api.get(f"/api/payments/{payment['payment_id']}?{EXPAND}", as_user())

    assert response.json()["receipt"] == {"receipt_url": None, "invoice_url": None}
    assert calls == []


def test_a_payment_that_another_session_has_paid_has_the_receipt_of_that_one(shop: Shop):
    payment_id, _ = shop.buy()
    other = shop.create()
    set_order(shop, payment_id, provider_order_id={"S": session_of(other)})

    response = shop.api.get(f"/api/payments/{payment_id}?{EXPAND}", as_user())

    assert response.json()["receipt"]["receipt_url"].startswith("http://stripe.test/")


def test_while_stripe_does_not_answer_the_caller_is_told(shop: Shop):
    payment_id, _ = shop.buy()
    stored = shop.payment(payment_id)
    shop.fault(f"/v1/checkout/sessions/{session_of(stored)}", "500")

    response = shop.api.get(f"/api/payments/{payment_id}?{EXPAND}", as_user())

    assert (response.status, response.json()["code"]) == (502, "stripe_error")
    assert shop.payment(payment_id) == stored


@pytest.mark.parametrize("query", ["expand=", "expand=invoice", "expand=receipt,lot", "expand=receipt&expand=receipt"])
def test_nothing_else_can_be_expanded(shop: Shop, query: str):
    payment_id, _ = shop.buy()

    response = shop.api.get(f"/api/payments/{payment_id}?{query}", as_user())

    assert (response.status, response.json()["errors"][0]["field"]) == (422, "expand")


def test_another_users_receipt_is_not_found(shop: Shop):
    payment_id, _ = shop.buy()
    calls = calls_of_stripe(shop)

    assert shop.api.get(f"/api/payments/{payment_id}?{EXPAND}", as_user("thief")).status == 404
    assert calls == []
