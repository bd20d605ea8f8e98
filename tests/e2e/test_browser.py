"""A buyer in a real browser: from the shop to the pay page and back."""

import re
from typing import Any

import httpx
import pytest
from playwright.sync_api import Page, Route, expect

from local.client import Client, document
from local.launcher import Stack
from tests.e2e.shop_page import buy, expect_balance, expect_status, open_shop, page_of, pay_by_card, returned_with
from tests.support.builders import PAYMENT_ID


def test_a_buyer_pays_by_card_and_sees_the_credits_on_the_page(page: Page, stack: Stack) -> None:
    before = open_shop(page, stack)
    buy(page, stack, "standard")
    pay_by_card(page, "4242424242424242")

    expect_status(page, stack, "succeeded", "1,100 credits added")
    expect_balance(page, before + 1100)
    expect(page.locator("#history li").first).to_contain_text("+1,100")
    expect(page.locator("#lots li[data-source=purchase]").last).to_contain_text("1,100 of 1,100 left")
    expect(page).to_have_url(re.compile(r"^[^?]*$"))  # final: the page removes the query


def test_a_declined_card_is_explained_and_another_one_pays_in_the_same_session(page: Page, stack: Stack) -> None:
    before = open_shop(page, stack)
    buy(page, stack, "trial")
    session = page.url
    pay_by_card(page, "4000000000000002")

    expect(page.locator("#error")).to_contain_text(re.compile("declined", re.IGNORECASE))
    assert page_of(page.url) == page_of(session)

    pay_by_card(page, "4242424242424242")
    expect_status(page, stack, "succeeded", "500 credits added")
    expect_balance(page, before + 500)


def test_a_buyer_who_goes_back_is_charged_nothing_and_can_continue_the_payment(page: Page, stack: Stack) -> None:
    before = open_shop(page, stack)
    buy(page, stack, "trial")
    session = page.url
    page.locator("#back").click()

    expect_status(page, stack, "cancelled", "Nothing was charged")
    expect_balance(page, before)

    page.reload()
    expect_status(page, stack, "cancelled", "Nothing was charged")
    link = page.locator("#payment-status").get_by_role("link", name="Continue to payment")
    expect(link).to_have_attribute("href", session)


def test_a_delayed_payments_outcome_is_chosen_in_the_simulator_and_a_final_failure_has_no_pay_link(
    page: Page, stack: Stack
) -> None:
    before = open_shop(page, stack)
    buy(page, stack, "trial")
    page.locator("#alipay").click()
    expect_status(page, stack, "processing", "The payment is being confirmed")
    row = page.locator("#payments li").first
    expect(row.get_by_role("link", name="Simulate the result")).to_be_visible()

    page.locator("#payment-status").get_by_role("link", name="Simulate the result").click()
    page.locator("#settle-fail").click()
    page.locator("#to-shop").click()

    expect_status(page, stack, "failed", "The payment failed")
    expect_balance(page, before)
    expect(row).to_have_attribute("data-status", "failed")
    expect(row.get_by_role("link")).to_have_count(0)


