"""Reading a payment, and asking Stripe about one whose update is overdue."""

from datetime import timedelta
from typing import Any

import pytest

from local.in_process.api import Api, as_admin, as_user
from local.in_process.dynamodb import Emulator, overtaken_by, refused
from local.in_process.environment import NOW, USER_ID
from tests.support.builders import PAYMENT_ID, SESSION_ID, a_payment, an_order
from tests.support.stripe_events import declined_intent, intent, session
from tests.support.stripe_wire import StripeWire, refuses, responds, times_out
from topup import fulfilment, payment_status, store
from topup.domain.orders import Status
from topup.domain.updates import PaymentDeclined, PaymentProcessing

UNKNOWN_ID = f"00000007{PAYMENT_ID[8:]}"


def test_a_payment_reads_as_the_guide_shows_it(api: Api, dynamodb: Emulator, stripe_wire: StripeWire):
    store.place_order(an_order())
    fulfilment.apply(a_payment(), NOW + timedelta(seconds=135))
    dynamodb.operations.clear()

    assert api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json() == {
        "payment_id": PAYMENT_ID,
        "status": "succeeded",
        "amount": 100.0,
        "currency": "CNY",
        "package": "standard",
        "credits_purchased": 1100,
        "payment_url": "https://checkout.stripe.com/c/pay/cs_test_1",
        "created_at": "2026-03-01T12:00:00Z",
        "paid_at": "2026-03-01T12:02:15Z",
    }
    assert dynamodb.operations == ["Query"]
    assert stripe_wire.requests == []


@pytest.mark.parametrize("payment_id", [UNKNOWN_ID, "x", "a" * 5000, "%00", "..", "ORDER"])
def test_an_unknown_payment_gets_the_same_404_as_another_users_payment(api: Api, dynamodb: Emulator, payment_id: str):
    store.place_order(an_order(user_id="another-user"))

    unknown = api.get(f"/api/payments/{payment_id}", as_user())
    foreign = api.get(f"/api/payments/{PAYMENT_ID}", as_user())

    assert unknown.status == foreign.status == 404
    assert unknown.json() | {"request_id": ""} == foreign.json() | {"request_id": ""}


def test_reading_another_users_payment_never_calls_stripe(api: Api, stripe_wire: StripeWire):
    store.place_order(an_order(user_id="another-user"))
    api.now += timedelta(minutes=1)

    api.get(f"/api/payments/{PAYMENT_ID}", as_user())

    assert stripe_wire.requests == []


def test_an_admin_reads_every_users_payment(api: Api, dynamodb: Emulator):
    store.place_order(an_order())

    assert api.get(f"/api/payments/{PAYMENT_ID}", as_admin()).json()["user_id"] == USER_ID


def session_at_stripe(**changes: Any) -> Any:
    """Stripe's response to a read of the order's session, which is paid unless a change says otherwise."""
    return responds(200, session(an_order(), payment_intent=intent(an_order())) | changes)


def test_a_buyer_whose_webhook_was_lost_sees_their_credits(api: Api, dynamodb: Emulator, stripe_wire: StripeWire):
    store.place_order(an_order())
    stripe_wire.then(session_at_stripe())
    api.now += timedelta(seconds=6)

    payment = api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()

    assert payment["status"] == "succeeded"
    assert api.get("/api/users/credits", as_user()).json()["balance"] == 1100
    assert [request.url.partition("?")[0].rpartition("/")[2] for request in stripe_wire.requests] == [SESSION_ID]


@pytest.mark.parametrize(
    ("session_now", "status"),
    [
        ({"status": "open", "payment_status": "unpaid", "payment_intent": None}, "pending"),
        ({"status": "open", "payment_status": "unpaid", "payment_intent": declined_intent(an_order())}, "failed"),
        ({"payment_status": "unpaid", "payment_intent": intent(an_order(), status="processing")}, "processing"),
        ({"payment_status": "unpaid", "payment_intent": declined_intent(an_order())}, "failed"),
        ({"status": "expired", "payment_status": "unpaid", "payment_intent": None}, "expired"),
    ],
)
def test_every_state_of_a_session_becomes_a_status(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire, session_now: dict[str, Any], status: str
):
    store.place_order(an_order())
    stripe_wire.then(session_at_stripe(**session_now))
    api.now += timedelta(seconds=6)

    assert api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()["status"] == status


@pytest.mark.parametrize("update", [PaymentProcessing, PaymentDeclined])
def test_a_processing_or_declined_order_is_checked_at_stripe_too(api: Api, stripe_wire: StripeWire, update: Any):
    store.place_order(an_order())
    reason = {"reason": "no"} if update is PaymentDeclined else {}
    fulfilment.apply(update(payment_id=PAYMENT_ID, user_id=USER_ID, livemode=False, **reason), NOW)
    stripe_wire.then(session_at_stripe())
    api.now += timedelta(seconds=6)

    assert api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()["status"] == "succeeded"


