"""What administrators change in the console: once, whatever happens on the way, with the consequences shown before."""

import re

import pytest
from playwright.sync_api import Locator, Page, Route, expect

from local.client import document
from local.launcher import Stack
from local.tokens import mint_support
from tests.e2e.buyer import Buyer, NewBuyer, eventually
from tests.e2e.console_page import expect_title, figure, open_console, steps
from tools.pictures import scenes
from topup.runtime import clock


@pytest.fixture
def buyer(stack: Stack, new_buyer: NewBuyer) -> Buyer:
    return new_buyer(stack)


@pytest.fixture
def of_buyer(page: Page, stack: Stack, buyer: Buyer) -> Page:
    """The page of a user who has nothing yet."""
    open_console(page, stack, f"#/user/{buyer.user_id}")
    return page


def dialog(page: Page) -> Locator:
    return page.locator("dialog[open]")


def start_to_grant(page: Page, credits: int) -> Locator:
    """The button that gives them; the form is filled in."""
    page.get_by_role("button", name="Give credits").click()
    dialog(page).get_by_label("Credits").fill(str(credits))
    dialog(page).get_by_label("Reason").fill("Goodwill")
    return dialog(page).get_by_role("button", name="Give them")


def lose_answers(page: Page, address: str) -> list[str | None]:
    """Let requests reach the API and their answers get lost; the Idempotency-Keys that were sent."""
    keys: list[str | None] = []

    def lose(route: Route) -> None:
        keys.append(route.request.headers.get("idempotency-key"))
        route.fetch()
        route.abort()

    page.route(address, lose)
    return keys


def close(page: Page) -> None:
    dialog(page).get_by_role("button", name="Close").click()
    expect(dialog(page)).to_have_count(0)


# ---------------------------------------------------------------------------------------------- credits, up and down


def test_credits_are_given_with_a_reason_and_shown_at_once(of_buyer: Page, buyer: Buyer) -> None:
    start_to_grant(of_buyer, 70).click()

    expect(dialog(of_buyer)).to_contain_text(f"{buyer.user_id} has got 70 credits. The balance is 70 now.")
    close(of_buyer)
    expect(figure(of_buyer, "balance")).to_have_text("70")
    entry = of_buyer.locator("#ledger li[data-type=granted]")
    expect(entry).to_contain_text("Goodwill")
    expect(entry).to_contain_text("admin:admin-demo")


@pytest.mark.parametrize(
    ("choice", "shown"), [("for ever", "Never expires"), ("until the day below", "Expires on 3 May 2099")]
)
def test_credits_are_valid_as_long_as_somebody_chooses(of_buyer: Page, choice: str, shown: str) -> None:
    give = start_to_grant(of_buyer, 70)
    dialog(of_buyer).get_by_label("Valid").select_option(choice)
    dialog(of_buyer).get_by_label("Last day").fill("2099-05-03")
    give.click()

    close(of_buyer)
    expect(of_buyer.locator("#lots")).to_contain_text(shown)


def test_all_of_it_works_by_keyboard(of_buyer: Page, buyer: Buyer) -> None:
    keyboard = of_buyer.keyboard

    def press_until(focused: str, key: str = "Tab") -> None:
        for _ in range(40):
            keyboard.press(key)
            if of_buyer.evaluate("document.activeElement.textContent || document.activeElement.id") == focused:
                return
        raise AssertionError(f"the keyboard does not reach {focused}")

    press_until("Give credits")
    keyboard.press("Enter")
    expect(dialog(of_buyer).get_by_label("Credits")).to_be_focused()
    keyboard.type("70")
    press_until("field-reason")
    keyboard.type("Goodwill")
    keyboard.press("Enter")
    expect(dialog(of_buyer).get_by_role("button", name="Close")).to_be_focused()
    keyboard.press("Enter")

    expect(dialog(of_buyer)).to_have_count(0)
    expect(of_buyer.get_by_role("button", name="Give credits")).to_be_focused()
    assert buyer.balance() == 70


def test_a_double_click_gives_credits_once(of_buyer: Page, buyer: Buyer) -> None:
    start_to_grant(of_buyer, 70).dblclick()

    close(of_buyer)
    assert buyer.amounts("granted") == [70]