def test_a_retry_after_an_error_has_the_same_idempotency_key(page: Page, stack: Stack) -> None:
    keys: list[str | None] = []

    def refuse_the_first(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        if len(keys) > 1:
            route.continue_()
            return
        problem = {"title": "Busy", "status": 503, "detail": "Try again.", "code": "busy", "request_id": "r_1"}
        route.fulfill(status=503, json=problem, headers={"Retry-After": "2"})

    open_shop(page, stack)
    page.route("**/buy", refuse_the_first)
    page.locator("button[data-package=trial]").click()
    expect(page.locator("[data-error=trial]")).to_contain_text("Request r_1")
    page.get_by_role("button", name="Try again").click()
    page.wait_for_url(re.compile(re.escape(stack.stripe_url) + r"/c/pay/"))

    assert keys[0]
    assert keys == [keys[0]] * 2


def test_credits_that_were_given_or_corrected_are_shown_with_what_they_are(page: Page, stack: Stack) -> None:
    with httpx.Client(trust_env=False, timeout=30) as http:
        api = Client(stack.api_url, stack.stripe_url, stack.values, http.request).api
        document(api.grant("user-demo", 70, "Thanks", "browser-1", body={"expires_at": None}), 201)
        document(api.adjust("user-demo", 9, "A correction", "browser-2"))
        document(api.adjust("user-demo", -3, "Counted twice", "browser-3"))
    open_shop(page, stack)

    rows = page.locator("#history li")
    expect(rows.nth(0)).to_contain_text("Adjustment")
    expect(rows.nth(0)).to_contain_text("−3")
    expect(rows.nth(1)).to_contain_text("+9")
    expect(rows.nth(2)).to_contain_text("Gift")
    expect(rows.nth(2)).to_contain_text("never expires")
    expect(page.locator("#lots li[data-source=grant]").last).to_contain_text("Gift · Never expires")
    expect(page.locator("#lots li[data-source=adjustment]").last).to_contain_text("Adjustment · Expires on")

    page.get_by_role("button", name="中文").click()
    expect(page.locator("#lots li[data-source=grant]").last).to_contain_text("赠送 · 永不过期")


def a_dispute(status: str) -> dict[str, Any]:
    moment = "2026-03-02T12:00:00Z"
    return {"dispute_id": "du_1", "amount": 100.0, "status": status, "reason": "fraudulent", "created_at": moment}


@pytest.mark.parametrize(
    ("changes", "english", "chinese"),
    [
        ({}, "Paid", "已支付"),
        ({"amount_refunded": 100.0}, "Refunded", "已退款"),
        ({"amount_refunded": 25.0}, "Partly refunded", "部分退款"),
        ({"amount_refunded": 0.0, "disputes": [a_dispute("needs_response")]}, "Disputed", "有争议"),
        ({"amount_refunded": 25.0, "disputes": [a_dispute("lost")]}, "Disputed", "有争议"),
        ({"amount_refunded": 0.0, "disputes": [a_dispute("won")]}, "Paid", "已支付"),
        ({"status": "processing", "under_review": True, "payment_url": None}, "Being checked", "核查中"),
    ],
)
def test_a_payments_badge_says_what_has_become_of_its_money(
    page: Page, stack: Stack, changes: dict[str, Any], english: str, chinese: str
) -> None:
    badge = returned_with(page, stack, **changes).locator(".badge")

    expect(badge).to_have_text(english)
    page.get_by_role("button", name="中文").click()
    expect(badge).to_have_text(chinese)


def test_a_buyer_whose_payment_is_under_review_is_not_invited_to_pay_again(page: Page, stack: Stack) -> None:
    row = returned_with(page, stack, status="processing", under_review=True, payment_url=None)
    panel = page.locator("#payment-status")

    expect_status(page, stack, "under_review", "You need not pay again")
    expect(panel).to_contain_text(f"Reference: {PAYMENT_ID}")
    expect(panel.get_by_role("link")).to_have_count(0)
    expect(row.get_by_role("link")).to_have_count(0)
    expect(row).to_contain_text(PAYMENT_ID)


def test_a_refused_token_is_shown_as_the_reason(page: Page, stack: Stack) -> None:
    page.route("**/api/users/**", lambda route: route.fulfill(status=401, json={"title": "Unauthorized"}))
    page.goto(stack.web_url)

    expect(page.locator("#account-error")).to_contain_text("access token was refused")


def test_the_page_can_be_in_chinese_and_remembers_it(page: Page, stack: Stack) -> None:
    open_shop(page, stack)
    page.get_by_role("button", name="中文").click()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
    expect(page.get_by_role("heading", name="体验包")).to_be_visible()

    page.reload()
    expect(page.get_by_role("heading", name="体验包")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")
