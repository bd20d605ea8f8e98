"""What the shop tells a buyer in each state, in one language at a time."""

import re
from contextlib import closing
from datetime import UTC, datetime, timedelta
from typing import Any

import httpx
import pytest
from playwright.sync_api import Browser, Page, expect

from local.client import document
from local.launcher import Stack
from tests.e2e.buyer import NewBuyer
from tests.e2e.shop_page import (
    a_hold,
    a_lot,
    a_payment,
    an_entry,
    answer_with,
    buy,
    expect_balance,
    expect_status,
    in_chinese,
    open_shop,
    page_of,
    pay_by_card,
    returned_with,
)
from tests.support.builders import PAYMENT_ID
from tools.pictures.browser import PHONE
from topup.domain.times import to_text

ENGLISH_WORDS = re.compile("[A-Za-z]{2,}")


def in_(**duration: float) -> str:
    return to_text(datetime.now(UTC) + timedelta(**duration))


# ------------------------------------------------------------------------------------------------- owing credits


def test_each_package_says_before_the_purchase_what_it_leaves_to_somebody_who_owes(page: Page, stack: Stack) -> None:
    answer_with(page, debt=5900, earned=5900)
    open_shop(page, stack)

    trial, value = (
        page.locator(".card").filter(has=page.locator(f"[data-package={one}]")) for one in ("trial", "value")
    )
    expect(trial).to_contain_text("All 500 credits settle what you owe")
    expect(value).to_contain_text("5,900 of them settle what you owe; 100 are left to spend.")
    expect(page.locator("#lots")).to_contain_text("what you get next settles what you owe")
    button = page.locator("[data-package=trial]")
    assert button.get_attribute("aria-describedby") == trial.locator(".owed").get_attribute("id")


@pytest.mark.parametrize(
    ("to_debt", "debt", "title", "text"),
    [
        (500, 5400, "Paid – 500 credits settle what you owed", "You still owe 5,400 credits."),
        (200, 0, "Paid – 300 credits added", "200 of the 500 credits settled what you owed."),
    ],
)
def test_a_purchase_says_what_of_it_paid_what_was_owed(
    page: Page, stack: Stack, to_debt: int, debt: int, title: str, text: str
) -> None:
    left = 500 - to_debt
    answer_with(page, debt=debt, lots=[a_lot(granted=500, remaining=left)] if left else [])
    returned_with(page, stack, credits_purchased=500, credits_to_debt=to_debt, credits_available=left)

    expect(page.locator("#payment-status h2")).to_have_text(title)
    expect(page.locator("#payment-status")).to_contain_text(text)
    expect(page.locator("#payment-status")).not_to_contain_text("500 credits added")


def test_a_purchase_shows_the_new_balance_and_until_when_its_credits_are_valid(page: Page, stack: Stack) -> None:
    other = a_lot(lot_id="f47ac10b-58cc-4372-a567-0e02b2c3d470", payment_id=None, source="grant", package=None)
    answer_with(page, lots=[a_lot(expires_at="2127-05-26T08:00:00Z"), other])
    returned_with(page, stack)

    expect(page.locator("#payment-status")).to_contain_text("Balance 2,200 · valid until 26 May 2127")
    expect(page.locator("#header-balance")).to_contain_text("Balance 2,200")
    expect(page).to_have_title("Paid – 1,100 credits added – Topup")


# ------------------------------------------------------------------------------------------- payments that were left


def test_who_comes_back_without_the_addresss_query_finds_the_open_payment_and_may_put_it_aside(
    page: Page, stack: Stack
) -> None:
    open_shop(page, stack)
    buy(page, stack, "value")
    page.go_back()

    panel = page.locator("#payment-status")
    expect(panel).to_contain_text("This payment is still open")
    expect(panel).to_contain_text("Value · 6,000 credits · CN¥500.00")
    expect(panel.get_by_role("link", name="Continue to payment")).to_be_visible()

    panel.get_by_role("button", name="Close").click()
    with page.expect_response("**/api/payments?*"):
        page.reload()
    expect(page.locator("#payments li").first).to_contain_text("Value")
    expect(panel).to_be_hidden()