def test_a_lost_answer_is_said_and_sending_again_does_it_once(of_buyer: Page, buyer: Buyer) -> None:
    keys = lose_answers(of_buyer, "**/grant")
    start_to_grant(of_buyer, 70).click()

    expect(dialog(of_buyer)).to_contain_text("its outcome has not been seen")
    dialog(of_buyer).get_by_role("button", name="Send it again").click()
    expect(dialog(of_buyer).get_by_role("button", name="Send it again")).to_be_enabled()
    assert len(keys) == 2
    assert len(set(keys)) == 1

    of_buyer.unroute("**/grant")
    dialog(of_buyer).get_by_role("button", name="Send it again").click()
    expect(dialog(of_buyer)).to_contain_text("The balance is 70 now.")
    assert buyer.amounts("granted") == [70]


def test_a_reload_in_the_middle_goes_on_where_it_was_left(of_buyer: Page, buyer: Buyer) -> None:
    lose_answers(of_buyer, "**/grant")
    start_to_grant(of_buyer, 70).click()
    expect(dialog(of_buyer)).to_contain_text("its outcome has not been seen")
    of_buyer.unroute("**/grant")
    of_buyer.reload()

    expect(dialog(of_buyer)).to_contain_text("its outcome has not been seen")
    expect(dialog(of_buyer)).to_contain_text("Goodwill")
    dialog(of_buyer).get_by_role("button", name="Send it again").click()
    close(of_buyer)
    assert buyer.amounts("granted") == [70]


def test_the_next_gift_is_another_one(of_buyer: Page, buyer: Buyer) -> None:
    for _ in range(2):
        start_to_grant(of_buyer, 70).click()
        close(of_buyer)

    assert buyer.amounts("granted") == [70, 70]


def test_a_correction_takes_what_is_available_and_no_more(of_buyer: Page, buyer: Buyer) -> None:
    start_to_grant(of_buyer, 70).click()
    close(of_buyer)
    of_buyer.get_by_role("button", name="Adjust credits").click()
    dialog(of_buyer).get_by_label("Credits").fill("-71")
    dialog(of_buyer).get_by_label("Reason").fill("Counted twice")
    dialog(of_buyer).get_by_role("button", name="Adjust").click()
    expect(dialog(of_buyer)).to_contain_text("fewer credits available than that. Nothing was changed.")

    dialog(of_buyer).get_by_label("Credits").fill("-30")
    dialog(of_buyer).get_by_role("button", name="Adjust").click()
    expect(dialog(of_buyer)).to_contain_text("adjusted by −30. The balance is 40 now.")
    assert buyer.balance() == 40


def test_a_dialog_that_is_left_has_changed_nothing(of_buyer: Page, buyer: Buyer) -> None:
    start_to_grant(of_buyer, 70)
    of_buyer.keyboard.press("Escape")

    expect(dialog(of_buyer)).to_have_count(0)
    expect(of_buyer.get_by_role("button", name="Give credits")).to_be_focused()
    assert buyer.amounts("granted") == []


# ----------------------------------------------------------------------------------------------------------- refunds


def ask_for_refund(page: Page, amount: str = "") -> None:
    """Up to the question; nothing has been refunded."""
    page.get_by_role("button", name="Refund", exact=True).click()
    dialog(page).get_by_label("Amount").fill(amount)
    dialog(page).get_by_label("Reason").fill("Customer request")
    dialog(page).get_by_role("button", name="Show what it does").click()
    expect(dialog(page).get_by_text("Goes back to the buyer")).to_be_visible()


def test_a_refund_shows_what_it_takes_and_then_does_that(page: Page, stack: Stack, buyer: Buyer) -> None:
    payment = buyer.buy()
    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    ask_for_refund(page, "25")

    assert buyer.refunded_here(payment) == 0
    facts = dialog(page).locator(".facts")
    expect(facts).to_contain_text("CN¥25.00")
    expect(facts).to_contain_text("275")
    dialog(page).get_by_role("button", name="Refund CN¥25.00").click()
    expect(dialog(page)).to_contain_text("Refunded: CN¥25.00. Credits taken back: 275.")
    close(page)
    expect(page.locator(".title .badge")).to_have_text("Partly refunded")
    assert steps(page) == ["placed", "paid", "purchased", "refund", "refunded"]
    assert (buyer.refunded_here(payment), buyer.balance()) == (2500, 825)


