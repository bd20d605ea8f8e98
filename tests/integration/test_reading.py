"""What users read: packages, a payment's status, lists, credits and their history."""

from datetime import timedelta
from typing import Any

import pytest

from local.in_process.api import Api, as_admin, as_user
from local.in_process.dynamodb import Emulator, refused
from local.in_process.environment import NOW, USER_ID
from tests.support.builders import PAYMENT_ID, SESSION_ID, a_payment, an_order
from tests.support.stripe_events import declined_intent, intent, session
from tests.support.stripe_wire import StripeWire, answers, refuses, times_out
from topup import fulfilment, payment_status, store
from topup.api import cursor as cursors
from topup.domain.updates import PaymentDeclined, PaymentProcessing


def numbered(number: int) -> str:
    return f"{number:08}{PAYMENT_ID[8:]}"


def settle(number: int, now: Any = NOW) -> None:
    """Place and pay the user's order of this number."""
    store.place_order(an_order(payment_id=numbered(number), provider_order_id=f"cs_{number}", created_at=now))
    fulfilment.apply(a_payment(payment_id=numbered(number), reference=numbered(number), session_id=f"cs_{number}"), now)


def test_anyone_may_list_the_packages_and_nothing_is_asked(api: Api, dynamodb: Emulator, stripe_wire: StripeWire):
    answer = api.get("/api/payments/packages")

    assert answer.json() == {
        "packages": {
            "trial": {"name": "体验包", "credits": 500, "price": "50.00", "currency": "CNY", "unit_price": 0.10},
            "standard": {"name": "标准包", "credits": 1100, "price": "100.00", "currency": "CNY", "unit_price": 0.091},
            "value": {"name": "超值包", "credits": 6000, "price": "500.00", "currency": "CNY", "unit_price": 0.083},
            "premium": {"name": "豪华包", "credits": 13000, "price": "1000.00", "currency": "CNY", "unit_price": 0.076},
        },
        "credit_value_rmb": 0.1,
    }
    assert (dynamodb.operations, stripe_wire.requests) == ([], [])


def test_packages_are_named_in_the_language_that_is_asked_for(api: Api):
    names = {
        query: api.get(f"/api/payments/packages{query}").json()["packages"]["trial"]["name"]
        for query in ("", "?lang=en", "?lang=xx", "?lang=")
    }

    assert names == {"": "体验包", "?lang=en": "Trial", "?lang=xx": "体验包", "?lang=": "体验包"}


def test_a_payment_reads_as_the_guide_shows_it(api: Api, dynamodb: Emulator, stripe_wire: StripeWire):
    store.place_order(an_order())
    fulfilment.apply(a_payment(), NOW + timedelta(seconds=135))
    dynamodb.operations.clear()

    assert api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json() == {
        "payment_id": PAYMENT_ID,
        "status": "succeeded",
        "amount": 100.0,
        "currency": "CNY",
        "credits_purchased": 1100,
        "payment_url": "https://checkout.stripe.com/c/pay/cs_test_1",
        "created_at": "2026-03-01T12:00:00Z",
        "paid_at": "2026-03-01T12:02:15Z",
    }
    assert dynamodb.operations == ["Query"]
    assert stripe_wire.requests == []


@pytest.mark.parametrize("payment_id", [numbered(7), "x", "a" * 5000, "%00", "..", "ORDER"])
def test_an_unknown_payment_reads_exactly_like_another_users(api: Api, dynamodb: Emulator, payment_id: str):
    store.place_order(an_order(user_id="somebody-else"))

    unknown = api.get(f"/api/payments/{payment_id}", as_user())
    foreign = api.get(f"/api/payments/{PAYMENT_ID}", as_user())

    assert unknown.status == foreign.status == 404
    assert unknown.json() | {"request_id": ""} == foreign.json() | {"request_id": ""}


def test_asking_for_another_users_payment_does_not_make_us_ask_stripe(api: Api, stripe_wire: StripeWire):
    store.place_order(an_order(user_id="somebody-else"))
    api.now += timedelta(minutes=1)

    api.get(f"/api/payments/{PAYMENT_ID}", as_user())

    assert stripe_wire.requests == []


def test_an_admin_reads_anybodys_payment(api: Api, dynamodb: Emulator):
    store.place_order(an_order())

    assert api.get(f"/api/payments/{PAYMENT_ID}", as_admin()).json()["user_id"] == USER_ID


# ------------------------------------------------------------------------------------------ asking Stripe for the news


def at_stripe(**changes: Any) -> Any:
    return answers(200, session(an_order(), payment_intent=intent(an_order())) | changes)