def test_an_open_payment_is_discarded_from_its_panel_and_nobody_can_pay_it_any_more(page: Page, stack: Stack) -> None:
    open_shop(page, stack)
    buy(page, stack, "value")
    checkout = page.url
    page.go_back()
    panel = page.locator("#payment-status")

    panel.get_by_role("button", name="Discard").click()

    expect(panel).to_be_hidden()
    row = page.locator("#payments li").first
    expect(row).to_contain_text("Value")
    expect(row).to_contain_text("Expired")
    expect(row.get_by_role("button")).to_have_count(0)
    page.goto(checkout)
    expect(page.locator("button#pay")).to_have_count(0)


def test_an_open_payment_is_discarded_from_the_list_and_its_panel_goes_too(page: Page, stack: Stack) -> None:
    open_shop(page, stack)
    buy(page, stack, "premium")
    page.go_back()
    in_chinese(page)
    row = page.locator("#payments li").first

    row.get_by_role("button", name="放弃付款").click()

    expect(row).to_contain_text("已过期")
    expect(page.locator("#payment-status")).to_be_hidden()


def test_a_payment_that_was_paid_before_it_could_be_discarded_is_shown_as_paid(page: Page, stack: Stack) -> None:
    open_shop(page, stack)
    buy(page, stack, "trial")
    session = page_of(page.url).rpartition("/")[2]
    page.go_back()
    panel = page.locator("#payment-status")
    expect(panel.get_by_role("button", name="Discard")).to_be_visible()
    httpx.put(f"{stack.stripe_url}/_sim/webhooks", json={"paused": True}).raise_for_status()
    httpx.post(f"{stack.stripe_url}/_sim/checkout/{session}/pay", json={"card": "4242424242424242"}).raise_for_status()

    panel.get_by_role("button", name="Discard").click()

    expect(panel).to_contain_text("500 credits added")
    httpx.put(f"{stack.stripe_url}/_sim/webhooks", json={"paused": False}).raise_for_status()


def test_money_on_its_way_cannot_be_discarded_and_the_page_says_so(page: Page, stack: Stack) -> None:
    payment = a_payment(status="pending", paid_at=None)
    answer_with(page, payments=[payment])
    page.route("**/cancel", lambda route: route.fulfill(status=409, json={"code": "not_cancellable", "status": 409}))
    open_shop(page, stack)

    page.locator("#payments li").first.get_by_role("button", name="Discard").click()

    expect(page.locator("#account-error")).to_contain_text("its money is on its way")


def test_buying_the_same_package_again_goes_on_with_the_checkout_that_is_open(page: Page, stack: Stack) -> None:
    open_shop(page, stack)
    buy(page, stack, "standard")
    checkout = page.url

    open_shop(page, stack)
    buy(page, stack, "standard")
    assert page.url == checkout

    open_shop(page, stack)
    in_chinese(page)
    expect(page.get_by_role("heading", name="标准包")).to_be_visible()
    buy(page, stack, "standard")
    assert page.url != checkout  # its page would be in English


def test_a_payment_that_settles_while_the_buyer_is_away_is_the_first_thing_they_see(page: Page, stack: Stack) -> None:
    open_shop(page, stack)
    buy(page, stack, "trial")
    page.locator("#alipay").click()
    expect_status(page, stack, "processing", "Trial · 500 credits · CN¥50.00")
    page.locator("#payment-status").get_by_role("link", name="Simulate the result").click()
    page.locator("#settle-succeed").click()
    expect(page.locator("#to-shop")).to_be_visible()

    open_shop(page, stack)
    expect_status(page, stack, "succeeded", "500 credits added")


def test_money_on_its_way_comes_before_a_newer_checkout_that_nobody_paid(page: Page, stack: Stack) -> None:
    on_its_way = a_payment(status="processing", paid_at=None)
    newer = a_payment(
        payment_id="f47ac10b-58cc-4372-a567-0e02b2c3d470",
        status="pending",
        paid_at=None,
        created_at="2026-03-02T12:00:00Z",
    )
    answer_with(page, payments=[newer, on_its_way])
    open_shop(page, stack)

    expect_status(page, stack, "processing", "Standard · 1,100 credits")


@pytest.mark.parametrize("status", ["succeeded", "expired", "failed"])
def test_an_ended_payment_is_not_shown_on_top(page: Page, stack: Stack, status: str) -> None:
    answer_with(page, payments=[a_payment(status=status, may_retry=False)], lots=[a_lot()])
    open_shop(page, stack)

    expect(page.locator(f"[data-payment='{PAYMENT_ID}']")).to_be_visible()
    expect(page.locator("#payment-status")).to_be_hidden()


