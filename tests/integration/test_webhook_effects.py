"""What an event does, whenever and however often it comes."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from local.in_process.api import Api, ApiResponse, as_admin, as_user
from local.in_process.dynamodb import (
    Crash,
    Emulator,
    Fault,
    a_response,
    crashed_after,
    crashed_before,
    lost_after,
    lost_before,
    refused,
)
from local.in_process.environment import NOW, USER_ID
from tests.support.builders import PAYMENT_ID, an_order
from tests.support.stripe_events import as_bytes, declined_intent, event, intent, session, signature
from topup import store
from topup.domain.orders import Order
from topup.runtime import config

COMPLETED = "checkout.session.completed"
SUCCEEDED = "payment_intent.succeeded"


@pytest.fixture
def order(dynamodb: Emulator) -> Order:
    placed = store.place_order(an_order())
    dynamodb.operations.clear()
    return placed


def deliver(api: Api, an_event: dict[str, Any]) -> ApiResponse:
    body = as_bytes(an_event)
    header = signature(body, int(api.now.timestamp()))
    return api.post("/api/payments/webhook/stripe", raw=body, headers={"Stripe-Signature": header})


def granted(api: Api) -> list[int]:
    """The amounts of the user's ledger, oldest first, after checking that they add up."""
    answer = api.get("/api/users/credits/transactions?limit=100", as_user()).json()
    entries = answer["transactions"][::-1]
    assert [entry["balance_after"] for entry in entries] == [
        sum(entry["amount"] for entry in entries[: number + 1]) for number in range(len(entries))
    ]
    return [entry["amount"] for entry in entries]


def status(api: Api) -> str:
    return str(api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()["status"])


def test_a_paid_session_grants_the_orders_credits_in_one_read_and_one_transaction(
    api: Api, order: Order, dynamodb: Emulator
):
    answer = deliver(api, event(COMPLETED, session(order)))

    assert answer.json() == {"received": True}
    assert dynamodb.operations == ["BatchGetItem", "TransactWriteItems"]
    assert granted(api) == [1100]
    assert status(api) == "succeeded"


@pytest.mark.parametrize("types", [(COMPLETED, SUCCEEDED), (SUCCEEDED, COMPLETED)])
def test_the_sessions_and_the_intents_event_make_one_grant_in_either_order(
    api: Api, order: Order, types: tuple[str, ...]
):
    subjects = {COMPLETED: session(order), SUCCEEDED: intent(order)}

    assert {deliver(api, event(kind, subjects[kind])).status for kind in types} == {200}
    assert granted(api) == [1100]


def test_a_duplicate_costs_one_read_and_writes_nothing(api: Api, order: Order, dynamodb: Emulator):
    paid = event(COMPLETED, session(order))
    deliver(api, paid)
    dynamodb.operations.clear()

    assert deliver(api, paid).status == 200
    assert dynamodb.operations == ["BatchGetItem"]


@pytest.mark.parametrize("later", [timedelta(hours=25), timedelta(days=8), timedelta(days=30), timedelta(days=400)])
def test_a_replay_much_later_grants_nothing(api: Api, order: Order, later: timedelta):
    paid = event(COMPLETED, session(order))
    deliver(api, paid)
    api.now += later

    assert deliver(api, paid).status == 200
    assert granted(api) == [1100]


def test_two_event_ids_for_the_same_payment_make_one_grant(api: Api, order: Order):
    deliver(api, event(COMPLETED, session(order), id="evt_a"))
    deliver(api, event(COMPLETED, session(order), id="evt_b"))

    assert granted(api) == [1100]


@pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
@pytest.mark.parametrize("crash", [crashed_before, crashed_after])
def test_after_a_crash_at_any_boundary_a_redelivery_makes_exactly_one_grant(
    api: Api, order: Order, dynamodb: Emulator, operation: str, crash: Fault
):
    paid = event(COMPLETED, session(order))
    dynamodb.fail(operation, crash)

    with pytest.raises(Crash):
        deliver(api, paid)

    assert deliver(api, paid).status == 200
    assert granted(api) == [1100]


@pytest.mark.parametrize("fault", [lost_before, lost_after])
def test_a_transaction_whose_answer_is_lost_is_repeated_and_counts_once(
    api: Api, order: Order, dynamodb: Emulator, fault: Fault
):
    dynamodb.fail("TransactWriteItems", fault)

    assert deliver(api, event(COMPLETED, session(order))).status == 200
    assert granted(api) == [1100]