def test_stripe_is_called_at_most_once_per_interval(api: Api, dynamodb: Emulator, stripe_wire: StripeWire):
    store.place_order(an_order())
    not_paid_yet = session_at_stripe(status="open", payment_status="unpaid", payment_intent=None)
    stripe_wire.then(not_paid_yet, not_paid_yet)

    asked = {}
    for seconds in (1, 4, 5, 6, 9, 10, 11):
        api.now = NOW + timedelta(seconds=seconds)
        api.get(f"/api/payments/{PAYMENT_ID}", as_user())
        asked[seconds] = len(stripe_wire.requests)

    assert asked == {1: 0, 4: 0, 5: 1, 6: 1, 9: 1, 10: 2, 11: 2}


def test_only_one_of_two_readers_at_once_may_call_stripe(api: Api, dynamodb: Emulator):
    store.place_order(an_order())

    claims = [store.claim_sync(PAYMENT_ID, NOW, payment_status.SYNC_INTERVAL) for _ in range(2)]

    assert claims == [True, False]


def test_the_slower_of_two_readers_at_once_gets_the_stored_status(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire
):
    store.place_order(an_order())
    not_paid_yet = session_at_stripe(status="open", payment_status="unpaid", payment_intent=None)
    stripe_wire.then(not_paid_yet, not_paid_yet)
    api.now += timedelta(seconds=6)
    dynamodb.fail("UpdateItem", overtaken_by(lambda: api.get(f"/api/payments/{PAYMENT_ID}", as_user())))

    assert api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()["status"] == "pending"
    assert len(stripe_wire.requests) == 1


def test_a_text_that_is_no_id_is_not_looked_for(api: Api, dynamodb: Emulator):
    api.get("/api/payments/not-an-id", as_user())

    assert dynamodb.operations == []


UNKNOWN_AT_STRIPE = refuses(404, type="invalid_request_error", code="resource_missing")


@pytest.mark.parametrize("script", [times_out, refuses(500), refuses(429), refuses(404), UNKNOWN_AT_STRIPE])
def test_when_stripe_fails_the_stored_status_is_returned(
    api: Api, stripe_wire: StripeWire, script: Any, capsys: pytest.CaptureFixture[str]
):
    store.place_order(an_order())
    stripe_wire.then(script)
    api.now += timedelta(seconds=6)

    response = api.get(f"/api/payments/{PAYMENT_ID}", as_user())

    assert (response.status, response.json()["status"]) == (200, "pending")
    assert capsys.readouterr().out.count('"SyncFailed":[1.0]') == 1


def test_a_status_that_could_be_asked_for_counts_no_failure(
    api: Api, stripe_wire: StripeWire, capsys: pytest.CaptureFixture[str]
):
    store.place_order(an_order())
    stripe_wire.then(session_at_stripe())
    api.now += timedelta(seconds=6)

    api.get(f"/api/payments/{PAYMENT_ID}", as_user())

    assert "SyncFailed" not in capsys.readouterr().out


@pytest.mark.parametrize("operation", ["UpdateItem", "BatchGetItem", "TransactWriteItems"])
def test_when_dynamodb_fails_during_the_sync_the_stored_status_is_returned(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire, operation: str
):
    store.place_order(an_order())
    stripe_wire.then(session_at_stripe())
    api.now += timedelta(seconds=6)
    dynamodb.fail_always(operation, refused("ThrottlingException"))

    response = api.get(f"/api/payments/{PAYMENT_ID}", as_user())

    assert (response.status, response.json()["status"]) == (200, "pending")


def test_an_order_without_a_session_is_not_checked_at_stripe(api: Api, stripe_wire: StripeWire):
    store.place_order(an_order(provider_order_id=None, payment_url=None))
    api.now += timedelta(minutes=1)

    assert api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()["payment_url"] is None
    assert stripe_wire.requests == []


@pytest.mark.parametrize(
    "change", [{"status": Status.SUCCEEDED}, {"status": Status.EXPIRED}, {"quarantine_reason": "?"}]
)
def test_nothing_is_overdue_for_an_order_that_has_ended_or_waits_for_a_person(
    api: Api, stripe_wire: StripeWire, change: dict[str, Any]
):
    store.place_order(an_order(**change))
    api.now += timedelta(hours=1)

    assert api.get(f"/api/payments/{PAYMENT_ID}", as_user()).status == 200
    assert stripe_wire.requests == []


def test_a_read_within_the_interval_writes_nothing(api: Api, dynamodb: Emulator, stripe_wire: StripeWire):
    store.place_order(an_order())
    stripe_wire.then(session_at_stripe(status="open", payment_status="unpaid", payment_intent=None))
    api.now += timedelta(seconds=6)
    api.get(f"/api/payments/{PAYMENT_ID}", as_user())
    dynamodb.operations.clear()
    api.now += timedelta(seconds=4)

    api.get(f"/api/payments/{PAYMENT_ID}", as_user())

    assert dynamodb.operations == ["Query"]