# ---------------------------------------------------------------------------------------------------- expiring credits


def test_credits_that_expire_within_thirty_days_are_warned_of(page: Page, stack: Stack) -> None:
    expires_at = in_(days=20, hours=1)
    answer_with(
        page,
        lots=[
            a_lot(remaining=600, expires_at=expires_at),
            a_lot(lot_id="f47ac10b-58cc-4372-a567-0e02b2c3d470", remaining=7000, expires_at=in_(days=29)),
            a_lot(lot_id="f47ac10b-58cc-4372-a567-0e02b2c3d471", remaining=50, expires_at=in_(days=31)),
        ],
    )
    open_shop(page, stack)

    warning = page.locator("#expiry-warning")
    expect(warning).to_contain_text(re.compile(r"^600 credits expire in 20 days: \d+\s\w+\s\d{4}\."))
    expect(warning).to_contain_text("In all, 7,600 credits expire within 30 days.")
    expect(page.locator("#lots .warn")).to_have_count(2)

    in_chinese(page)
    expect(warning).to_contain_text("600 积分将于20天后到期")


def test_in_the_last_week_the_hour_is_shown(page: Page, stack: Stack) -> None:
    answer_with(page, lots=[a_lot(expires_at=in_(hours=5, minutes=5))])
    open_shop(page, stack)

    expect(page.locator("#expiry-warning")).to_contain_text(re.compile(r"credits expire in 5 hours: .*\d\d:\d\d"))
    expect(page.locator("#lots li")).to_contain_text(re.compile(r"Expires on .*\d\d:\d\d"))


def test_credits_that_live_longer_are_not_warned_of(page: Page, stack: Stack) -> None:
    answer_with(page, lots=[a_lot(expires_at=in_(days=31)), a_lot(lot_id=PAYMENT_ID[::-1], expires_at=None)])
    open_shop(page, stack)

    expect(page.locator("#lots li")).to_have_count(2)
    expect(page.locator("#expiry-warning")).to_be_hidden()


@pytest.mark.parametrize(
    ("entries", "earned", "text"),
    [
        ([], 0, "No credits yet. Choose a package above to get started."),
        ([an_entry(transaction_type="spent", amount=-9, balance_after=0)], 9, "All your credits are used."),
        ([an_entry(transaction_type="expired", amount=-9, balance_after=0)], 9, "Your credits have expired."),
        ([an_entry(transaction_type="spent", amount=-9, balance_after=91)], 100, "Your credits have expired."),
        (
            [an_entry(transaction_type="refunded", amount=-9, balance_after=0)],
            9,
            "went back with a refund or chargeback",
        ),
    ],
    ids=["new", "spent", "expired", "expired and not swept", "refunded"],
)
def test_who_has_no_credits_is_told_why(
    page: Page, stack: Stack, entries: list[dict[str, Any]], earned: int, text: str
) -> None:
    answer_with(page, entries=entries, earned=earned)
    open_shop(page, stack)

    expect(page.locator("#lots")).to_contain_text(text)


def test_a_purchase_whose_credits_were_spent_is_not_said_to_have_expired(page: Page, stack: Stack) -> None:
    answer_with(page, entries=[an_entry(expires_at="2026-01-05T12:00:00Z", is_expired=True)])
    open_shop(page, stack)

    expect(page.locator("#history li")).to_contain_text("was valid until 5 January 2026")
    expect(page.locator("#history li")).not_to_contain_text("expired")


# -------------------------------------------------------------------------------------------------------- held credits


def test_held_and_available_are_shown_with_until_when_only_while_credits_are_held(page: Page, stack: Stack) -> None:
    answer_with(page, lots=[a_lot()])
    open_shop(page, stack)
    expect(page.locator("#held")).to_be_hidden()

    answer_with(page, lots=[a_lot()], holds=[a_hold(ends_at=in_(hours=30))])
    page.locator("#refresh").click()
    held = page.locator("#held")
    expect(held.locator("dl")).to_have_text(re.compile(r"Held\s*200\s*Available\s*900"))
    expect(held).to_contain_text("reserved for work that is under way")
    expect(page.locator("#balance")).to_have_text("1,100")
    expect(held.locator("li")).to_contain_text(re.compile(r"Chat 77.*200 credits, until \d.*\d\d:\d\d$"))

    in_chinese(page)
    expect(held.locator("dl")).to_have_text(re.compile(r"预留中\s*200\s*可用\s*900"))
    expect(held.locator("li")).to_contain_text(re.compile(r"200\s积分，预留至\s.*\d\d:\d\d"))
    assert ENGLISH_WORDS.findall(held.inner_text()) == ["Chat"]  # a service has written it

    answer_with(page, lots=[a_lot()])
    page.locator("#refresh").click()
    expect(held).to_be_hidden()