@pytest.mark.parametrize("fault", [lost_before, lost_after])
def test_when_every_try_is_lost_nothing_is_acknowledged_and_a_redelivery_repairs_it(
    api: Api, order: Order, dynamodb: Emulator, fault: Fault
):
    for _ in range(2):
        dynamodb.fail("TransactWriteItems", fault)
    paid = event(COMPLETED, session(order))

    assert deliver(api, paid).status == 503
    assert deliver(api, paid).status == 200
    assert granted(api) == [1100]


@pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
@pytest.mark.parametrize(
    "code",
    [
        "ProvisionedThroughputExceededException",
        "ThrottlingException",
        "InternalServerError",
        "AccessDeniedException",
        "ValidationException",
        "ResourceNotFoundException",
    ],
)
def test_no_failure_of_dynamodb_is_ever_taken_for_a_duplicate(
    api: Api, order: Order, dynamodb: Emulator, operation: str, code: str
):
    for _ in range(2):
        dynamodb.fail(operation, refused(code, 500 if code == "InternalServerError" else 400))
    paid = event(COMPLETED, session(order))

    first = deliver(api, paid)

    # A throttled or broken request is tried again by the SDK; what will never work is not.
    assert first.status in (500, 503)
    assert granted(api) == []
    while deliver(api, paid).status != 200:
        pass
    assert granted(api) == [1100]


def test_a_lost_race_is_decided_again(api: Api, order: Order, dynamodb: Emulator):
    def overtaken(answer: Callable[[], Any]) -> Any:
        deliver(api, event(SUCCEEDED, intent(order)))
        return answer()

    dynamodb.fail("TransactWriteItems", overtaken)

    assert deliver(api, event(COMPLETED, session(order))).status == 200
    assert granted(api) == [1100]


def test_another_grant_to_the_same_user_at_the_same_moment_loses_neither(api: Api, order: Order, dynamodb: Emulator):
    other = store.place_order(an_order(payment_id="0" * 8 + PAYMENT_ID[8:], provider_order_id="cs_test_2"))

    def overtaken(answer: Callable[[], Any]) -> Any:
        deliver(api, event(COMPLETED, session(other)))
        return answer()

    dynamodb.fail("TransactWriteItems", overtaken)

    assert deliver(api, event(COMPLETED, session(order))).status == 200
    assert granted(api) == [1100, 1100]


def test_a_decline_that_a_payment_overtakes_is_decided_again(api: Api, order: Order, dynamodb: Emulator):
    def overtaken(answer: Callable[[], Any]) -> Any:
        deliver(api, event(COMPLETED, session(order)))
        return answer()

    dynamodb.fail("UpdateItem", overtaken)

    assert deliver(api, event("payment_intent.payment_failed", declined_intent(order))).status == 200
    assert (status(api), granted(api)) == ("succeeded", [1100])


def test_a_payment_that_crosses_the_storing_of_another_session_is_decided_again(api: Api, dynamodb: Emulator):
    order = store.place_order(an_order(provider_order_id=None, payment_url=None))

    def overtaken(answer: Callable[[], Any]) -> Any:
        store.attach_session(order, "cs_test_other", "https://x")
        return answer()

    dynamodb.fail("TransactWriteItems", overtaken)

    assert deliver(api, event(COMPLETED, session(order))).status == 200
    assert granted(api) == []
    assert api.get(f"/api/payments/{PAYMENT_ID}", as_admin()).json()["quarantine_reason"]


@pytest.mark.parametrize("other", ["ThrottlingError", "ValidationError", "ItemCollectionSizeLimitExceeded"])
def test_a_race_mixed_with_another_failure_is_no_race(api: Api, order: Order, dynamodb: Emulator, other: str):
    reasons = [{"Code": "ConditionalCheckFailed"}, {"Code": other}, {"Code": "None"}]
    for _ in range(40):
        dynamodb.fail("TransactWriteItems", refused("TransactionCanceledException", CancellationReasons=reasons))

    # Not the 503 that ends a series of lost races: nobody may take this for "somebody has done it already".
    assert deliver(api, event(COMPLETED, session(order))).status == 500
    assert dynamodb.operations == ["BatchGetItem", "TransactWriteItems"]