def test_a_refund_into_debt_needs_a_second_confirmation(page: Page, stack: Stack, buyer: Buyer) -> None:
    payment = buyer.buy()
    buyer.spend(1000, "job-1").raise_for_status()
    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    ask_for_refund(page)

    expect(dialog(page)).to_contain_text("will owe 1,000 of them")
    expect(dialog(page)).to_contain_text("at most CN¥9.18 can be refunded")
    refund = dialog(page).get_by_role("button", name="Refund CN¥100.00")
    refund.click()
    expect(dialog(page).get_by_label("Refund it nevertheless")).to_be_focused()
    assert buyer.refunded_here(payment) == 0

    dialog(page).get_by_label("Refund it nevertheless").check()
    refund.click()
    expect(dialog(page)).to_contain_text("Credits taken back: 1,100")
    close(page)
    expect(page.get_by_role("button", name="Refund", exact=True)).to_have_count(0)
    assert buyer.balance() == -1000


def test_a_refund_of_credits_that_are_owed_needs_a_second_confirmation_and_their_use_is_seen(
    page: Page, stack: Stack, buyer: Buyer
) -> None:
    """What a capture owes stands beside what another hold reserves, and that one has ended without anybody's notice."""
    payment = buyer.buy()
    hold = document(buyer.api.open_hold(buyer.user_id, 500, "Chat 77", "owing", body={"overrun": "debt"}), 201)
    rest = document(buyer.api.open_hold(buyer.user_id, 600, "Chat 78", "other"), 201)
    document(buyer.api.capture(hold, 600, "owing-capture"))
    quoted = {
        "debt": 0,
        "holds_uncovered": 0,
        "from_own_lot": 600,
        "credits_refunded": 600,
        "largest_refundable": "45.54",
    }
    page.route("**/refund/quote", lambda route: with_(route, quoted))
    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    ask_for_refund(page, "54.54")

    expect(dialog(page)).to_contain_text("It takes credits that the user owes already.")
    expect(dialog(page)).to_contain_text("at most CN¥45.54 can be refunded")
    expect(dialog(page).get_by_label("Refund it nevertheless")).to_be_visible()

    document(buyer.api.capture(rest, 50, "other-capture"))
    open_console(page, stack, f"#/user/{buyer.user_id}")
    expect(page.locator("#ledger li[data-type=spent]").first).to_contain_text(re.compile(r"Paid what was owed\s*0"))


def with_(route: Route, figures: dict[str, object]) -> None:
    """The API's answer with other figures."""
    answer = route.fetch()
    route.fulfill(response=answer, json=answer.json() | figures)


def test_a_refund_that_has_become_another_one_is_not_made(page: Page, stack: Stack, buyer: Buyer) -> None:
    payment = buyer.buy()
    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    ask_for_refund(page)
    buyer.spend(1000, "job-1").raise_for_status()
    dialog(page).get_by_role("button", name="Refund CN¥100.00").click()

    expect(dialog(page)).to_contain_text("Something has changed since this was shown. Nothing was refunded")
    assert buyer.refunded_here(payment) == 0


def test_the_lost_answer_of_a_refund_makes_no_second_one(page: Page, stack: Stack, buyer: Buyer) -> None:
    payment = buyer.buy()
    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    ask_for_refund(page, "25")
    lose_answers(page, "**/refund")
    dialog(page).get_by_role("button", name="Refund CN¥25.00").click()
    expect(dialog(page)).to_contain_text("its outcome has not been seen")
    page.unroute("**/refund")
    page.reload()
    dialog(page).get_by_role("button", name="Send it again").click()

    expect(dialog(page)).to_contain_text("Refunded: CN¥25.00. Credits taken back: 275.")
    assert buyer.refunded_here(payment) == buyer.refunded_at_stripe(payment) == 2500


# ------------------------------------------------------------------------------------------------------- quarantines


def decide(page: Page, name: str) -> None:
    page.get_by_role("button", name=name).click()
    dialog(page).get_by_label("Reason").fill("Agreed with the buyer")
    dialog(page).get_by_role("button", name="Show what it does").click()


def release(page: Page, name: str, confirm: str) -> None:
    decide(page, name)
    dialog(page).get_by_role("button", name=confirm).dblclick()


def test_a_quarantine_ends_with_the_credits_of_what_was_paid(page: Page, stack: Stack, buyer: Buyer) -> None:
    payment = scenes.quarantined(buyer.client, buyer.user_id)
    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    expect(page.locator(".title .badge")).to_have_text("Quarantined")
    expect(page.locator("#story")).to_contain_text("Price in the smallest unit: paid 5000, ordered 10000")
    release(page, "Grant the credits", "Grant 550 credits")

    expect(dialog(page)).to_contain_text("Released: the user has got 550 credits.")
    close(page)
    expect(page.locator(".title .badge")).to_have_text("Paid")
    assert {"release", "purchased"} <= set(steps(page))
    expect(page.locator("#story")).to_contain_text("Agreed with the buyer · admin:admin-demo · was quarantined for:")
    expect(page.get_by_role("button", name="Grant the credits")).to_have_count(0)
    assert buyer.amounts("purchased") == [550]


