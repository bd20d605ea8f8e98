"""Every page and state of the shop and of the pay page: no finding of axe-core, and nothing too small for a thumb."""

from collections.abc import Callable, Iterator
from typing import Any

import pytest
from playwright.sync_api import Browser, Page, expect

from local.launcher import Stack
from tests.e2e.axe import VISITORS, findings, needs_axe, visiting
from tests.e2e.shop_page import (
    a_hold,
    a_lot,
    a_payment,
    an_entry,
    answer_with,
    buy,
    open_shop,
    page_of,
    pay_by_card,
)
from tests.support.builders import PAYMENT_ID

pytestmark = needs_axe


@pytest.fixture(params=list(VISITORS))
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    yield from visiting(browser, request.param)


PAYMENTS: dict[str, dict[str, Any]] = {
    "open": {"status": "pending", "paid_at": None},
    "confirming": {"status": "processing", "paid_at": None},
    "under review": {"status": "processing", "under_review": True, "payment_url": None},
    "paid": {},
    "paid with debt": {"credits_to_debt": 1100, "credits_available": 0},
    "declined": {"status": "failed", "may_retry": True, "error_code": "insufficient_funds", "error_message": "No."},
    "failed": {"status": "failed", "may_retry": False, "error_code": None, "error_message": "No."},
    "expired": {"status": "expired", "paid_at": None},
    "refunded": {"amount_refunded": 100.0},
}


@pytest.mark.parametrize("state", list(PAYMENTS))
def test_the_shop_with_a_payment_in_each_state(page: Page, stack: Stack, state: str) -> None:
    payment = a_payment(**PAYMENTS[state])
    answer_with(page, payments=[payment], lots=[a_lot(expires_at="2126-03-01T12:00:00Z")], entries=[an_entry()])
    page.goto(f"{stack.web_url}?payment_id={PAYMENT_ID}&status=cancelled")
    expect(page.locator("#payment-status:not([data-status=checking]) h2")).to_be_visible()

    assert findings(page) == []


ENTRIES = [
    an_entry(transaction_type="spent", amount=-5, description="job 77"),
    an_entry(transaction_type="spend_reversed", amount=5, package=None, reverses=PAYMENT_ID),
    an_entry(transaction_type="expired", amount=-500),
    an_entry(transaction_type="granted", amount=9, package=None, metadata={"campaign": "spring"}),
    an_entry(expires_at="2026-01-05T12:00:00Z", is_expired=True),
]


@pytest.mark.parametrize(
    "account",
    [
        {},
        {"debt": 5900, "earned": 5900},
        {"entries": ENTRIES, "earned": 1100},
        {"lots": [a_lot(expires_at="2026-01-01T00:00:00Z")], "entries": ENTRIES},
        {"payments": [a_payment(disputes=[{"status": "needs_response"}]), a_payment(amount_refunded=25.0)]},
        {"lots": [a_lot(remaining=1000)], "holds": [a_hold(), a_hold(description="X" * 200), a_hold(), a_hold()]},
    ],
    ids=["new", "owing", "used up", "expiring", "reversed", "holding"],
)
def test_the_shop_with_each_kind_of_account(page: Page, stack: Stack, account: dict[str, Any]) -> None:
    answer_with(page, **account)
    open_shop(page, stack)
    page.locator("summary").click()

    assert findings(page) == []


@pytest.mark.parametrize("path", ["**/buy", "**/api/users/**", "**/api/payments/packages*", "**/config.json"])
def test_the_shop_with_an_error(page: Page, stack: Stack, path: str) -> None:
    answer_with(page)
    page.route(path, lambda route: route.fulfill(status=503, json={"code": "busy", "request_id": "r_1"}))
    page.goto(stack.web_url)
    if path == "**/buy":
        page.locator("[data-package=standard]").click()
    expect(page.locator(".notice").first).to_be_visible()

    assert findings(page) == []


def three_d_secure(page: Page) -> None:
    pay_by_card(page, "4000002500003155")
    expect(page.locator("#three-d-secure-complete")).to_be_visible()


