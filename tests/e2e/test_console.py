"""Administrators and support staff in a real browser: signing in, finding a payment or a user, and what they see."""

import re

import pytest
from playwright.sync_api import Page, Route, expect

from local.client import session_of
from local.launcher import Stack
from tests.e2e.buyer import NewBuyer, eventually
from tests.e2e.console_page import expect_title, figure, open_console, search, steps

UNKNOWN = "00000000-0000-4000-8000-000000000000"


# ------------------------------------------------------------------------------------------------------ signing in


def test_the_link_signs_in_and_its_token_leaves_the_address_at_once(page: Page, stack: Stack) -> None:
    open_console(page, stack)

    expect(page).to_have_url(re.compile(r"/console$"))
    expect(page.locator("#person")).to_contain_text("admin-demo")
    expect(page.locator("#person-role")).to_have_text("Administrator")

    page.reload()
    expect(page.locator("#person-role")).to_have_text("Administrator")  # the tab remembers
    page.go_back()
    assert stack.admin_token not in page.url


def test_a_pasted_token_signs_in_and_signing_out_forgets_it(page: Page, stack: Stack) -> None:
    page.goto(f"{stack.api_url}/console")
    page.locator("#token").fill("abc")
    page.get_by_role("button", name="Sign in").click()
    expect(page.get_by_text("This is not a token")).to_be_visible()

    page.locator("#token").fill(f" {stack.admin_token}\n")
    page.get_by_role("button", name="Sign in").click()
    expect(page.locator("#search")).to_be_visible()

    page.get_by_role("button", name="Sign out").click()
    page.reload()
    expect(page.locator("#token")).to_be_visible()


@pytest.mark.parametrize("kind", ["forged", "expired"])
def test_a_token_that_the_api_refuses_leads_to_the_sign_in_and_then_to_the_place_of_the_address(
    page: Page, stack: Stack, kind: str
) -> None:
    token = stack.admin_token[:-4] + "AAAA" if kind == "forged" else stack.token("admin-1", role="admin", exp=1)
    page.goto(f"{stack.api_url}/console#token={token}")
    expect(page.get_by_text("does not accept your token")).to_be_visible()

    page.goto(f"{stack.api_url}/console#/user/alice")
    page.locator("#token").fill(stack.admin_token)
    page.get_by_role("button", name="Sign in").click()
    expect_title(page, "alice")


def test_somebody_without_a_role_is_told_so_by_the_api(page: Page, stack: Stack) -> None:
    open_console(page, stack, token=stack.user_token)
    search(page, "alice")

    expect(page.locator("#person-role")).to_have_text("No role")
    expect(page.get_by_role("alert")).to_contain_text("Your role does not allow this")


# --------------------------------------------------------------------------------------------------------- finding


def test_a_user_is_found_with_credits_ledger_holds_and_payments(page: Page, stack: Stack, new_buyer: NewBuyer) -> None:
    buyer = new_buyer(stack)
    payment = buyer.buy()
    buyer.api.spend(buyer.user_id, 100, "Translated 3 pages", "job-1").raise_for_status()
    buyer.api.open_hold(buyer.user_id, 200, "Chat 77", "call-1").raise_for_status()
    open_console(page, stack)
    search(page, buyer.user_id)

    expect_title(page, buyer.user_id)
    for name, value in {"balance": "1,000", "held": "200", "available": "800", "debt": "0", "earned": "1,100"}.items():
        expect(figure(page, name)).to_have_text(value)
    buyer.api.grant(buyer.user_id, 5, "A gift", "gift-1", body={"expires_at": None}).raise_for_status()
    page.reload()
    expect(page.locator("#lots")).to_contain_text("1,000 of 1,100 left")
    bars = [(bar.get_attribute("value"), bar.get_attribute("max")) for bar in page.locator("#lots progress").all()]
    assert bars == [("1000", "1100"), ("5", "5")]  # the soonest expiry first
    expect(page.locator("#holds")).to_contain_text("Chat 77")
    spent = page.locator("#ledger li[data-type=spent]")
    expect(spent).to_contain_text("Translated 3 pages")
    expect(spent).to_contain_text("balance 1,000")
    spent.get_by_text("Why?").click()
    spent.get_by_role("link").click()
    expect_title(page, payment["payment_id"])


def test_a_payment_tells_its_story(page: Page, stack: Stack, new_buyer: NewBuyer) -> None:
    buyer = new_buyer(stack)
    payment = buyer.buy()
    buyer.api.refund(payment, 25).raise_for_status()
    open_console(page, stack)
    search(page, payment["payment_id"])

    expect_title(page, payment["payment_id"])
    assert steps(page) == ["placed", "paid", "purchased", "refund", "refunded"]
    expect(page.locator(".title .badge")).to_have_text("Partly refunded")
    expect(page.locator("#story")).to_contain_text("Refund of CN¥25.00")
    expect(page.locator("#story")).to_contain_text("−275 credits")
    page.get_by_role("link", name=buyer.user_id).click()
    expect_title(page, buyer.user_id)