def test_what_was_paid_once_more_is_given_back_and_the_credits_stay(page: Page, stack: Stack, buyer: Buyer) -> None:
    payment = scenes.paid_again(buyer.client, buyer.user_id)
    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    expect(page.locator("#story")).to_contain_text("Paid once more")
    expect(page.locator("#story")).to_contain_text("Payment intent: paid pi_")
    expect(page.get_by_role("button", name="Grant the credits")).to_have_count(0)
    release(page, "Give the second payment back", "Give CN¥100.00 back")

    expect(dialog(page)).to_contain_text("all of the money has gone back")
    close(page)
    expect(page.get_by_role("button", name="Give the second payment back")).to_have_count(0)
    assert buyer.balance() == 1100


def test_each_payment_that_came_once_more_is_given_back_on_its_own(page: Page, stack: Stack, buyer: Buyer) -> None:
    payment = scenes.paid_again(buyer.client, buyer.user_id, times=2)
    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    expect(page.locator("#story")).to_contain_text("Paid once more: decided over after the one before")
    for left in (1, 0):
        release(page, "Give the second payment back", "Give CN¥100.00 back")
        expect(dialog(page)).to_contain_text("all of the money has gone back")
        close(page)
        expect(page.get_by_role("button", name="Give the second payment back")).to_have_count(left)

    address = f"{stack.api_url}/api/payments/{payment['payment_id']}"
    seen = buyer.http.get(address, headers=buyer.client.credentials.admin()).raise_for_status().json()
    intents = {one["payment_intent"] for one in seen["releases"]}
    made = [refund for intent in intents for refund in buyer.stripe.listed("/refunds", payment_intent=intent)]
    assert [refund["amount"] for refund in made] == [10_000, 10_000]
    assert buyer.balance() == 1100


def test_a_quarantine_that_somebody_else_has_ended_is_said(page: Page, stack: Stack, buyer: Buyer) -> None:
    payment = scenes.quarantined(buyer.client, buyer.user_id)
    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    address = f"{stack.api_url}/api/admin/payments/{payment['payment_id']}/release"
    body = {"action": "refund", "reason": "A colleague was faster"}
    decide(page, "Grant the credits")
    expect(dialog(page)).to_contain_text("The buyer has paid")
    expect(dialog(page)).to_contain_text("Credits granted550")
    buyer.http.post(address, json=body, headers=buyer.client.credentials.admin()).raise_for_status()
    dialog(page).get_by_role("button", name="Grant 550 credits").click()

    expect(dialog(page)).to_contain_text(
        "cannot be released so. Nothing was changed. (This payment is not under review)"
    )
    assert buyer.balance() == 0


def test_a_quarantine_ends_with_the_money_back(page: Page, stack: Stack, buyer: Buyer) -> None:
    payment = scenes.quarantined(buyer.client, buyer.user_id)
    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    release(page, "Give the money back", "Give CN¥50.00 back")

    expect(dialog(page)).to_contain_text("Released: all of the money has gone back.")
    close(page)
    expect(page.locator(".title .badge")).not_to_have_text("Quarantined")
    assert "release" in steps(page)
    assert buyer.balance() == 0


def test_a_release_whose_answer_is_lost_never_decides_over_the_next_payment(
    page: Page, stack: Stack, buyer: Buyer
) -> None:
    payment = scenes.paid_again(buyer.client, buyer.user_id, times=2)
    eventually(lambda: scenes.seen(buyer.client, payment).get("refused_besides"))
    open_console(page, stack, f"#/payment/{payment['payment_id']}")
    lose_answers(page, "**/release")
    release(page, "Give the second payment back", "Give CN¥100.00 back")
    expect(dialog(page)).to_contain_text("its outcome has not been seen")
    page.unroute("**/release")
    page.reload()
    dialog(page).get_by_role("button", name="Send it again").click()

    expect(dialog(page)).to_contain_text("all of the money has gone back")
    seen = scenes.seen(buyer.client, payment)
    assert [one["status"] for one in seen["releases"]] == ["done"]
    assert seen["quarantine_reason"] is not None  # the other one still waits


# ----------------------------------------------------------------------------------------------------------- support


