"""A refund that is in flight is resumed, however late and by whom: look at Stripe, make it if it is not there, look."""

from collections.abc import Callable
from typing import Any

import pytest

from local.in_process.api import ApiResponse
from local.in_process.dynamodb import Fault, lost_after, lost_before, overtaken_by
from local.in_process.environment import STACK
from local.in_process.shop import Shop
from tests.integration.stripe_side import (
    REFUNDS,
    calls_of_stripe,
    hold_refund,
    keys_at_stripe,
    refunds_at_stripe,
    stripe_refuses,
    while_stripe_is_asked_for_a_refund,
)
from topup import payment_status, refund_outcomes
from topup.domain.reversals import ReversalStatus
from topup.refund_outcomes import RefundResult

KEY = "key-1"
Resume = Callable[[Shop, str, float | None], Any]  # a response, or a report of reconcile


def by_the_same_key(shop: Shop, payment_id: str, amount: float | None) -> ApiResponse:
    return shop.refund(payment_id, amount, KEY)


def without_a_key(shop: Shop, payment_id: str, amount: float | None) -> ApiResponse:
    return shop.refund(payment_id, amount)


def by_reconcile(shop: Shop, _payment_id: str, _amount: float | None) -> dict[str, Any]:
    report = shop.reconcile()
    assert report["failures"] == 0
    return report


# Who resumes a refund, and of which amount. A part without a key is a refund of its own.
RESUMED = [
    (by_the_same_key, 30.0),
    (by_the_same_key, None),
    (without_a_key, None),
    (by_reconcile, 30.0),
    (by_reconcile, None),
]


def begin(shop: Shop, resume: Resume, amount: float | None, fault: str = "timeout_after") -> str:
    """A refund in flight, of which nobody hears anything; the payment's id."""
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, fault)
    key = KEY if resume is by_the_same_key else None
    assert shop.refund(payment_id, amount, key).status == 202
    shop.lose()
    return payment_id


def check_refunded_once(shop: Shop, payment_id: str, amount: float | None) -> None:
    credits = 1100 if amount is None else 330
    assert [made["amount"] for made in refunds_at_stripe(shop)] == [10000 if amount is None else 3000]
    assert [refund["status"] for refund in shop.payment(payment_id)["refunds"]] == ["succeeded"]
    assert shop.ledger()[1:] == [("refunded", -credits)]
    shop.check()


@pytest.mark.parametrize("hours", [0.05, 0.45, 0.55, 23, 25, 24 * 40])
@pytest.mark.parametrize(("resume", "amount"), RESUMED)
def test_a_refund_whose_response_was_lost_is_made_once_however_late_it_is_resumed(
    shop: Shop, resume: Resume, amount: float | None, hours: float
):
    payment_id = begin(shop, resume, amount)
    shop.wait(hours=hours)
    calls = calls_of_stripe(shop)

    resume(shop, payment_id, amount)

    assert f"POST {REFUNDS}" not in calls
    check_refunded_once(shop, payment_id, amount)


@pytest.mark.parametrize("fault", ["timeout_before", "500"])
@pytest.mark.parametrize(("resume", "amount"), RESUMED)
def test_a_refund_that_stripe_never_made_is_made_after_half_an_hour(
    shop: Shop, resume: Resume, amount: float | None, fault: str
):
    payment_id = begin(shop, resume, amount, fault)
    shop.wait(minutes=30)

    resume(shop, payment_id, amount)

    check_refunded_once(shop, payment_id, amount)


@pytest.mark.parametrize(("resume", "amount"), RESUMED)
def test_a_refund_that_stripe_never_received_is_made_under_its_first_key_for_25_minutes_and_then_only_looked_for(
    shop: Shop, resume: Resume, amount: float | None
):
    payment_id = begin(shop, resume, amount, "timeout_before")
    shop.wait(minutes=25)
    calls = calls_of_stripe(shop)

    resume(shop, payment_id, amount)

    assert not [call for call in calls if call.startswith("POST")]
    assert shop.payment(payment_id)["refunds"][0]["status"] == "pending"
    shop.api.now = shop.now.replace(minute=24)
    resume(shop, payment_id, amount)
    check_refunded_once(shop, payment_id, amount)