@pytest.mark.parametrize(
    ("ends_at", "shown"),
    [("2026-03-01T12:15:00Z", r"200 credits, until 12:15$"), ("2026-03-02T11:15:00Z", r"until 2\sMar\s2026,\s11:15$")],
)
def test_the_day_on_which_a_hold_ends_is_named_if_it_is_another_one(
    browser: Browser, stack: Stack, ends_at: str, shown: str
) -> None:
    with closing(browser.new_context(locale="en-GB", timezone_id="Etc/UTC")) as context:
        page = context.new_page()
        answer_with(page, lots=[a_lot()], holds=[a_hold(ends_at=ends_at)])
        known = page.request.get(f"{stack.web_url}/config.json").json()
        page.route("**/config.json", lambda route: route.fulfill(json={**known, "now": "2026-03-01T12:00:00Z"}))
        open_shop(page, stack)

        expect(page.locator("#holds li")).to_contain_text(re.compile(shown))


def test_the_first_three_of_many_holds_are_listed_and_the_others_counted(page: Page, stack: Stack) -> None:
    holds = [a_hold(held=10, description=f"Chat {number}") for number in range(1, 6)]
    answer_with(page, lots=[a_lot()], holds=holds)
    open_shop(page, stack)

    rows = page.locator("#holds li")
    expect(rows).to_have_count(4)
    expect(rows.nth(2)).to_contain_text("Chat 3")
    expect(rows.nth(3)).to_have_text(re.compile("^and 2 more, until .*2126"))


def test_no_less_than_nothing_is_said_to_be_available(page: Page, stack: Stack) -> None:
    answer_with(page, lots=[a_lot(remaining=150)], holds=[a_hold()])
    open_shop(page, stack)

    expect(page.locator("#held dl")).to_have_text(re.compile(r"Held\s*200\s*Available\s*0\s*$"))


def test_the_account_is_shown_where_its_holds_cannot_be_read(page: Page, stack: Stack) -> None:
    answer_with(page, lots=[a_lot()], holds=[a_hold()], entries=[an_entry()])
    page.route("**/holds", lambda route: route.fulfill(status=503, json={"code": "busy"}))
    open_shop(page, stack)

    expect(page.locator("#account-error")).to_contain_text("The server is busy.")
    expect(page.locator("#held dl")).to_have_text(re.compile(r"Held\s*200\s*Available\s*900"))
    expect(page.locator("#history li")).to_have_count(1)


def test_a_spend_given_back_says_which_spend_it_belongs_to(page: Page, stack: Stack) -> None:
    spend = an_entry(transaction_type="spent", amount=-120, description="Chat 77", hold_id="a_hold")
    back = {"transaction_type": "spend_reversed", "amount": 20, "package": None, "description": "Given back: Chat 77"}
    of_listed = an_entry(id="7a3e8f34-2f0c-5f0b-9d0b-000000000002", reverses=spend["id"], **back)
    of_earlier = an_entry(id="7a3e8f34-2f0c-5f0b-9d0b-000000000003", reverses=PAYMENT_ID, **back)
    answer_with(page, entries=[of_earlier, of_listed, spend])
    open_shop(page, stack)

    rows = page.locator("#history li")
    expect(rows.nth(0)).to_contain_text("Spend given back")
    expect(rows.nth(0)).to_contain_text("For an earlier spend")
    expect(rows.nth(1)).to_contain_text(re.compile(r"For: Chat 77 \(1\sMar\s2026.*\+20"))
    expect(rows.nth(2)).to_contain_text(re.compile(r"Spent.*Chat 77.*−120"))

    in_chinese(page)
    expect(rows.nth(1)).to_contain_text(re.compile(r"使用退回.*对应：Chat 77（2026年3月1日"))
    assert set(ENGLISH_WORDS.findall(page.locator("#history").inner_text())) == {"Chat"}


