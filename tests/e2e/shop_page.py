"""What the tests in a browser do and see on the shop's page and on the pay page."""

import re
from typing import Any

from playwright.sync_api import Locator, Page, expect

from local.launcher import Stack
from tests.support.builders import PAYMENT_ID

WAIT_MS = 60_000  # reached only if something is wrong


def open_shop(page: Page, stack: Stack) -> int:
    """Open the shop and return the balance that it shows (the tests of a stack share one buyer)."""
    page.goto(stack.web_url)
    return balance(page)


def balance(page: Page) -> int:
    shown = page.locator("#balance[data-balance]")
    expect(shown).to_be_visible()
    return int(shown.get_attribute("data-balance") or "")


def expect_balance(page: Page, expected: int) -> None:
    expect(page.locator("#balance")).to_have_attribute("data-balance", str(expected))
    expect(page.locator("#header-balance-number")).to_have_text(f"{expected:,}".replace("-", "−"))


def buy(page: Page, stack: Stack, package: str) -> None:
    page.locator(f"button[data-package={package}]").click()
    page.wait_for_url(re.compile(re.escape(stack.stripe_url) + r"/c/pay/"))


def page_of(address: str) -> str:
    """The pay page of an address that the browser shows: without its query, and what follows the #."""
    return re.split("[?#]", address)[0]


def pay_by_card(page: Page, number: str) -> None:
    page.locator("input[name=card_number]").fill(number)
    page.locator("input[name=expiry]").fill("12/34")
    page.locator("input[name=cvc]").fill("123")
    page.locator("button#pay").click()


def expect_status(page: Page, stack: Stack, status: str, text: str) -> None:
    page.wait_for_url(re.compile(re.escape(stack.web_url)))
    panel = page.locator("#payment-status")
    expect(panel).to_have_attribute("data-status", status)
    expect(panel).to_contain_text(text)


def in_chinese(page: Page) -> None:
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")


# ---------------------------------------------------------------------------------- a page with answers of the test's


def a_payment(**changes: Any) -> dict[str, Any]:
    """A paid payment, as the API answers it."""
    return {
        "payment_id": PAYMENT_ID,
        "status": "succeeded",
        "package": "standard",
        "amount": 100.0,
        "currency": "CNY",
        "credits_purchased": 1100,
        "payment_url": "https://checkout.stripe.com/c/pay/cs_1",
        "created_at": "2026-03-01T12:00:00Z",
        "paid_at": "2026-03-01T12:00:09Z",
    } | changes


def a_lot(**changes: Any) -> dict[str, Any]:
    return {
        "payment_id": PAYMENT_ID,
        "lot_id": PAYMENT_ID,
        "source": "purchase",
        "package": "standard",
        "granted": 1100,
        "remaining": 1100,
        "expires_at": "2126-03-01T12:00:00Z",
    } | changes


def an_entry(**changes: Any) -> dict[str, Any]:
    return {
        "id": "7a3e8f34-2f0c-5f0b-9d0b-000000000001",
        "transaction_type": "purchased",
        "amount": 1100,
        "balance_after": 1100,
        "payment_order_id": PAYMENT_ID,
        "description": "Package 标准包",
        "package": "standard",
        "metadata": {},
        "hold_id": None,
        "reverses": None,
        "expires_at": None,
        "is_expired": False,
        "created_at": "2026-03-01T12:00:09Z",
    } | changes


def a_hold(**changes: Any) -> dict[str, Any]:
    """An open hold, as the API lists it."""
    return {
        "hold_id": "7a3e8f34-2f0c-5f0b-9d0b-000000000009.dXNlci1kZW1v",
        "user_id": "user-demo",
        "amount": 200,
        "held": 200,
        "captured": 0,
        "shortfall": 0,
        "status": "open",
        "overrun": "available",
        "ends_at": "2126-03-01T12:15:00Z",
        "created_at": "2026-03-01T12:00:00Z",
        "description": "Chat 77",
        "metadata": {},
    } | changes


def answer_with(
    page: Page,
    *,
    payments: list[dict[str, Any]] | None = None,
    lots: list[dict[str, Any]] | None = None,
    entries: list[dict[str, Any]] | None = None,
    holds: list[dict[str, Any]] | None = None,
    debt: int = 0,
    earned: int | None = None,
) -> None:
    """Let the API answer this instead of what the stack has. The packages are the stack's."""
    listed, history, open_lots = payments or [], entries or [], lots or []
    balance = sum(lot["remaining"] for lot in open_lots) - debt
    held = sum(hold["held"] for hold in holds or [])
    credits = {
        "user_id": "user-demo",
        "balance": balance,
        "held": held,
        "available": balance - held,
        "debt": debt,
        "total_credits_earned": sum(lot["granted"] for lot in open_lots) if earned is None else earned,
        "lots": open_lots,
    }
    _answer(page, "**/api/users/credits", credits)
    _answer(page, "**/holds", {"holds": holds or []})
    _answer(page, "**/api/users/credits/transactions?*", {"transactions": history, "next_cursor": None})
    _answer(page, "**/api/payments?*", {"payments": listed, "next_cursor": None})
    for payment in listed:
        _answer(page, f"**/api/payments/{payment['payment_id']}?*", payment)


def _answer(page: Page, address: str, body: dict[str, Any]) -> None:
    page.route(address, lambda route: route.fulfill(json=body))


def returned_with(page: Page, stack: Stack, hint: str = "success", **changes: Any) -> Locator:
    """Come back from the pay page of a payment that differs by `changes` from a paid one; its row."""
    payment = a_payment(**changes)
    _answer(page, "**/api/payments?*", {"payments": [payment], "next_cursor": None})
    _answer(page, f"**/api/payments/{PAYMENT_ID}?*", payment)
    page.goto(f"{stack.web_url}?payment_id={PAYMENT_ID}&status={hint}")
    row = page.locator(f"#payments li[data-payment='{PAYMENT_ID}']")
    expect(row).to_be_visible()
    return row
