"""Finding payments by what somebody has at hand, and the lists of those that wait."""

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from local.client import CREATE, Json, document, session_of
from local.launcher import Stack
from tests.e2e.buyer import Buyer, NewBuyer, eventually
from tests.e2e.console_page import expect_title, open_console, search
from tools.pictures import scenes


@pytest.fixture
def buyer(stack: Stack, new_buyer: NewBuyer) -> Buyer:
    return new_buyer(stack)


def bought_as(buyer: Buyer, email: str) -> Json:
    """A paid payment of a buyer whose token has an address, which Stripe's page takes over."""
    credentials = buyer.client.credentials
    headers = credentials.user(buyer.user_id, email=email) | credentials.service()
    body = {"package": "standard"}
    payment = document(buyer.http.post(f"{buyer.api.url}{CREATE}", headers=headers, json=body))
    buyer.stripe.pay(payment)
    eventually(lambda: buyer.status(payment) == "succeeded")
    return payment


@pytest.mark.parametrize("kind", ["payment_id", "session", "payment_intent", "charge"])
def test_a_payment_is_found_by_our_id_and_by_each_of_stripes(page: Page, stack: Stack, buyer: Buyer, kind: str) -> None:
    payment = buyer.buy()
    intent = buyer.stripe.intent_of(payment)
    ids = {
        "payment_id": payment["payment_id"],
        "session": session_of(payment),
        "payment_intent": intent,
        "charge": buyer.stripe.read(f"/payment_intents/{intent}")["latest_charge"],
    }
    open_console(page, stack)
    search(page, ids[kind])

    expect_title(page, payment["payment_id"])
    looked_for = page.locator("#looked-for")
    if kind == "payment_id":
        expect(looked_for).to_have_count(0)  # the page's title says it
        return
    expect(looked_for).to_contain_text(ids[kind])
    page.reload()
    expect(looked_for).to_contain_text("at Stripe")


def test_payments_are_found_by_the_buyers_address(page: Page, stack: Stack, buyer: Buyer) -> None:
    email = f"{buyer.user_id}@shop.example"
    payment = bought_as(buyer, email)
    open_console(page, stack)
    search(page, email)

    expect_title(page, "Found")
    expect(page.get_by_text(f"Looked for payments whose buyer gave the address {email}")).to_be_visible()
    row = page.locator(f"li[data-payment='{payment['payment_id']}']")
    expect(row.get_by_role("link", name=buyer.user_id)).to_be_visible()


def test_a_user_whose_id_is_an_address_is_found_by_it(page: Page, stack: Stack, buyer: Buyer) -> None:
    user = f"{buyer.user_id}@users.example"
    buyer.api.grant(user, 5, "A test", f"grant-{user}").raise_for_status()
    open_console(page, stack)
    search(page, user)

    expect_title(page, user)
    expect(page.locator("#looked-for")).to_contain_text("There is none. This is the user with that id.")


@pytest.mark.parametrize("text", ["cs_test_unknown", "pi_unknown", "ch_unknown", "nobody@nowhere.example"])
def test_what_is_not_there_is_said_with_what_was_looked_for(page: Page, stack: Stack, text: str) -> None:
    open_console(page, stack)
    search(page, text)

    expect_title(page, "Nothing found")
    expect(page.locator("main p").filter(has_text="Looked for")).to_contain_text(text)


def row_of(page: Page, name: str, payment: Json) -> Locator:
    return page.locator(f"[data-list={name}] li[data-payment='{payment['payment_id']}']")


def test_what_waits_for_the_bank_is_listed_after_a_day_and_before_that_on_request(
    page: Page, stack: Stack, buyer: Buyer
) -> None:
    waiting = scenes.waiting(buyer.client)
    open_console(page, stack)
    processing = page.locator("[data-list=processing]")
    expect(processing).to_contain_text("for more than a day")
    expect(row_of(page, "processing", waiting)).to_have_count(0)

    processing.get_by_role("button", name="Show all that wait for the bank").click()
    expect(row_of(page, "processing", waiting)).to_contain_text("Confirming")
    expect(row_of(page, "processing", waiting)).to_contain_text("this minute")

    def a_day_later(route: Route) -> None:
        route.continue_(url=route.request.url.replace("min_age_seconds=86400", "min_age_seconds=0"))

    page.route("**/api/admin/payments?status=processing*", a_day_later)
    page.reload()
    expect(row_of(page, "processing", waiting)).to_contain_text("Confirming")


def test_open_disputes_are_listed_with_what_the_bank_says(page: Page, stack: Stack, buyer: Buyer) -> None:
    opened, decided = buyer.buy(), buyer.buy()
    buyer.stripe.dispute(buyer.stripe.intent_of(opened))
    buyer.stripe.close_dispute(buyer.stripe.dispute(buyer.stripe.intent_of(decided)), "lost")
    eventually(lambda: buyer.payment(opened).get("disputes"))
    open_console(page, stack)

    row = row_of(page, "disputed", opened)
    expect(row).to_contain_text("Dispute about CN¥100.00: needs an answer · fraudulent")
    expect(row_of(page, "disputed", decided)).to_have_count(0)
    row.get_by_role("link").first.click()
    expect_title(page, opened["payment_id"])


def test_a_refund_whose_end_is_not_known_is_listed(page: Page, stack: Stack, buyer: Buyer) -> None:
    payment = buyer.buy()
    buyer.stripe.set_faults(*[{"path": "/v1/refunds", "method": "POST", "do": "timeout_before"}] * 2)
    assert buyer.refund(payment, 25).status_code == 202
    buyer.stripe.set_faults()
    open_console(page, stack)

    row = row_of(page, "in_flight", payment)
    expect(row).to_contain_text("Partly refunded")
    row.get_by_role("link").first.click()
    expect(page.locator("#story")).to_contain_text("Refund of CN¥25.00on its way")


def test_the_first_page_lists_what_waits(page: Page, stack: Stack, buyer: Buyer) -> None:
    quarantined = scenes.quarantined(buyer.client, buyer.user_id)
    open_console(page, stack)

    strange = page.locator("[data-list=quarantined]")
    row = strange.locator(f"li[data-payment='{quarantined['payment_id']}']")
    expect(row).to_contain_text("Quarantined")
    expect(row.get_by_role("link", name=buyer.user_id)).to_be_visible()
    row.get_by_role("link").first.click()
    expect_title(page, quarantined["payment_id"])
    expect(page.locator("#story")).to_contain_text("no credits until an administrator decides")


def test_a_list_that_cannot_be_read_leaves_the_others(page: Page, stack: Stack) -> None:
    page.route(
        "**/api/admin/payments?status=quarantined*", lambda route: route.fulfill(status=503, json={"code": "busy"})
    )
    open_console(page, stack)

    expect(page.locator("[data-list=quarantined]")).to_contain_text("The service is busy")
    expect(page.locator("[data-list=in_flight]")).to_contain_text("Refunds in flight")
    expect(page.locator("[data-list=in_flight] [role=alert]")).to_have_count(0)