def test_a_hold_of_a_service_and_its_capture_are_seen_on_the_page(
    page: Page, stack: Stack, new_buyer: NewBuyer
) -> None:
    buyer = new_buyer(stack)
    buyer.user_id = "user-demo"  # the shop's visitor
    before = open_shop(page, stack)
    buyer.api.grant(buyer.user_id, 500, "For this test", "holds-on-the-page")
    held = document(buyer.api.open_hold(buyer.user_id, 200, "Chat 77", "hold-on-the-page"), 201)

    page.locator("#refresh").click()
    expect_balance(page, before + 500)
    expect(page.locator("#available-number")).to_have_text(f"{before + 300:,}")
    expect(page.locator(f"[data-hold='{held['hold_id']}']")).to_contain_text("Chat 77")

    document(buyer.api.capture(held, 120, "capture-on-the-page"))
    page.locator("#refresh").click()
    expect_balance(page, before + 380)
    expect(page.locator("#held")).to_be_hidden()
    expect(page.locator("#history li").first).to_contain_text(re.compile("Spent.*Chat 77.*−120"))


# ------------------------------------------------------------------------------------------------------- one language


def test_an_entry_leads_to_the_payment_that_it_belongs_to(page: Page, stack: Stack) -> None:
    answer_with(page, entries=[an_entry(payment_order_id=PAYMENT_ID)])
    returned_with(page, stack)
    page.goto(stack.web_url)
    expect(page.locator("#payment-status")).to_be_hidden()

    page.locator("#history").get_by_role("link").click()
    expect(page.locator("#payment-status")).to_have_attribute("data-status", "succeeded")


def test_history_is_worded_in_the_readers_language(page: Page, stack: Stack) -> None:
    answer_with(
        page,
        entries=[
            an_entry(transaction_type="expired", description="Expired: 豪华包", package="premium", amount=-5),
            an_entry(transaction_type="refunded", description="Refund: 标准包", amount=-500),
            an_entry(transaction_type="granted", description="Grant", package=None, amount=9),
            an_entry(transaction_type="spent", description="Paid what was owed", package=None, amount=0),
            an_entry(),
        ],
    )
    open_shop(page, stack)

    titles = ["Expired", "Refund", "Gift", "Paid what was owed", "Purchase"]
    for row, title in zip(page.locator("#history li").all(), titles, strict=True):
        expect(row).to_contain_text(title)
        expect(row).not_to_contain_text(re.compile("[\u4e00-\u9fff]"))
    expect(page.locator("#history li").first).to_contain_text("Premium")

    in_chinese(page)
    expect(page.locator("#history li").first).to_contain_text("豪华包")
    assert not ENGLISH_WORDS.search(page.locator("#history").inner_text())


@pytest.mark.parametrize(
    ("code", "english", "chinese"),
    [
        ("insufficient_funds", "Reason: the card has insufficient funds", "原因：卡内余额不足"),
        ("a_code_of_tomorrow", "Reason: Your card has had enough.", "没有扣款"),
        (None, "Reason: Your card has had enough.", "没有扣款"),
    ],
)
def test_a_decline_is_explained_in_the_readers_language(
    page: Page, stack: Stack, code: str | None, english: str, chinese: str
) -> None:
    answer_with(page)
    returned_with(
        page,
        stack,
        hint="cancelled",
        status="failed",
        may_retry=True,
        error_code=code,
        error_message="Your card has had enough.",
    )

    panel = page.locator("#payment-status .status-text")
    expect(panel).to_contain_text(english)
    in_chinese(page)
    expect(panel).to_contain_text(chinese)
    assert ENGLISH_WORDS.findall(panel.inner_text()) == []


@pytest.mark.parametrize(
    ("problem", "english", "chinese"),
    [
        (
            {"status": 502, "code": "stripe_error", "detail": "Stripe could not do this"},
            "Nothing was charged",
            "没有扣款",
        ),
        ({"status": 418, "code": "teapot", "detail": "I am a teapot."}, "I am a teapot.", "意外的响应"),
    ],
)
def test_an_error_is_explained_in_the_readers_language(
    page: Page, stack: Stack, problem: dict[str, Any], english: str, chinese: str
) -> None:
    answer_with(page)
    page.route("**/buy", lambda route: route.fulfill(status=problem["status"], json=problem))
    open_shop(page, stack)
    page.locator("[data-package=trial]").click()
    box = page.locator("[data-error=trial]")

    expect(box).to_contain_text(english)
    in_chinese(page)
    expect(box).to_contain_text(chinese)
    assert set(ENGLISH_WORDS.findall(box.inner_text())) <= {"Stripe", "HTTP"}