@pytest.mark.parametrize(("resume", "amount"), RESUMED)
def test_an_attempt_that_fails_is_followed_by_another_half_an_hour_later(
    shop: Shop, resume: Resume, amount: float | None
):
    payment_id = begin(shop, resume, amount, "500")
    for _ in range(3):
        shop.wait(minutes=31)
        shop.fault(REFUNDS, "500")  # the look
        resume_quietly(shop, resume, payment_id, amount)
        shop.simulator.set_faults([])
        while_stripe_is_asked_for_a_refund(shop, lambda: shop.fault(REFUNDS, "500"))
        resume_quietly(shop, resume, payment_id, amount)
        assert refunds_at_stripe(shop) == []
        # Stripe replays the failure under the key of this attempt.
        shop.wait(minutes=4)
        resume_quietly(shop, resume, payment_id, amount)
        assert refunds_at_stripe(shop) == []

    shop.wait(minutes=31)
    resume(shop, payment_id, amount)

    check_refunded_once(shop, payment_id, amount)


def resume_quietly(shop: Shop, resume: Resume, payment_id: str, amount: float | None) -> None:
    """Resume a refund that stays in flight."""
    if resume is by_reconcile:
        shop.reconcile()
    else:
        response = resume(shop, payment_id, amount)
        assert (response.status, response.json()["success"]) == (202, False)


def test_two_that_begin_the_next_attempt_at_once_make_one_refund(shop: Shop):
    payment_id = begin(shop, by_the_same_key, 30.0, "timeout_before")
    shop.wait(minutes=31)
    faster: list[int] = []
    shop.dynamodb.fail("UpdateItem", overtaken_by(lambda: faster.append(shop.refund(payment_id, 30.0, KEY).status)))

    slower = shop.refund(payment_id, 30.0, KEY).status

    assert (faster, slower) == ([200], 202)
    assert shop.refund(payment_id, 30.0, KEY).status == 200
    check_refunded_once(shop, payment_id, 30.0)


def test_of_two_that_begin_the_next_attempt_only_the_first_asks_stripe_for_the_refund(shop: Shop):
    payment_id = begin(shop, by_the_same_key, 30.0, "timeout_before")
    shop.wait(minutes=31)

    def ask_in_vain() -> None:
        while_stripe_is_asked_for_a_refund(shop, lambda: shop.fault(REFUNDS, "timeout_before"))
        assert shop.refund(payment_id, 30.0, KEY).status == 202

    shop.dynamodb.fail("UpdateItem", overtaken_by(ask_in_vain))
    keys = keys_at_stripe(shop)

    assert shop.refund(payment_id, 30.0, KEY).status == 202

    assert len(keys) == 1
    assert shop.refund(payment_id, 30.0, KEY).status == 200
    check_refunded_once(shop, payment_id, 30.0)


def test_no_attempt_begins_once_the_outcome_of_the_one_before_is_recorded(shop: Shop):
    payment_id, _ = shop.buy()
    held = hold_refund(shop)
    assert shop.refund(payment_id, 30.0, KEY).status == 202
    shop.wait(minutes=31)

    def made_and_reported() -> None:
        held[0]()
        shop.deliver()

    shop.dynamodb.fail("UpdateItem", overtaken_by(made_and_reported))
    keys = keys_at_stripe(shop)

    assert shop.refund(payment_id, 30.0, KEY).status == 202

    assert keys == []
    assert shop.refund(payment_id, 30.0, KEY).status == 200
    check_refunded_once(shop, payment_id, 30.0)


def test_reconcile_leaves_a_refund_to_the_request_that_begins_the_next_attempt_at_the_same_time(shop: Shop):
    payment_id = begin(shop, by_the_same_key, 30.0, "timeout_before")
    shop.wait(minutes=31)
    shop.dynamodb.fail("UpdateItem", overtaken_by(lambda: shop.refund(payment_id, 30.0, KEY)))

    report = by_reconcile(shop, payment_id, 30.0)

    assert (report["refunds"]["found"], report["refunds"]["repaired"]) == (1, 0)
    check_refunded_once(shop, payment_id, 30.0)