def declined(page: Page) -> None:
    pay_by_card(page, "4000000000000002")
    expect(page.locator("#error")).to_be_visible()
    expect(page.locator("#card_number")).to_be_focused()


def left_empty(page: Page) -> None:
    page.locator("#pay").click()
    expect(page.locator(".wrong")).to_have_count(3)
    expect(page.locator("#card_number")).to_be_focused()


def settled(page: Page) -> None:
    session = page.url
    page.locator("#alipay").click()
    expect(page.locator("#payment-status")).to_be_visible()
    page.goto(session)
    assert findings(page) == []  # where the outcome is chosen
    page.locator("#settle-fail").click()
    expect(page.locator("#to-shop")).to_be_visible()


def expired(page: Page) -> None:
    page.request.post(page_of(page.url).replace("/c/pay/", "/_sim/checkout/") + "/expire")
    page.reload()
    expect(page.locator("#state")).to_be_visible()


def unknown(page: Page) -> None:
    page.goto(page_of(page.url) + "0")
    expect(page.locator("#state")).to_be_visible()


@pytest.mark.parametrize("step", [None, left_empty, declined, three_d_secure, settled, expired, unknown])
def test_the_pay_page_in_each_state(page: Page, stack: Stack, step: Callable[[Page], None] | None) -> None:
    answer_with(page)
    open_shop(page, stack)
    buy(page, stack, "standard")
    if step:
        step(page)

    assert findings(page) == []


def shop_key(stack: Stack) -> dict[str, str]:
    return {"Authorization": f"Bearer {stack.values['STRIPE_SECRET_KEY']}"}


def new_session(page: Page, stack: Stack) -> dict[str, Any]:
    """A session of the simulator with everything that its page can offer."""
    options = {
        "mode": "payment",
        "success_url": stack.stripe_url,
        "cancel_url": stack.stripe_url,
        "line_items[0][quantity]": "1",
        "line_items[0][price_data][currency]": "cny",
        "line_items[0][price_data][unit_amount]": "10000",
        "line_items[0][price_data][product_data][name]": "Standard",
        "line_items[0][price_data][product_data][description]": "1,100 credits",
        "invoice_creation[enabled]": "true",
        **{f"{name}[enabled]": "true" for name in ("automatic_tax", "adaptive_pricing")},
        "allow_promotion_codes": "true",
    }
    created = page.request.post(f"{stack.stripe_url}/v1/checkout/sessions", form=dict(options), headers=shop_key(stack))
    session: dict[str, Any] = created.json()
    return session


def test_the_pay_page_with_a_code_tax_and_another_currency(page: Page, stack: Stack) -> None:
    session = new_session(page, stack)
    page.goto(session["url"])
    assert findings(page) == []

    page.locator("#promotion_code").fill("WRONG")
    page.locator("#update").click()
    expect(page.locator("#promotion_code")).to_be_focused()
    assert findings(page) == []

    page.locator("#promotion_code").fill("SAVE10")
    page.locator("#country").select_option("DE")
    page.locator("#currency").select_option("eur")
    page.locator("#update").click()
    expect(page.locator("#presented")).to_be_visible()
    assert findings(page) == []

    page.locator("#promotion_code").fill("FREE100")
    page.locator("#update").click()
    expect(page.locator("button[value=free]")).to_be_visible()
    assert findings(page) == []


def test_the_pages_of_a_receipt_and_an_invoice(page: Page, stack: Stack) -> None:
    session = new_session(page, stack)
    paid = page.request.post(
        f"{stack.stripe_url}/_sim/checkout/{session['id']}/pay",
        data={"card": "4242424242424242", "tax_minor": 600, "promotion_code": "HALF"},
    )
    api = f"{stack.stripe_url}/v1"
    intent = page.request.get(f"{api}/payment_intents/{paid.json()['payment_intent']}", headers=shop_key(stack)).json()
    session = page.request.get(f"{api}/checkout/sessions/{session['id']}", headers=shop_key(stack)).json()
    for path in (f"receipts/{intent['latest_charge']}", f"invoices/{session['invoice']}"):
        page.goto(f"{stack.stripe_url}/{path}")
        expect(page.locator("#state")).to_be_visible()
        assert findings(page) == []