def test_a_buyer_whose_webhook_was_lost_sees_their_credits(api: Api, dynamodb: Emulator, stripe_wire: StripeWire):
    store.place_order(an_order())
    stripe_wire.then(at_stripe())
    api.now += timedelta(seconds=6)

    payment = api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()

    assert payment["status"] == "succeeded"
    assert api.get("/api/users/credits", as_user()).json()["balance"] == 1100
    assert [request.url.partition("?")[0].rpartition("/")[2] for request in stripe_wire.requests] == [SESSION_ID]


@pytest.mark.parametrize(
    ("at_stripe_now", "status"),
    [
        ({"status": "open", "payment_status": "unpaid", "payment_intent": None}, "pending"),
        ({"status": "open", "payment_status": "unpaid", "payment_intent": declined_intent(an_order())}, "failed"),
        ({"payment_status": "unpaid", "payment_intent": intent(an_order(), status="processing")}, "processing"),
        ({"payment_status": "unpaid", "payment_intent": declined_intent(an_order())}, "failed"),
        ({"status": "expired", "payment_status": "unpaid", "payment_intent": None}, "expired"),
    ],
)
def test_every_state_of_a_session_is_understood(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire, at_stripe_now: dict[str, Any], status: str
):
    store.place_order(an_order())
    stripe_wire.then(at_stripe(**at_stripe_now))
    api.now += timedelta(seconds=6)

    assert api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()["status"] == status


@pytest.mark.parametrize("news", [PaymentProcessing, PaymentDeclined])
def test_an_order_that_may_still_be_paid_is_asked_about_too(api: Api, stripe_wire: StripeWire, news: Any):
    store.place_order(an_order())
    reason = {"reason": "no"} if news is PaymentDeclined else {}
    fulfilment.apply(news(payment_id=PAYMENT_ID, user_id=USER_ID, livemode=False, **reason), NOW)
    stripe_wire.then(at_stripe())
    api.now += timedelta(seconds=6)

    assert api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()["status"] == "succeeded"


def test_stripe_is_asked_at_most_once_per_interval(api: Api, dynamodb: Emulator, stripe_wire: StripeWire):
    store.place_order(an_order())
    nothing_yet = at_stripe(status="open", payment_status="unpaid", payment_intent=None)
    stripe_wire.then(nothing_yet, nothing_yet)

    for seconds in (1, 4, 5, 6, 9, 10, 11):
        api.now = NOW + timedelta(seconds=seconds)
        api.get(f"/api/payments/{PAYMENT_ID}", as_user())

    assert len(stripe_wire.requests) == 2  # after 5 and after 10 seconds


def test_two_readers_at_once_ask_stripe_once(api: Api, dynamodb: Emulator):
    store.place_order(an_order())

    claims = [store.claim_sync(PAYMENT_ID, NOW, payment_status.SYNC_INTERVAL) for _ in range(2)]

    assert claims == [True, False]


@pytest.mark.parametrize("script", [times_out, refuses(500), refuses(429), refuses(404)])
def test_when_stripe_fails_the_stored_status_is_the_answer(api: Api, stripe_wire: StripeWire, script: Any):
    store.place_order(an_order())
    stripe_wire.then(script)
    api.now += timedelta(seconds=6)

    answer = api.get(f"/api/payments/{PAYMENT_ID}", as_user())

    assert (answer.status, answer.json()["status"]) == (200, "pending")


@pytest.mark.parametrize("operation", ["UpdateItem", "BatchGetItem", "TransactWriteItems"])
def test_when_dynamodb_fails_on_the_way_the_stored_status_is_the_answer(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire, operation: str
):
    store.place_order(an_order())
    stripe_wire.then(at_stripe())
    api.now += timedelta(seconds=6)
    for _ in range(2):
        dynamodb.fail(operation, refused("ThrottlingException"))

    answer = api.get(f"/api/payments/{PAYMENT_ID}", as_user())

    assert (answer.status, answer.json()["status"]) == (200, "pending")


def test_an_order_without_a_session_is_not_asked_about(api: Api, stripe_wire: StripeWire):
    store.place_order(an_order(provider_order_id=None, payment_url=None))
    api.now += timedelta(minutes=1)

    assert api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()["payment_url"] is None
    assert stripe_wire.requests == []


# --------------------------------------------------------------------------------------------------------------- lists


def pages(api: Api, path: str, rows: str, limit: int) -> list[list[dict[str, Any]]]:
    found, cursor = [], ""
    while True:
        page = api.get(f"{path}?limit={limit}{cursor}", as_user()).json()
        found.append(page[rows])
        if page["next_cursor"] is None:
            return found
        cursor = f"&cursor={page['next_cursor']}"