def test_an_answer_in_part_is_asked_for_again(api: Api, order: Order, dynamodb: Emulator):
    def in_part(answer: Callable[[], Any]) -> Any:
        return a_response({"Responses": {}, "UnprocessedKeys": {dynamodb.orders_table: {"Keys": []}}})

    dynamodb.fail("BatchGetItem", in_part)

    assert deliver(api, event(COMPLETED, session(order))).status == 200
    assert granted(api) == [1100]


def test_the_mode_that_counts_is_the_objects_own(api: Api, order: Order):
    live = session(order, livemode=True)

    assert deliver(api, event(COMPLETED, live, livemode=False)).status == 200
    assert granted(api) == []


def test_endless_races_end_in_503_for_stripe_to_retry(api: Api, order: Order, dynamodb: Emulator):
    for _ in range(40):
        dynamodb.fail("TransactWriteItems", refused("TransactionInProgressException"))

    answer = deliver(api, event(COMPLETED, session(order)))

    assert (answer.status, answer.json()["code"], answer.headers["retry-after"]) == (503, "busy", "2")
    assert granted(api) == []


def test_an_unpaid_session_grants_nothing_until_it_settles(api: Api, order: Order):
    deliver(api, event(COMPLETED, session(order, payment_status="unpaid")))
    assert (status(api), granted(api)) == ("processing", [])

    deliver(api, event("checkout.session.async_payment_succeeded", session(order)))
    assert (status(api), granted(api)) == ("succeeded", [1100])


def test_a_late_payment_that_fails_is_failed_with_its_reason(api: Api, order: Order):
    deliver(api, event(COMPLETED, session(order, payment_status="unpaid")))
    deliver(api, event("payment_intent.payment_failed", declined_intent(order, "The customer closed Alipay.")))
    deliver(api, event("checkout.session.async_payment_failed", session(order, payment_status="unpaid")))

    payment = api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()
    assert (payment["status"], payment["error_message"]) == ("failed", "The customer closed Alipay.")
    assert payment["may_retry"] is False
    assert granted(api) == []


def test_a_declined_card_is_not_final(api: Api, order: Order):
    deliver(api, event("payment_intent.payment_failed", declined_intent(order)))
    payment = api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()
    assert (payment["status"], payment["error_message"]) == ("failed", "Your card was declined.")
    assert payment["may_retry"] is True

    deliver(api, event(COMPLETED, session(order)))
    assert (status(api), granted(api)) == ("succeeded", [1100])
    assert "error_message" not in api.get(f"/api/payments/{PAYMENT_ID}", as_user()).json()


@pytest.mark.parametrize("late", ["payment_intent.payment_failed", "checkout.session.expired"])
def test_late_news_changes_nothing_after_success(api: Api, order: Order, dynamodb: Emulator, late: str):
    deliver(api, event(COMPLETED, session(order)))
    dynamodb.operations.clear()

    deliver(api, event(late, declined_intent(order) if "intent" in late else session(order, status="expired")))

    assert dynamodb.operations == ["BatchGetItem"]
    assert status(api) == "succeeded"


def test_an_expired_session_ends_a_pending_order(api: Api, order: Order):
    deliver(api, event("checkout.session.expired", session(order, status="expired", payment_status="unpaid")))

    assert status(api) == "expired"


def test_a_webhook_that_overtakes_create_grants_and_create_still_stores_its_session(api: Api, dynamodb: Emulator):
    order = store.place_order(an_order(provider_order_id=None, payment_url=None))

    assert deliver(api, event(COMPLETED, session(order))).status == 200
    attached = store.attach_session(order, "cs_test_1", "https://checkout.stripe.com/c/pay/cs_test_1")

    assert attached.payment_url
    assert (status(api), granted(api)) == ("succeeded", [1100])


def test_news_that_crosses_create_does_not_lose_the_session_that_create_stores(api: Api, dynamodb: Emulator):
    order = store.place_order(an_order(provider_order_id=None, payment_url=None))

    def overtaken(answer: Callable[[], Any]) -> Any:
        read = answer()
        store.attach_session(order, "cs_test_1", "https://x")
        return read

    dynamodb.fail("BatchGetItem", overtaken)
    assert deliver(api, event("payment_intent.payment_failed", declined_intent(order))).status == 200

    stored = store.load_order(order.payment_id)
    assert stored is not None
    assert (stored.provider_order_id, stored.payment_url, stored.status) == ("cs_test_1", "https://x", "declined")