def test_a_dispute_and_a_warning_of_fraud_are_part_of_the_story(page: Page, stack: Stack, new_buyer: NewBuyer) -> None:
    buyer = new_buyer(stack)
    payment = buyer.buy()
    buyer.stripe.dispute(buyer.stripe.intent_of(payment))
    eventually(lambda: buyer.payment(payment).get("disputes"))
    warning = {"warning_id": "issfr_1", "fraud_type": "made_with_stolen_card", "created_at": "2099-01-01T00:00:00Z"}

    def with_a_warning(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "fraud_warning": warning})

    page.route(f"**/api/payments/{payment['payment_id']}", with_a_warning)
    open_console(page, stack, f"#/payment/{payment['payment_id']}")

    assert steps(page) == ["placed", "paid", "purchased", "dispute", "disputed", "warning"]
    expect(page.locator(".title .badge")).to_have_text("Disputed")
    expect(page.locator("#story")).to_contain_text("Dispute about CN¥100.00needs an answer · fraudulent")
    expect(page.locator("#story")).to_contain_text("made_with_stolen_card")
    expect(page.get_by_role("button", name="Refund")).to_have_count(0)  # the API would refuse it
    expect(page.locator(".facts")).not_to_contain_text("Refunded")


def test_with_stripe_itself_its_ids_lead_to_its_dashboard(page: Page, stack: Stack, new_buyer: NewBuyer) -> None:
    buyer = new_buyer(stack)
    payment = buyer.buy()
    refund = buyer.refund(payment, 25).json()["refund_id"]
    address = "https://dashboard.stripe.com"

    def with_dashboard(route: Route) -> None:
        route.fulfill(json={**route.fetch().json(), "stripe_dashboard": address})

    page.route("**/console/config.json", with_dashboard)
    open_console(page, stack, f"#/payment/{payment['payment_id']}")

    intent = page.locator(".facts").get_by_role("link", name="Open in Stripe").nth(1)
    expect(intent).to_have_attribute("href", f"{address}/test/payments/{buyer.stripe.intent_of(payment)}")
    for part, named in ((".facts", session_of(payment)), ("#story", refund)):
        link = page.locator(part).get_by_role("link", name="Open in Stripe").first
        expect(link).to_have_attribute("href", f"{address}/test/search?query={named}")
        expect(link).to_have_attribute("rel", "noreferrer noopener")


def test_stripes_receipt_is_asked_for_when_somebody_wants_it(page: Page, stack: Stack, new_buyer: NewBuyer) -> None:
    payment = new_buyer(stack).buy()
    asked: list[str] = []
    page.on("request", lambda request: asked.append(request.url) if "expand=" in request.url else None)
    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    assert asked == []

    page.get_by_role("button", name="Show receipt and invoice").click()
    receipt = page.locator("#receipts").get_by_role("link", name="Receipt at Stripe")
    expect(receipt).to_have_attribute("href", re.compile("^https?://"))
    expect(receipt).to_have_attribute("rel", "noreferrer noopener")
    assert len(asked) == 1


def test_a_receipt_that_stripe_does_not_hand_out_is_said_and_can_be_asked_for_again(
    page: Page, stack: Stack, new_buyer: NewBuyer
) -> None:
    payment = new_buyer(stack).buy()
    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    page.route("**expand=receipt", lambda route: route.fulfill(status=502, json={"code": "stripe_error"}))
    show = page.get_by_role("button", name="Show receipt and invoice")
    show.click()
    expect(page.locator("#receipts [role=alert]")).to_contain_text("Stripe could not do this")

    page.unroute("**expand=receipt")
    show.click()
    expect(page.locator("#receipts").get_by_role("link", name="Receipt at Stripe")).to_be_visible()
    expect(page.locator("#receipts [role=alert]")).to_have_count(0)


def test_a_payment_says_what_is_left_of_its_credits_and_where_an_unpaid_one_stands(
    page: Page, stack: Stack, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(stack)
    paid, unpaid = buyer.buy(), buyer.create()
    buyer.spend(400, "job-1").raise_for_status()
    open_console(page, stack, f"#/payment/{paid['payment_id']}")
    expect(page.locator(".facts")).to_contain_text("700 of 1,100 left")

    open_console(page, stack, f"#/payment/{unpaid['payment_id']}")
    assert steps(page) == ["placed", "pending"]


def test_a_search_without_a_result_says_what_it_looked_for(page: Page, stack: Stack) -> None:
    open_console(page, stack)
    search(page, UNKNOWN)

    expect_title(page, "Nothing found")
    expect(page.get_by_text(f"Looked for a payment with the id {UNKNOWN}")).to_be_visible()
    page.get_by_role("link", name="Open the user with the id").click()
    expect(page.get_by_text("Nothing is known of a user with this id")).to_be_visible()


def test_back_leads_to_where_somebody_searched(page: Page, stack: Stack, new_buyer: NewBuyer) -> None:
    buyer = new_buyer(stack)
    open_console(page, stack, "#/user/somebody")
    search(page, buyer.user_id)
    expect_title(page, buyer.user_id)

    page.go_back()
    expect_title(page, "somebody")


def test_an_outage_is_said_and_can_be_tried_again(page: Page, stack: Stack) -> None:
    problem = {"title": "Busy", "status": 503, "detail": "Try again.", "code": "busy", "request_id": "r_1"}
    open_console(page, stack)
    page.route("**/api/users/**", lambda route: route.fulfill(status=503, json=problem, headers={"Retry-After": "2"}))
    search(page, "alice")

    expect(page.get_by_role("alert")).to_contain_text("The service is busy")
    expect(page.get_by_role("alert")).to_contain_text("Request r_1")
    page.unroute("**/api/users/**")
    page.get_by_role("button", name="Try again").click()
    expect_title(page, "alice")


def test_the_page_can_be_in_chinese_and_remembers_it(page: Page, stack: Stack) -> None:
    open_console(page, stack, "#/user/alice")
    page.get_by_role("button", name="中文").click()
    expect(page.get_by_role("heading", name="账本")).to_be_visible()
    expect(page.locator("html")).to_have_attribute("lang", "zh-CN")

    page.reload()
    expect(page.get_by_role("heading", name="账本")).to_be_visible()