@pytest.mark.parametrize(
    ("path", "rows"), [("/api/payments", "payments"), ("/api/users/credits/transactions", "transactions")]
)
def test_a_list_comes_newest_first_in_pages_without_loss_or_repetition(
    api: Api, dynamodb: Emulator, path: str, rows: str
):
    for number in range(7):
        settle(number, NOW + timedelta(seconds=number))

    whole = pages(api, path, rows, 100)
    in_pages = pages(api, path, rows, 3)

    assert [row for page in in_pages for row in page] == whole[0]
    assert [len(page) for page in in_pages if page] == [3, 3, 1]
    key = "payment_id" if rows == "payments" else "payment_order_id"
    assert [row[key] for row in whole[0]] == [numbered(number) for number in reversed(range(7))]


def test_entries_that_arrive_while_paging_repeat_nothing(api: Api, dynamodb: Emulator):
    for number in range(3):
        settle(number)
    first = api.get("/api/users/credits/transactions?limit=2", as_user()).json()
    settle(9)
    second = api.get(f"/api/users/credits/transactions?limit=2&cursor={first['next_cursor']}", as_user()).json()

    balances = [row["balance_after"] for row in first["transactions"] + second["transactions"]]
    assert balances == [3300, 2200, 1100]
    assert second["next_cursor"] is None


def test_a_list_holds_nothing_of_other_users(api: Api, dynamodb: Emulator):
    settle(1)

    assert api.get("/api/payments", as_user("other")).json() == {"payments": [], "next_cursor": None}
    assert api.get("/api/users/credits/transactions", as_user("other")).json()["transactions"] == []


def test_another_users_cursor_shows_only_ones_own(api: Api, dynamodb: Emulator):
    for number in range(3):
        settle(number)
    cursor = api.get("/api/payments?limit=1", as_user()).json()["next_cursor"]

    assert api.get(f"/api/payments?cursor={cursor}", as_user("other")).json()["payments"] == []


@pytest.mark.parametrize("path", ["/api/payments", "/api/users/credits/transactions"])
@pytest.mark.parametrize(
    "query", ["limit=0", "limit=101", "limit=-1", "limit=x", "limit=1.5", "limit=", "limit=%D9%A3"]
)
def test_a_wrong_limit_is_refused_by_name(api: Api, path: str, query: str):
    answer = api.get(f"{path}?{query}", as_user())

    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "limit")


@pytest.mark.parametrize(
    "position",
    [("a", "b"), ("\ud800", "x"), ("2026-03-01T12:00:00Z", PAYMENT_ID), ("2026-03-01T12:00:00.000000Z", "b")],
)
def test_a_forged_cursor_is_refused_before_anything_is_asked(api: Api, dynamodb: Emulator, position: tuple[str, str]):
    answer = api.get(f"/api/payments?cursor={cursors.encode(*position)}", as_user())

    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "cursor")
    assert dynamodb.operations == []


@pytest.mark.parametrize("path", ["/api/payments", "/api/users/credits/transactions"])
@pytest.mark.parametrize("cursor", ["x", "bnVsbA", "WzEsMl0", "%00", "A" * 2000])
def test_a_wrong_cursor_is_refused_by_name(api: Api, path: str, cursor: str):
    answer = api.get(f"{path}?cursor={cursor}", as_user())

    assert (answer.status, answer.json()["errors"][0]["field"]) == (422, "cursor")


def test_a_user_without_credits_has_an_empty_wallet(api: Api, dynamodb: Emulator):
    assert api.get("/api/users/credits", as_user("new")).json() == {
        "user_id": "new",
        "balance": 0,
        "debt": 0,
        "total_credits_earned": 0,
        "lots": [],
    }
    assert dynamodb.operations == ["Query"]


def test_history_says_what_was_bought_and_until_when(api: Api, dynamodb: Emulator):
    settle(1)

    [entry] = api.get("/api/users/credits/transactions", as_user()).json()["transactions"]

    assert entry == {
        "id": entry["id"],
        "transaction_type": "purchased",
        "amount": 1100,
        "balance_after": 1100,
        "payment_order_id": numbered(1),
        "description": "Package 标准包",
        "expires_at": "2026-09-01T12:00:00Z",
        "is_expired": False,
        "created_at": "2026-03-01T12:00:00Z",
    }


def test_history_says_when_credits_are_past_their_expiry(api: Api, dynamodb: Emulator):
    settle(1)
    api.now = NOW.replace(month=9)

    assert api.get("/api/users/credits/transactions", as_user()).json()["transactions"][0]["is_expired"] is True


def test_each_reading_costs_one_request(api: Api, dynamodb: Emulator):
    settle(1)
    for path in ("/api/payments", "/api/users/credits", "/api/users/credits/transactions"):
        dynamodb.operations.clear()
        api.get(path, as_user())
        assert dynamodb.operations == ["Query"], path