@pytest.mark.parametrize("fault", [lost_before, lost_after])
def test_a_lost_response_to_the_beginning_of_an_attempt_makes_no_second_refund(shop: Shop, fault: Fault):
    payment_id = begin(shop, by_the_same_key, 30.0, "timeout_before")
    shop.wait(minutes=31)
    for _ in range(2):
        shop.dynamodb.fail("UpdateItem", fault)

    assert shop.refund(payment_id, 30.0, KEY).status == 202

    assert shop.refund(payment_id, 30.0, KEY).status == 200
    check_refunded_once(shop, payment_id, 30.0)


# ------------------------------------------------------------------------------------------------------------ refusals

Refusals = list[tuple[int, dict[str, Any]]]
OF_THE_KEY: Refusals = [(401, {}), (403, {}), (400, {"type": "idempotency_error"})]
PASSING: Refusals = [
    (409, {"type": "idempotency_error", "code": "idempotency_key_in_use"}),
    (429, {"code": "rate_limit"}),
]
OF_THE_REFUND: Refusals = [
    (400, {"code": "parameter_invalid_integer"}),
    (400, {"code": "charge_expired_for_refund"}),
    (402, {"code": "card_declined", "type": "card_error"}),
    (404, {"code": "resource_missing"}),
    (405, {}),
    (424, {}),
]


@pytest.mark.parametrize(("status", "error"), OF_THE_KEY + PASSING + OF_THE_REFUND)
@pytest.mark.parametrize(("resume", "amount"), RESUMED)
def test_a_refund_that_stripe_made_is_never_undone_by_a_refusal(
    shop: Shop, resume: Resume, amount: float | None, status: int, error: dict[str, Any]
):
    payment_id = begin(shop, resume, amount)
    shop.wait(minutes=3)
    stripe_refuses(shop, status, **error)

    resume(shop, payment_id, amount)

    check_refunded_once(shop, payment_id, amount)


@pytest.mark.parametrize(("status", "error"), OF_THE_KEY + PASSING)
@pytest.mark.parametrize(("resume", "amount"), RESUMED)
def test_a_refusal_that_says_nothing_of_the_refund_leaves_it_in_flight(
    shop: Shop, resume: Resume, amount: float | None, status: int, error: dict[str, Any]
):
    payment_id = begin(shop, resume, amount, "timeout_before")
    shop.wait(minutes=3)
    stripe_refuses(shop, status, **error)

    resume_quietly(shop, resume, payment_id, amount)

    assert shop.payment(payment_id)["refunds"][0]["status"] == "pending"
    shop.wait(minutes=3)
    resume(shop, payment_id, amount)
    check_refunded_once(shop, payment_id, amount)


@pytest.mark.parametrize(("status", "error"), OF_THE_REFUND)
@pytest.mark.parametrize(("resume", "amount"), RESUMED)
def test_a_refusal_of_a_later_try_without_a_trace_at_stripe_ends_the_refund(
    shop: Shop, resume: Resume, amount: float | None, status: int, error: dict[str, Any]
):
    payment_id = begin(shop, resume, amount, "timeout_before")
    shop.wait(minutes=3)
    stripe_refuses(shop, status, **error)

    outcome = resume(shop, payment_id, amount)

    if resume is by_reconcile:
        assert (outcome["refunds"]["repaired"], outcome["failures"]) == (1, 0)
    else:
        assert (outcome.status, outcome.json()["code"]) == (502, "stripe_error")
    assert shop.payment(payment_id)["refunds"][0]["status"] == "failed"
    assert shop.balance() == 1100
    assert refunds_at_stripe(shop) == []
    shop.check()


@pytest.mark.parametrize(("status", "error"), OF_THE_REFUND)
def test_a_refusal_of_the_first_try_ends_nothing_while_a_later_one_makes_the_refund(
    shop: Shop, status: int, error: dict[str, Any]
):
    payment_id = begin(shop, by_the_same_key, 30.0, "timeout_before")
    begun = payment_status.find(payment_id)
    first: list[RefundResult] = []

    def refuse_the_first_try() -> None:
        stripe_refuses(shop, status, **error)
        first.append(refund_outcomes.make(RefundResult(order=begun.order, refund=begun.reversals[0]), shop.now))

    while_stripe_is_asked_for_a_refund(shop, refuse_the_first_try)

    assert shop.refund(payment_id, 30.0, KEY).status == 200

    assert first[0].refund.status is ReversalStatus.IN_FLIGHT
    check_refunded_once(shop, payment_id, 30.0)


