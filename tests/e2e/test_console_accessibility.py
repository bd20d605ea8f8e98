"""Every page and state of the console: no finding of axe-core, and nothing too small for a thumb."""

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from local.launcher import Stack
from local.tokens import mint_support
from tests.e2e.axe import VISITORS, findings, needs_axe, visiting
from tests.e2e.buyer import NewBuyer
from tests.e2e.console_page import open_console, search
from tools.pictures import scenes
from topup.runtime import clock

pytestmark = needs_axe


@pytest.fixture(params=list(VISITORS))
def page(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    yield from visiting(browser, request.param)


def test_the_sign_in(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.api_url}/console")
    page.locator("#token").fill("abc")
    page.keyboard.press("Tab")
    page.keyboard.press("Enter")
    expect(page.locator("#token-problem")).not_to_be_empty()

    assert findings(page) == []


def test_the_first_page_and_what_was_found(page: Page, stack: Stack, new_buyer: NewBuyer) -> None:
    buyer = new_buyer(stack)
    payment = scenes.quarantined(buyer.client, buyer.user_id)
    scenes.disputed(buyer.client, buyer.user_id)
    scenes.waiting(buyer.client)
    open_console(page, stack)
    for name in ("quarantined", "disputed"):
        expect(page.locator(f"[data-list={name}] li").first).to_be_visible()
    assert findings(page) == []
    page.locator("[data-list=processing] .panel > .button").click()
    expect(page.locator("[data-list=processing] li").first).to_be_visible()
    assert findings(page) == []

    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    assert findings(page) == []

    open_console(page, stack, "#/find/nobody%40nowhere.example")

    assert findings(page) == []


def test_a_user_and_a_payment(page: Page, stack: Stack, new_buyer: NewBuyer) -> None:
    buyer = new_buyer(stack)
    payment = buyer.buy()
    buyer.api.spend(buyer.user_id, 100, "Translated 3 pages", "job-1").raise_for_status()
    buyer.api.open_hold(buyer.user_id, 200, "Chat 77", "call-1").raise_for_status()
    buyer.refund(payment, 25)
    open_console(page, stack, f"#/user/{buyer.user_id}")
    page.locator("summary").first.click()
    assert findings(page) == []

    open_console(page, stack)
    search(page, buyer.stripe.intent_of(payment))
    expect(page.locator("#looked-for")).to_be_visible()
    page.locator("#receipts button").click()
    expect(page.locator("#receipts a")).to_be_visible()
    assert findings(page) == []


def test_what_support_may_see_of_a_refund(page: Page, stack: Stack, new_buyer: NewBuyer) -> None:
    buyer = new_buyer(stack)
    payment = buyer.buy()
    buyer.spend(1000, "job-1").raise_for_status()
    token = mint_support(stack.values, "support-demo", clock.now())
    open_console(page, stack, f"#/payment/{payment['payment_id']}", token)
    page.locator("[data-view=quote]").click()
    page.keyboard.press("Enter")
    expect(page.locator("dialog .consequences")).to_be_visible()

    assert findings(page) == []


def test_an_error_and_an_empty_search(page: Page, stack: Stack) -> None:
    open_console(page, stack)
    search(page, "00000000-0000-4000-8000-000000000000")
    expect(page.locator("main[aria-busy=false] h1")).to_be_visible()
    assert findings(page) == []

    page.route("**/api/users/**", lambda route: route.fulfill(status=503, json={"code": "busy", "request_id": "r_1"}))
    search(page, "alice")
    expect(page.get_by_role("alert")).to_be_visible()
    assert findings(page) == []


def test_each_dialog_and_the_question_before_a_refund(page: Page, stack: Stack, new_buyer: NewBuyer) -> None:
    buyer = new_buyer(stack)
    payment = buyer.buy()
    buyer.spend(1000, "job-1").raise_for_status()
    open_console(page, stack, f"#/user/{buyer.user_id}")
    for action in ("grant", "adjust"):
        page.locator(f"[data-action={action}]").click()
        assert findings(page) == []
        page.keyboard.press("Escape")

    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    page.locator("[data-action=refund]").click()
    assert findings(page) == []
    page.keyboard.press("Enter")
    expect(page.locator("dialog input[name=force]")).to_be_visible()
    assert findings(page) == []
    page.route("**/refund", lambda route: route.abort())
    page.locator("dialog input[name=force]").check()
    page.locator("dialog button[type=submit]").click()
    expect(page.locator("dialog").get_by_role("alert").first).to_be_visible()
    assert findings(page) == []
