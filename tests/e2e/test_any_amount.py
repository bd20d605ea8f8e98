"""A shop that sells any amount, and credits that live shorter, longer or for ever: the example catalogue."""

import re
from collections.abc import Iterator
from decimal import Decimal

import pytest
from playwright.sync_api import Browser, Page, expect

from local.launcher import Stack, running
from tests.e2e.axe import VISITORS, findings, needs_axe, visiting
from tests.e2e.shop_page import buy, expect_balance, expect_status, in_chinese, open_shop, pay_by_card
from topup.domain import catalogue_file
from topup.domain.catalogue import AnyAmount

EXAMPLE = "local/example_catalogue.json"
AMOUNT = "#amount-custom"
ENGLISH_WORDS = re.compile("[A-Za-z]{4,}")


@pytest.fixture(scope="module")
def example() -> Iterator[Stack]:
    with running(CATALOGUE_FILE=EXAMPLE) as started:
        yield started


def test_the_page_computes_the_credits_of_every_amount_as_the_api_does(page: Page, example: Stack) -> None:
    open_shop(page, example)
    script = """async () => {
        const { creditsFor } = await import("./amounts.js");
        const offer = {
            unit_price: 0.07, tiers: [{ from: "100.00", bonus_percent: 10 }, { from: "500.00", bonus_percent: 17.35 }],
        };
        return Array.from({ length: 1000 }, (_, index) => creditsFor(offer, String(index + 1) + ".10"));
    }"""
    fields = {
        "name": "Any",
        "currency": "CNY",
        "min": "1.10",
        "max": "1000.10",
        "step": "0.01",
        "unit_price": Decimal("0.07"),
        "tiers": [{"from": "100.00", "bonus_percent": 10}, {"from": "500.00", "bonus_percent": Decimal("17.35")}],
    }
    package = catalogue_file.parse({"credit_value_rmb": 1, "packages": {"any": fields}}).packages["any"]
    assert isinstance(package, AnyAmount)

    assert page.evaluate(script) == [package.credits_for(minor) for minor in range(110, 100_011, 100)]


def test_an_amount_shows_its_credits_before_it_is_bought_and_buys_them(page: Page, example: Stack) -> None:
    before = open_shop(page, example)
    card = page.locator(".card.any")
    expect(card).to_contain_text("From CN¥500.00: +17.5% credits")
    for amount, credits in (("90", "900"), ("100", "1,100"), ("500", "5,875")):
        page.fill(AMOUNT, amount)
        expect(card.locator("output")).to_have_text(credits)

    page.fill(AMOUNT, "250")
    expect(page.get_by_role("button", name="Buy Any amount: 2,750 credits for CN¥250.00")).to_be_enabled()
    buy(page, example, "custom")
    expect(page.locator("body")).to_contain_text("Any amount – 2,750 credits")
    page.locator("select[name=country]").select_option("DE")
    page.get_by_role("button", name="Update total").click()
    pay_by_card(page, "4242424242424242")
    expect_status(page, example, "succeeded", "2,750 credits added")
    expect_balance(page, before + 2750)
    expect(page.locator("#payments li").first).to_contain_text("Any amount")


@pytest.mark.parametrize("amount", ["", "0", "5", "255", "5010", "-10"])
def test_an_amount_that_is_not_sold_is_refused_where_it_is_typed(page: Page, example: Stack, amount: str) -> None:
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url))
    open_shop(page, example)
    page.fill(AMOUNT, amount)
    page.locator("[data-package=custom]").click()

    expect(page.locator(AMOUNT)).to_be_focused()
    expect(page.locator(AMOUNT)).to_have_attribute("aria-invalid", "true")
    expect(page.locator(".card.any output")).to_have_text("–")
    assert not any(address.endswith("/buy") for address in asked)


def test_an_amount_survives_the_switch_to_chinese_which_has_words_for_all_of_it(page: Page, example: Stack) -> None:
    open_shop(page, example)
    page.fill(AMOUNT, "370")
    in_chinese(page)

    card = page.locator(".card.any")
    expect(card).to_contain_text("自选金额")
    expect(page.locator(AMOUNT)).to_have_value("370")
    expect(card.locator("output")).to_have_text("4,070")
    assert ENGLISH_WORDS.findall(card.inner_text()) == []


def test_cards_say_how_long_credits_are_valid_where_the_package_does(page: Page, example: Stack) -> None:
    open_shop(page, example)
    for package, line in (
        ("trial", "Valid for 1 month"),
        ("premium", "Never expires"),
        ("custom", "Valid for 12 months"),
    ):
        card = page.locator(".card").filter(has=page.locator(f"[data-package={package}]"))
        expect(card.locator(".validity")).to_have_text(line)
    standard = page.locator(".card").filter(has=page.locator("[data-package=standard]"))
    expect(standard.locator(".validity")).to_have_count(0)


@needs_axe
@pytest.mark.parametrize("visitor", list(VISITORS))
@pytest.mark.parametrize("amount", ["250", "255"])
def test_the_field_of_an_amount_is_accessible(browser: Browser, example: Stack, visitor: str, amount: str) -> None:
    for visit in visiting(browser, visitor):
        open_shop(visit, example)
        visit.fill(AMOUNT, amount)
        assert findings(visit) == []