@pytest.mark.parametrize(("status", "error"), OF_THE_REFUND)
@pytest.mark.parametrize(("resume", "amount"), RESUMED[:2])
def test_a_refusal_of_a_later_try_ends_nothing_while_an_earlier_one_may_make_the_refund(
    shop: Shop, resume: Resume, amount: float | None, status: int, error: dict[str, Any]
):
    payment_id, _ = shop.buy()
    held = hold_refund(shop)
    assert shop.refund(payment_id, amount, KEY).status == 202
    shop.wait(hours=25 / 3600)
    stripe_refuses(shop, status, **error)

    resume_quietly(shop, resume, payment_id, amount)

    held[0]()
    assert shop.refund(payment_id, amount, KEY).status == 200
    check_refunded_once(shop, payment_id, amount)


@pytest.mark.parametrize(("status", "error"), OF_THE_REFUND)
def test_of_two_later_tries_at_once_a_refusal_of_either_ends_nothing(shop: Shop, status: int, error: dict[str, Any]):
    payment_id = begin(shop, by_the_same_key, 30.0, "timeout_before")
    shop.wait(minutes=3)
    others: list[int] = []

    def refuse_another_try() -> None:
        stripe_refuses(shop, status, **error)
        others.append(shop.refund(payment_id, 30.0, KEY).status)

    stripe_refuses(shop, status, **error)
    while_stripe_is_asked_for_a_refund(shop, refuse_another_try)
    others.append(shop.refund(payment_id, 30.0, KEY).status)
    while_stripe_is_asked_for_a_refund(shop, refuse_another_try)
    others.append(shop.refund(payment_id, 30.0, KEY).status)

    assert others == [202, 202, 202, 200]
    check_refunded_once(shop, payment_id, 30.0)


@pytest.mark.parametrize(("status", "error"), OF_THE_KEY + OF_THE_REFUND)
@pytest.mark.parametrize(("resume", "amount"), RESUMED)
def test_a_refund_that_another_request_makes_while_stripe_refuses_this_one_is_found(
    shop: Shop, resume: Resume, amount: float | None, status: int, error: dict[str, Any]
):
    payment_id = begin(shop, resume, amount, "timeout_before")
    shop.wait(minutes=3)
    stripe_refuses(shop, status, is_made=True, **error)

    resume(shop, payment_id, amount)

    check_refunded_once(shop, payment_id, amount)


@pytest.mark.parametrize(("status", "error"), OF_THE_REFUND + OF_THE_KEY[:2])
@pytest.mark.parametrize("hears", ["webhook", "reconcile"])
@pytest.mark.parametrize("amount", [30.0, None])
def test_stripes_word_counts_more_than_a_refusal_of_the_first_try(
    shop: Shop, amount: float | None, hears: str, status: int, error: dict[str, Any]
):
    payment_id, _ = shop.buy()
    credits = 1100 if amount is None else 330
    stripe_refuses(shop, status, is_made=True, **error)

    response = shop.refund(payment_id, amount, KEY)

    assert (response.status, response.json()["code"]) == (502, "stripe_error")
    assert shop.payment(payment_id)["refunds"][0]["status"] == "failed"
    assert shop.balance() == 1100
    if hears == "webhook":
        assert set(shop.deliver()) == {200}
    else:
        shop.lose()
        assert shop.reconcile()["failures"] == 0
    assert shop.ledger()[1:] == [("refunded", -credits), ("refund_reversed", credits), ("refunded", -credits)]
    assert shop.payment(payment_id)["refunds"][0]["status"] == "succeeded"
    assert shop.refund(payment_id, amount, KEY).status == 200
    assert len(refunds_at_stripe(shop)) == 1
    shop.check()


