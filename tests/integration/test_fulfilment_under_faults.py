"""A payment is fulfilled once, whatever crashes, is lost or races."""

from collections.abc import Callable
from typing import Any

import pytest

from local.in_process.api import Api, as_admin
from local.in_process.dynamodb import (
    Crash,
    Emulator,
    Fault,
    a_response,
    crashed_after,
    crashed_before,
    lost_after,
    lost_before,
    overtaken_by,
    refused,
)
from local.in_process.environment import API_KEY
from tests.integration.webhooks import COMPLETED, DECLINED, SUCCEEDED, deliver, granted, status
from tests.support.builders import PAYMENT_ID, an_order
from tests.support.stripe_events import declined_intent, event, intent, session
from topup import store
from topup.domain.orders import Order


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
def test_a_transaction_whose_response_is_lost_is_repeated_and_counts_once(
    api: Api, order: Order, dynamodb: Emulator, fault: Fault
):
    dynamodb.fail("TransactWriteItems", fault)

    assert deliver(api, event(COMPLETED, session(order))).status == 200
    assert granted(api) == [1100]


@pytest.mark.parametrize("fault", [lost_before, lost_after])
def test_when_every_response_is_lost_only_what_was_written_is_acknowledged(
    api: Api, order: Order, dynamodb: Emulator, fault: Fault
):
    dynamodb.fail_always("TransactWriteItems", fault)
    paid = event(COMPLETED, session(order))

    # Where a response was lost after the write, the next try finds what the one before has done.
    assert deliver(api, paid).status == (503 if fault is lost_before else 200)
    dynamodb.clear_faults()
    assert deliver(api, paid).status == 200
    assert granted(api) == [1100]


OPERATIONS = pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
PASSING = {
    "ProvisionedThroughputExceededException": 400,
    "ThrottlingException": 400,
    "RequestLimitExceeded": 400,
    "InternalServerError": 500,
    "InternalFailure": 500,
    "ServiceUnavailable": 503,
}


@OPERATIONS
@pytest.mark.parametrize("code", PASSING)
def test_what_will_pass_is_tried_again(api: Api, order: Order, dynamodb: Emulator, operation: str, code: str):
    for _ in range(3):  # more than the SDK tries
        dynamodb.fail(operation, refused(code, PASSING[code]))

    assert deliver(api, event(COMPLETED, session(order))).status == 200
    assert granted(api) == [1100]


@OPERATIONS
@pytest.mark.parametrize(
    "code", [*PASSING, "AccessDeniedException", "ValidationException", "ResourceNotFoundException"]
)
def test_no_failure_of_dynamodb_is_taken_for_a_duplicate(
    api: Api, order: Order, dynamodb: Emulator, operation: str, code: str
):
    dynamodb.fail_always(operation, refused(code, PASSING.get(code, 400)))
    paid = event(COMPLETED, session(order))

    first = deliver(api, paid)

    assert (first.status, first.headers.get("retry-after")) == ((503, "2") if code in PASSING else (500, None))
    assert granted(api) == []
    dynamodb.clear_faults()
    assert deliver(api, paid).status == 200
    assert granted(api) == [1100]


def test_a_lost_race_is_decided_again(api: Api, order: Order, dynamodb: Emulator):
    dynamodb.fail("TransactWriteItems", overtaken_by(lambda: deliver(api, event(SUCCEEDED, intent(order)))))

    assert deliver(api, event(COMPLETED, session(order))).status == 200
    assert granted(api) == [1100]


def test_two_grants_to_one_user_at_the_same_time_are_both_kept(api: Api, order: Order, dynamodb: Emulator):
    other = store.place_order(an_order(payment_id="0" * 8 + PAYMENT_ID[8:], provider_order_id="cs_test_2"))

    dynamodb.fail("TransactWriteItems", overtaken_by(lambda: deliver(api, event(COMPLETED, session(other)))))

    assert deliver(api, event(COMPLETED, session(order))).status == 200
    assert granted(api) == [1100, 1100]


@pytest.mark.parametrize("fault", [lost_before, lost_after])
def test_a_quarantine_is_reported_also_where_the_response_to_its_write_is_lost(
    api: Api, order: Order, dynamodb: Emulator, fault: Fault, capsys: pytest.CaptureFixture[str]
):
    for _ in range(2):  # all attempts of the SDK
        dynamodb.fail("UpdateItem", fault)

    assert deliver(api, event(COMPLETED, session(order, amount_total=1))).status == 200
    assert api.get(f"/api/payments/{PAYMENT_ID}", as_admin()).json()["quarantine_reason"]
    assert '"PaymentQuarantined":[1.0]' in capsys.readouterr().out


