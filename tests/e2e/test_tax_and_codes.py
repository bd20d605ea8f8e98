"""A shop that has turned on tax, promotion codes and invoices: what the buyer enters, pays, gets and gets back."""

import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page, expect

from local.launcher import Stack, running
from tests.e2e.buyer import Buyer, NewBuyer, eventually
from tests.e2e.console_page import open_console
from tests.e2e.shop_page import buy, expect_balance, expect_status, in_chinese, open_shop, pay_by_card, returned_with

OPTIONS = {"automatic_tax": True, "tax_behavior": "exclusive", "promotion_codes": True, "invoices": True}


@pytest.fixture(scope="module")
def shop(project_of_module: Path) -> Iterator[Stack]:
    """A stack whose catalogue has the options on."""
    catalogue = project_of_module / "layers/topup/topup/catalogue.json"
    document = json.loads(catalogue.read_text(encoding="utf-8")) | {"checkout": OPTIONS}
    catalogue.write_text(json.dumps(document, ensure_ascii=False), encoding="utf-8")
    with running(project_of_module) as stack:
        yield stack


def test_a_buyer_enters_a_code_and_a_country_and_gets_the_credits_of_the_price(page: Page, shop: Stack) -> None:
    before = open_shop(page, shop)
    buy(page, shop, "standard")
    page.locator("#promotion_code").fill("SAVE10")
    page.locator("#country").select_option("DE")
    page.locator("#update").click()
    expect(page.locator("#amount")).to_have_text("CN¥107.10")  # 100.00 less 10%, and 19% on top
    pay_by_card(page, "4242424242424242")

    expect_status(page, shop, "succeeded", "1,100 credits added")
    expect_balance(page, before + 1100)
    expect(page.locator("#payment-status")).to_contain_text("CN¥107.10")
    row = page.locator("[data-payment]").first
    expect(row).to_contain_text("CN¥107.10")
    expect(row).to_contain_text("CN¥10.00 discount · including CN¥17.10 tax")


WITH_A_CODE: dict[str, Any] = {"amount_paid": 59.5, "tax": 9.5, "discount": 50.0}


@pytest.mark.parametrize(("back", "badge"), [(59.5, "Refunded"), (50.0, "Partly refunded")])
def test_a_payment_is_refunded_when_all_that_was_paid_is_back(page: Page, shop: Stack, back: float, badge: str) -> None:
    row = returned_with(page, shop, amount_refunded=back, credits_refunded=1100, **WITH_A_CODE)

    expect(row.locator(".badge")).to_have_text(badge)


def test_a_chinese_buyer_reads_what_was_paid(page: Page, shop: Stack) -> None:
    open_shop(page, shop)
    in_chinese(page)

    row = returned_with(page, shop, **WITH_A_CODE)

    expect(row).to_contain_text("¥59.50")
    expect(row).to_contain_text("优惠 ¥50.00 · 含税 ¥9.50")


def test_a_code_for_the_whole_price_needs_no_card(page: Page, shop: Stack) -> None:
    before = open_shop(page, shop)
    buy(page, shop, "trial")
    page.locator("#promotion_code").fill("FREE100")
    page.locator("#country").select_option("JP")
    page.locator("#update").click()
    page.locator("button[value=free]").click()

    expect_status(page, shop, "succeeded", "500 credits added")
    expect_balance(page, before + 500)


def test_all_that_was_paid_can_be_refunded(shop: Stack, new_buyer: NewBuyer) -> None:
    buyer: Buyer = new_buyer(shop)
    payment = buyer.create("standard")
    buyer.stripe.pay(payment, promotion_code="HALF", tax_minor=950)
    eventually(lambda: buyer.status(payment) == "succeeded")
    seen = buyer.payment(payment)
    assert (seen["amount_paid"], seen["discount"], seen["tax"]) == (59.5, 50.0, 9.5)

    refunded = buyer.refund(payment).json()
    assert (refunded["amount"], refunded["credits_refunded"]) == (59.5, 1100)
    assert buyer.refunded_at_stripe(payment) == 5_950
    assert buyer.balance() == 0


def test_the_console_shows_tax_discount_and_invoice_and_refunds_what_was_paid(
    page: Page, shop: Stack, new_buyer: NewBuyer
) -> None:
    buyer: Buyer = new_buyer(shop)
    payment = buyer.create("standard")
    buyer.stripe.pay(payment, promotion_code="HALF", tax_minor=950)
    eventually(lambda: buyer.status(payment) == "succeeded")
    open_console(page, shop, f"#/payment/{payment['payment_id']}")

    facts = page.locator(".facts").first
    for term, amount in {
        "Price": "CN¥100.00",
        "Paid": "CN¥59.50",
        "Of it tax": "CN¥9.50",
        "Discount": "CN¥50.00",
    }.items():
        expect(facts.locator("div").filter(has=page.get_by_text(term, exact=True))).to_contain_text(amount)
    page.get_by_role("button", name="Show receipt and invoice").click()
    expect(page.get_by_role("link", name="Invoice at Stripe")).to_be_visible()

    page.get_by_role("button", name="Refund", exact=True).click()
    page.get_by_role("button", name="Show what it does").click()
    page.get_by_role("button", name="Refund CN¥59.50").click()
    expect(page.locator("dialog")).to_contain_text("Refunded: CN¥59.50. Credits taken back: 1,100.")