@pytest.mark.parametrize(("status", "error"), PASSING + OF_THE_KEY[2:])
def test_a_first_try_that_stripe_may_be_working_on_is_not_refused(shop: Shop, status: int, error: dict[str, Any]):
    payment_id, _ = shop.buy()
    stripe_refuses(shop, status, **error)

    assert shop.refund(payment_id, 30.0, KEY).status == 202

    assert shop.refund(payment_id, 30.0, KEY).status == 200
    check_refunded_once(shop, payment_id, 30.0)


def test_a_webhook_that_races_the_later_try_counts_once(shop: Shop):
    payment_id = begin(shop, by_the_same_key, 30.0, "timeout_before")
    while_stripe_is_asked_for_a_refund(shop, lambda: shop.refund(payment_id, 30.0, KEY) and shop.deliver())

    assert shop.refund(payment_id, 30.0, KEY).status == 200

    check_refunded_once(shop, payment_id, 30.0)


def test_equal_refunds_in_a_row_without_a_key_are_refunds_of_their_own(shop: Shop):
    payment_id, _ = shop.buy()

    assert [shop.refund(payment_id, 30.0).status for _ in range(3)] == [200, 200, 200]

    assert [made["amount"] for made in refunds_at_stripe(shop)] == [3000, 3000, 3000]
    shop.check()


def test_a_part_without_a_key_is_a_refund_of_its_own_also_beside_an_abandoned_one(shop: Shop):
    payment_id = begin(shop, without_a_key, 30.0)
    shop.wait(minutes=1)

    assert shop.refund(payment_id, 30.0).status == 200

    assert [made["amount"] for made in refunds_at_stripe(shop)] == [3000, 3000]
    assert [refund["status"] for refund in shop.payment(payment_id)["refunds"]] == ["pending", "succeeded"]
    shop.check()


def test_another_key_is_not_handed_an_abandoned_refund(shop: Shop):
    payment_id = begin(shop, by_the_same_key, None)
    shop.wait(minutes=1)

    response = shop.refund(payment_id, key="key-2")

    assert (response.status, response.json()["code"]) == (409, "not_refundable")
    assert shop.refund(payment_id, key=KEY).status == 200
    check_refunded_once(shop, payment_id, None)


# --------------------------------------------------------------------------------------------- figures that are stale


@pytest.mark.parametrize("in_dashboard", [10000, 8000])
@pytest.mark.parametrize("amount", [30.0, None])
@pytest.mark.parametrize("resume", [None, by_the_same_key, by_reconcile])
def test_a_refusal_because_of_refunds_that_we_had_not_heard_of_brings_them_up_to_date(
    shop: Shop, resume: Resume | None, amount: float | None, in_dashboard: int
):
    payment_id, intent = shop.buy()
    if resume:
        shop.fault(REFUNDS, "timeout_before")
        assert shop.refund(payment_id, amount, KEY).status == 202
    shop.simulator.refund(intent, amount=in_dashboard)  # in the Dashboard
    shop.lose()
    shop.wait(minutes=3)

    if resume is by_reconcile:
        report = by_reconcile(shop, payment_id, amount)
        assert report["refunds"]["repaired"] == 1
    first, again = (shop.refund(payment_id, amount, KEY) for _ in range(2))

    assert (first.status, first.json()["code"]) == (409, "not_refundable")
    assert first.json()["largest_refundable"] == f"{100 - in_dashboard / 100:.2f}"
    assert (again.status, again.json()["detail"]) == (409, first.json()["detail"])
    assert shop.balance() == 1100 - 1100 * in_dashboard // 10000
    refunds = shop.payment(payment_id)["refunds"]
    assert sorted(refund["status"] for refund in refunds) == ["failed", "succeeded"]
    shop.check()


@pytest.mark.parametrize("code", ["charge_already_refunded", "amount_too_large", None])
def test_each_word_of_stripes_for_an_amount_that_is_not_left_brings_our_figures_up_to_date(
    shop: Shop, code: str | None
):
    payment_id, intent = shop.buy()
    shop.simulator.refund(intent, amount=8000)
    shop.lose()
    stripe_refuses(shop, 400, code=code, param="amount")

    response = shop.refund(payment_id, 30.0, KEY)

    assert (response.status, response.json()["largest_refundable"]) == (409, "20.00")
    shop.check()