def test_the_pay_page_speaks_the_shops_language_not_the_browsers(page: Page, stack: Stack) -> None:
    open_shop(page, stack)
    in_chinese(page)
    buy(page, stack, "standard")

    expect(page.locator("html")).to_have_attribute("lang", "zh")
    summary = page.locator(".summary")
    expect(summary).to_contain_text("标准包 – 1,100 积分")
    expect(summary).to_contain_text("有效期至")
    assert not ENGLISH_WORDS.search(summary.inner_text())


@pytest.mark.parametrize(("language", "price"), [("en", "CN¥100.00"), ("zh", "¥100.00")])
def test_a_price_is_written_in_one_way_everywhere(page: Page, stack: Stack, language: str, price: str) -> None:
    def prices(selector: str) -> set[str]:
        return set(re.findall(r"(?:CN)?¥[\d.,]*\d", page.locator(selector).inner_text()))

    open_shop(page, stack)
    if language == "zh":
        in_chinese(page)
        expect(page.get_by_role("heading", name="标准包")).to_be_visible()
    card = page.locator(".card").filter(has=page.locator("[data-package=standard]"))
    assert prices(".card:has([data-package=standard]) .price") == {price}
    assert price in (card.locator("button").get_attribute("aria-label") or "")
    buy(page, stack, "standard")
    assert prices("main") == {price}
    pay_by_card(page, "4242424242424242")
    expect(page.locator("#payment-status")).to_have_attribute("data-status", "succeeded")
    assert prices("#payment-status") == prices("#payments li >> nth=0") == {price}


# ------------------------------------------------------------------------------------------------------------ a phone


def test_on_a_phone_a_failed_purchase_is_seen_and_has_the_focus(page: Page, stack: Stack) -> None:
    page.set_viewport_size(PHONE)
    answer_with(page, debt=5900, earned=5900)
    problem = {"status": 500, "code": "internal_error", "request_id": "r_1"}
    page.route("**/buy", lambda route: route.fulfill(status=500, json=problem))
    open_shop(page, stack)
    page.locator("[data-package=premium]").click()

    box = page.locator(".card:has([data-package=premium]) .card-error")
    expect(box).to_contain_text("Request r_1")
    expect(box).to_be_focused()
    expect(box).to_be_in_viewport(ratio=0.99)  # its last pixel may be a part of one


def test_on_a_phone_balance_and_all_packages_fit_in_one_screen(page: Page, stack: Stack) -> None:
    page.set_viewport_size(PHONE)
    answer_with(page, lots=[a_lot()])
    open_shop(page, stack)

    expect(page.locator("#header-balance")).to_be_in_viewport(ratio=1)
    for button in page.locator("[data-package]").all():
        expect(button).to_be_in_viewport(ratio=1)
    page.locator("footer").scroll_into_view_if_needed()
    expect(page.locator("#header-balance")).to_be_in_viewport(ratio=1)


# ----------------------------------------------------------------------------------------------- packages off sale


def test_a_package_that_is_off_sale_keeps_its_name_in_both_languages(page: Page, stack: Stack) -> None:
    off_sale = {"package": "gone", "package_name": "Spring offer"}
    answer_with(page, payments=[a_payment(**off_sale)], entries=[an_entry(**off_sale)])
    open_shop(page, stack)
    expect(page.locator("#payments li")).to_contain_text("Spring offer · 1,100 credits")
    expect(page.locator("#history li")).to_contain_text("Spring offer")

    named = {"package": "gone", "package_name": "春季套餐"}
    answer_with(page, payments=[a_payment(**named)], entries=[an_entry(**named)])
    with page.expect_request(re.compile(r"/credits/transactions\?.*lang=zh")):
        in_chinese(page)
    expect(page.locator("#payments li")).to_contain_text("春季套餐")
    expect(page.locator("#history li")).to_contain_text("春季套餐")