@pytest.mark.parametrize(
    "changes",
    [
        {"metadata": {}},
        {"metadata": None},
        {"metadata": {"order_id": PAYMENT_ID}},
        {"metadata": {"order_id": PAYMENT_ID, "user_id": USER_ID, "topup_stack": "another-stage"}},
        {"metadata": {"order_id": "42", "user_id": USER_ID, "topup_stack": "topup-test"}},
    ],
)
def test_an_object_that_is_not_ours_is_acknowledged_and_nothing_is_touched(
    api: Api, order: Order, dynamodb: Emulator, changes: dict[str, Any]
):
    assert deliver(api, event(COMPLETED, session(order, **changes))).status == 200
    assert dynamodb.operations == []


@pytest.mark.parametrize("kind", ["customer.created", "charge.succeeded", "payment_intent.created", "x", ""])
def test_events_that_we_do_not_use_are_acknowledged_and_nothing_is_touched(
    api: Api, order: Order, dynamodb: Emulator, kind: str
):
    assert deliver(api, event(kind, intent(order))).status == 200
    assert dynamodb.operations == []


def test_news_of_an_order_that_cannot_be_read_yet_is_not_acknowledged(
    api: Api, dynamodb: Emulator, capsys: pytest.CaptureFixture[str]
):
    paid = event(COMPLETED, session(an_order()))

    answer = deliver(api, paid)

    assert (answer.status, answer.json()["code"]) == (503, "order_missing")
    assert '"OrderMissing":[1.0]' in capsys.readouterr().out
    store.place_order(an_order())
    assert deliver(api, paid).status == 200
    assert granted(api) == [1100]


@pytest.mark.parametrize(
    "changes", [{"amount_total": 9999}, {"currency": "usd"}, {"id": "cs_other"}, {"client_reference_id": "other"}]
)
def test_a_payment_unlike_its_order_is_quarantined_for_an_admin_to_see(
    api: Api, order: Order, capsys: pytest.CaptureFixture[str], changes: dict[str, Any]
):
    assert deliver(api, event(COMPLETED, session(order, **changes))).status == 200

    assert granted(api) == []
    assert '"PaymentQuarantined":[1.0]' in capsys.readouterr().out
    seen = {"admin": as_admin(), "owner": as_user()}
    reasons = {
        who: api.get(f"/api/payments/{PAYMENT_ID}", headers).json().get("quarantine_reason")
        for who, headers in seen.items()
    }
    assert reasons["admin"]
    assert reasons["owner"] is None


def test_an_intent_of_another_amount_is_quarantined(api: Api, order: Order):
    deliver(api, event(SUCCEEDED, intent(order, amount_received=1)))

    assert granted(api) == []


def test_metadata_that_names_another_user_does_not_move_the_credits(api: Api, order: Order):
    stranger = session(order)["metadata"] | {"user_id": "stranger"}

    deliver(api, event(COMPLETED, session(order, metadata=stranger)))

    assert granted(api) == [1100]
    assert api.get("/api/users/credits", as_user("stranger")).json()["balance"] == 0


def test_a_catalogue_that_changed_after_create_does_not_change_what_was_bought(
    api: Api, order: Order, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(config, "catalogue", lambda: pytest.fail("the catalogue has no say any more"))

    deliver(api, event(COMPLETED, session(order)))

    assert granted(api) == [1100]


def test_the_credits_expire_after_the_configured_months(api: Api, order: Order, environment: pytest.MonkeyPatch):
    environment.setenv("CREDITS_EXPIRE_AFTER_MONTHS", "12")
    config.settings.cache_clear()

    deliver(api, event(COMPLETED, session(order)))

    [lot] = api.get("/api/users/credits", as_user()).json()["lots"]
    assert lot["expires_at"] == "2027-03-01T12:00:00Z"


def test_the_balance_ends_with_the_expiry_second_whether_or_not_the_lot_was_swept(api: Api, order: Order):
    deliver(api, event(COMPLETED, session(order)))
    expiry = NOW.replace(month=9)

    api.now = expiry - timedelta(seconds=1)
    before = api.get("/api/users/credits", as_user()).json()
    api.now = expiry
    after = api.get("/api/users/credits", as_user()).json()

    assert (before["balance"], len(before["lots"])) == (1100, 1)
    assert (after["balance"], after["lots"]) == (0, [])
    assert after["total_credits_earned"] == 1100