def test_a_decline_that_a_payment_overtakes_is_decided_again(api: Api, order: Order, dynamodb: Emulator):
    dynamodb.fail("UpdateItem", overtaken_by(lambda: deliver(api, event(COMPLETED, session(order)))))

    assert deliver(api, event(DECLINED, declined_intent(order))).status == 200
    assert (status(api), granted(api)) == ("succeeded", [1100])


def test_a_payment_is_decided_again_when_another_session_is_stored_meanwhile(api: Api, dynamodb: Emulator):
    order = store.place_order(an_order(provider_order_id=None, payment_url=None))

    dynamodb.fail("TransactWriteItems", overtaken_by(lambda: store.attach_session(order, "cs_test_other", "https://x")))

    assert deliver(api, event(COMPLETED, session(order))).status == 200
    assert granted(api) == []
    assert api.get(f"/api/payments/{PAYMENT_ID}", as_admin()).json()["quarantine_reason"]


@pytest.mark.parametrize("other", ["ValidationError", "ItemCollectionSizeLimitExceeded"])
def test_a_race_mixed_with_what_will_not_pass_is_no_race(api: Api, order: Order, dynamodb: Emulator, other: str):
    dynamodb.fail_always("TransactWriteItems", cancelled("ConditionalCheckFailed", other, "None"))

    # Not the 503 that ends a series of lost races: this must not be retried as one.
    assert deliver(api, event(COMPLETED, session(order))).status == 500
    assert dynamodb.operations == ["BatchGetItem", "TransactWriteItems"]


@pytest.mark.parametrize("throttled", ["ThrottlingError", "ProvisionedThroughputExceeded"])
@pytest.mark.parametrize("other", ["None", "ConditionalCheckFailed", "TransactionConflict"])
def test_a_transaction_that_is_throttled_is_tried_again_and_ends_in_503(
    api: Api, order: Order, dynamodb: Emulator, throttled: str, other: str, capsys: pytest.CaptureFixture[str]
):
    paid = event(COMPLETED, session(order))
    dynamodb.fail("TransactWriteItems", cancelled(throttled, other))
    assert deliver(api, paid).status == 200

    dynamodb.fail_always("TransactWriteItems", cancelled(throttled, other))
    spend = {"user_id": order.user_id, "amount": 1, "description": "work"}
    response = api.post("/api/users/credits/spend", spend, {"x-api-key": API_KEY, "idempotency-key": "key-1"})

    assert (response.status, response.json()["code"], response.headers["retry-after"]) == (503, "busy", "2")
    assert "UnexpectedFailure" not in capsys.readouterr().out
    dynamodb.clear_faults()
    assert granted(api) == [1100]


def cancelled(*reasons: str) -> Fault:
    """A transaction is cancelled for these reasons."""
    return refused("TransactionCanceledException", CancellationReasons=[{"Code": reason} for reason in reasons])


def test_keys_that_dynamodb_left_out_are_read_again(api: Api, order: Order, dynamodb: Emulator):
    left_out = a_response({"Responses": {}, "UnprocessedKeys": {dynamodb.orders_table: {"Keys": []}}})
    dynamodb.fail("BatchGetItem", lambda _answer: left_out)

    assert deliver(api, event(COMPLETED, session(order))).status == 200
    assert granted(api) == [1100]


def test_endless_races_end_in_503_for_stripe_to_retry(api: Api, order: Order, dynamodb: Emulator):
    dynamodb.fail_always("TransactWriteItems", refused("TransactionInProgressException"))

    response = deliver(api, event(COMPLETED, session(order)))

    assert (response.status, response.json()["code"], response.headers["retry-after"]) == (503, "busy", "2")
    assert granted(api) == []


def test_a_payment_event_before_create_has_ended_grants_and_create_still_stores_its_session(
    api: Api, dynamodb: Emulator
):
    order = store.place_order(an_order(provider_order_id=None, payment_url=None))

    assert deliver(api, event(COMPLETED, session(order))).status == 200
    attached = store.attach_session(order, "cs_test_1", "https://checkout.stripe.com/c/pay/cs_test_1")

    assert attached.payment_url
    assert (status(api), granted(api)) == ("succeeded", [1100])


def test_an_event_that_arrives_during_create_does_not_lose_the_session_that_create_stores(api: Api, dynamodb: Emulator):
    order = store.place_order(an_order(provider_order_id=None, payment_url=None))

    def attached_after_the_read(answer: Callable[[], Any]) -> Any:
        read = answer()
        store.attach_session(order, "cs_test_1", "https://x")
        return read

    dynamodb.fail("BatchGetItem", attached_after_the_read)
    assert deliver(api, event(DECLINED, declined_intent(order))).status == 200

    stored = store.load_order(order.payment_id)
    assert stored is not None
    assert (stored.provider_order_id, stored.payment_url, stored.status) == ("cs_test_1", "https://x", "declined")