def test_the_credits_of_a_refund_that_was_refused_do_not_return_before_those_of_the_others_are_taken(shop: Shop):
    payment_id, intent = shop.buy()
    shop.simulator.refund(intent)
    shop.lose()

    assert shop.refund(payment_id).status == 409

    assert shop.ledger()[1:] == [("refunded", -1100), ("refunded", 0), ("refund_reversed", 0)]
    shop.check()


def test_a_refusal_because_of_a_dispute_that_we_had_not_heard_of_brings_it_up_to_date(shop: Shop):
    payment_id, intent = shop.buy()
    shop.simulator.dispute(intent)
    shop.lose()

    response = shop.refund(payment_id, 30.0, KEY)

    assert (response.status, response.json()["code"]) == (409, "not_refundable")
    assert "disputed" in response.json()["detail"]
    assert shop.balance() == 0
    assert shop.refund(payment_id, 30.0, KEY).status == 409
    shop.check()


def test_a_refund_that_was_refused_for_another_reason_stays_502_for_the_same_key(shop: Shop):
    payment_id, _ = shop.buy()
    stripe_refuses(shop, 400, code="charge_expired_for_refund")

    first, second = (shop.refund(payment_id, 30.0, KEY) for _ in range(2))

    assert (first.status, second.status) == (502, 502)
    assert "charge_expired_for_refund" in first.json()["detail"]
    assert shop.refund(payment_id, 30.0, "key-2").status == 200
    shop.check()


# ------------------------------------------------------------------------------------------- what older versions wrote


def rewrite(shop: Shop, payment_id: str, update: str, **values: Any) -> None:
    """Change the stored refund as another version would have written it."""
    [refund] = [
        item
        for item in shop.dynamodb.client.scan(TableName=shop.dynamodb.orders_table)["Items"]
        if item["record"]["S"].startswith("REFUND#")
    ]
    shop.dynamodb.client.update_item(
        TableName=shop.dynamodb.orders_table,
        Key={"payment_id": {"S": payment_id}, "record": refund["record"]},
        UpdateExpression=update,
        **values,
    )


def test_stripes_word_counts_more_than_a_refusal_that_an_older_version_stored_as_failed(shop: Shop):
    payment_id, _ = shop.buy()
    stripe_refuses(shop, 401, is_made=True)
    assert shop.refund(payment_id, 30.0, KEY).status == 502
    values = {":failed": {"S": "failed"}}
    names = {"#status": "status"}
    rewrite(
        shop,
        payment_id,
        "SET #status = :failed",
        ExpressionAttributeValues=values,
        ExpressionAttributeNames=names,
    )

    assert set(shop.deliver()) == {200}

    assert shop.payment(payment_id)["refunds"][0]["status"] == "succeeded"
    assert shop.balance() == 770
    shop.check()


@pytest.mark.parametrize("minutes", [3, 31])
def test_a_refund_that_an_older_version_began_is_made_under_the_key_of_that_version_and_then_under_ours(
    shop: Shop, minutes: int
):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "timeout_before")
    assert shop.refund(payment_id, 30.0, KEY).status == 202
    rewrite(shop, payment_id, "REMOVE attempt, tried_at")
    shop.wait(minutes=minutes)
    keys = keys_at_stripe(shop)

    assert shop.refund(payment_id, 30.0, KEY).status == 200

    [refund] = refunds_at_stripe(shop)
    refund_id = refund["metadata"]["refund_id"]
    assert keys == [refund_id if minutes < 25 else f"{STACK}/{refund_id}-2"]
    check_refunded_once(shop, payment_id, 30.0)


def test_the_keys_at_stripe_name_the_stack_and_the_attempt(shop: Shop):
    payment_id, _ = shop.buy()
    keys = keys_at_stripe(shop)
    shop.fault(REFUNDS, "500")
    assert shop.refund(payment_id, 30.0, KEY).status == 202
    for minutes in (1, 31, 1):
        shop.wait(minutes=minutes)
        while_stripe_is_asked_for_a_refund(shop, lambda: shop.fault(REFUNDS, "500"))
        shop.refund(payment_id, 30.0, KEY)

    refund_id = keys[0].removeprefix(f"{STACK}/")
    assert keys == [f"{STACK}/{refund_id}"] * 2 + [f"{STACK}/{refund_id}-2"] * 2