def test_support_sees_everything_and_is_offered_no_change(page: Page, stack: Stack, buyer: Buyer) -> None:
    payment = buyer.buy()
    open_console(page, stack, f"#/user/{buyer.user_id}", mint_support(stack.values, "support-demo", clock.now()))

    expect(page.locator("#person-role")).to_have_text("Support")
    expect(figure(page, "balance")).to_have_text("1,100")
    expect(page.locator("[data-action]")).to_have_count(0)
    page.locator(".payments").get_by_role("link").first.click()
    expect_title(page, payment["payment_id"])
    assert steps(page) == ["placed", "paid", "purchased"]
    expect(page.locator("[data-action]")).to_have_count(0)
    quarantined = scenes.quarantined(buyer.client, buyer.user_id)
    page.goto(f"{stack.api_url}/console#/payment/{quarantined['payment_id']}")
    expect(page.locator(".title .badge")).to_have_text("Quarantined")
    expect(page.locator("[data-action]")).to_have_count(0)


def test_support_sees_what_a_refund_would_do_and_cannot_make_it(page: Page, stack: Stack, buyer: Buyer) -> None:
    payment = buyer.buy()
    buyer.spend(1000, "job-1").raise_for_status()
    token = mint_support(stack.values, "support-demo", clock.now())
    open_console(page, stack, f"#/payment/{payment['payment_id']}", token)
    page.get_by_role("button", name="What would a refund do?").click()
    dialog(page).get_by_role("button", name="Show what it does").click()

    expect(dialog(page)).to_contain_text("will owe 1,000 of them")
    expect(dialog(page).get_by_role("button")).to_have_text(["Close"])
    close(page)
    assert buyer.refunded_here(payment) == 0


def test_support_sees_what_a_decision_would_do_and_cannot_make_it(page: Page, stack: Stack, buyer: Buyer) -> None:
    payment = scenes.quarantined(buyer.client, buyer.user_id)
    token = mint_support(stack.values, "support-demo", clock.now())
    open_console(page, stack, f"#/payment/{payment['payment_id']}", token)
    page.get_by_role("button", name="What would a decision do?").click()
    dialog(page).get_by_role("button", name="Show what it does").click()

    expect(dialog(page)).to_contain_text("Grant the creditsGrant 550 credits")
    expect(dialog(page)).to_contain_text("Give the money backGive CN¥50.00 back")
    expect(dialog(page).get_by_role("button")).to_have_text(["Close"])


def test_each_button_that_support_is_not_offered_is_refused_by_the_api_too(
    page: Page, stack: Stack, buyer: Buyer
) -> None:
    paid = buyer.buy()
    strange = scenes.quarantined(buyer.client, buyer.user_id)
    support = {"authorization": f"Bearer {mint_support(stack.values, 'support-demo', clock.now())}"}
    sent = {
        "grant": ("/api/admin/credits/grant", {"user_id": buyer.user_id, "credits": 1, "reason": "x"}),
        "adjust": ("/api/admin/credits/adjust", {"user_id": buyer.user_id, "amount": 1, "reason": "x"}),
        "refund": ("/api/payments/stripe/refund", {"payment_id": paid["payment_id"], "reason": "x"}),
    } | {
        f"release_{action}": (
            f"/api/admin/payments/{strange['payment_id']}/release",
            {"action": action, "reason": "x"},
        )
        for action in ("fulfil", "refund")
    }
    offered: set[str | None] = set()
    places = [f"#/user/{buyer.user_id}", *(f"#/payment/{one['payment_id']}" for one in (paid, strange))]
    for place in places:
        open_console(page, stack, place)
        offered |= {one.get_attribute("data-action") for one in page.locator("[data-action]").all()}

    assert offered == set(sent)  # to an administrator
    for path, body in sent.values():
        headers = support | {"idempotency-key": "k"}
        assert buyer.http.post(f"{stack.api_url}{path}", json=body, headers=headers).status_code == 403
    assert buyer.balance() == 1100


def test_somebody_who_is_no_administrator_any_more_is_refused_by_the_api(of_buyer: Page, buyer: Buyer) -> None:
    give = start_to_grant(of_buyer, 70)
    of_buyer.route("**/grant", lambda route: route.fulfill(status=403, json={"code": "forbidden", "status": 403}))
    give.click()

    expect(dialog(of_buyer).get_by_role("alert")).to_contain_text(re.compile("Your role does not allow this"))
    assert buyer.amounts("granted") == []
