"""D. Refunds: the money and the credits go together, once, whoever makes them and whatever is lost on the way."""

import io
import json
import sys
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

import pytest
import stripe
from botocore.awsrequest import AWSResponse
from pydantic import TypeAdapter

from local.in_process.api import as_admin, as_user
from local.in_process.dynamodb import (
    Crash,
    Emulator,
    Fault,
    crashed_after,
    crashed_before,
    lost_after,
    lost_before,
    refused,
)
from local.in_process.environment import API_KEY, NOW
from local.in_process.shop import Shop
from local.stripe_simulator import Behaviour
from tests.support.builders import a_payment, an_order
from topup import fulfilment, store
from topup.domain.reversals import Kind, Reversal, ReversalStatus
from topup.stripe_gateway import refunds

REFUNDS = "/v1/refunds"


def at_stripe(shop: Shop) -> list[dict[str, Any]]:
    """The refunds that Stripe has."""
    status, _, body = shop.simulator.request("GET", f"{REFUNDS}?limit=100", {"Authorization": "Bearer sk_test_1"}, b"")
    assert status == 200
    found: list[dict[str, Any]] = json.loads(body)["data"]
    return found


def test_a_full_refund_gives_the_money_back_and_takes_the_credits(shop: Shop):
    payment_id, _ = shop.buy()

    answer = shop.refund(payment_id)

    assert answer.status == 200
    assert answer.json() == {
        "success": True,
        "refund_id": at_stripe(shop)[0]["id"],
        "amount": 100.0,
        "credits_refunded": 1100,
        "message": "Refund processed successfully",
    }
    assert shop.balance() == 0
    assert shop.ledger() == [("purchased", 1100), ("refunded", -1100)]
    shop.check()


def test_a_refund_costs_one_call_of_stripe(shop: Shop):
    payment_id, _ = shop.buy()
    calls: list[str] = []
    answer = shop.simulator.request

    def counted(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Any:
        calls.append(f"{method} {url}")
        return answer(method, url, headers, body)

    shop.simulator.request = counted  # type: ignore[method-assign]
    shop.dynamodb.operations.clear()
    shop.refund(payment_id)

    assert [call.upper() for call in calls] == [f"POST {REFUNDS.upper()}"]
    assert shop.dynamodb.operations == ["Query", "Query", "TransactWriteItems", "TransactWriteItems"]


def test_a_payment_shows_its_refunds(shop: Shop):
    payment_id, _ = shop.buy()
    refund_id = shop.refund(payment_id, 25.5).json()["refund_id"]

    seen = shop.payment(payment_id)

    assert (seen["status"], seen["amount_refunded"], seen["credits_refunded"]) == ("succeeded", 25.5, 280)
    assert seen["refunds"] == [
        {
            "refund_id": refund_id,
            "amount": 25.5,
            "status": "succeeded",
            "reason": "Customer request",
            "created_at": "2026-03-01T12:00:00Z",
        }
    ]


def test_a_refund_that_is_made_while_a_status_read_asks_stripe_is_shown_whole(shop: Shop, dynamodb: Emulator):
    payment = shop.create()
    intent = shop.pay(payment)
    shop.wait(seconds=6)

    def meanwhile(answer: Callable[[], AWSResponse]) -> AWSResponse:
        shop.deliver()
        shop.simulator.refund(intent)
        shop.deliver()
        return answer()

    dynamodb.fail("UpdateItem", meanwhile)  # the read's claim to be the one who asks
    seen = shop.payment(payment["payment_id"])

    assert (seen["status"], seen["amount_refunded"], seen["credits_refunded"]) == ("succeeded", 100.0, 1100)
    assert [refund["status"] for refund in seen["refunds"]] == ["succeeded"]
    shop.check()


def test_a_payment_without_refunds_shows_none(shop: Shop):
    payment_id, _ = shop.buy()

    assert not {"amount_refunded", "credits_refunded", "refunds"} & shop.payment(payment_id).keys()


@pytest.mark.parametrize("headers", [{}, {"x-api-key": API_KEY}, as_user(), as_user(role="notadmin")])
def test_only_an_admin_may_refund_and_stripe_is_not_asked(shop: Shop, headers: dict[str, str]):
    payment_id, _ = shop.buy()

    answer = shop.api.post("/api/payments/stripe/refund", {"payment_id": payment_id}, headers)

    assert answer.status == (403 if "authorization" in headers else 401)
    assert at_stripe(shop) == []


def test_an_unknown_payment_is_not_found(shop: Shop):
    for payment_id in ("x", "00000000-0000-4000-8000-000000000000"):
        assert shop.refund(payment_id).status == 404


@pytest.mark.parametrize("ending", [None, "4000000000000002", "expired"])
def test_a_payment_that_is_not_paid_cannot_be_refunded(shop: Shop, ending: str | None):
    payment = shop.create()
    if ending == "expired":
        shop.simulator.expire(payment["payment_url"].rpartition("/")[2])
    elif ending:
        shop.simulator.pay(payment["payment_url"].rpartition("/")[2], card=ending)
    shop.deliver()

    answer = shop.refund(payment["payment_id"])

    assert (answer.status, answer.json()["code"]) == (409, "not_refundable")


@pytest.mark.parametrize("amount", [0, -1, 0.001, "1", True, 10**40, 1e40, [1]], ids=str)
def test_an_amount_that_is_no_money_is_refused_by_name(shop: Shop, amount: Any):
    payment_id, _ = shop.buy()

    answer = shop.refund(payment_id, amount)

    assert answer.status == 422
    assert {error["field"].partition(".")[0] for error in answer.json()["errors"]} == {"amount"}
    assert at_stripe(shop) == []


@pytest.mark.parametrize("change", [{"credits": 1}, {"reason": 1}, {"force": "yes"}, {"reason": "x" * 5001}])
def test_a_wrong_field_is_named(shop: Shop, change: dict[str, Any]):
    payment_id, _ = shop.buy()

    answer = shop.refund(payment_id, **change)

    assert (answer.status, [error["field"] for error in answer.json()["errors"]]) == (422, list(change))


def test_more_than_was_paid_is_refused_with_what_is_left(shop: Shop):
    payment_id, _ = shop.buy()
    shop.refund(payment_id, 60)

    answer = shop.refund(payment_id, 40.01)

    assert (answer.status, answer.json()["code"]) == (409, "not_refundable")
    assert answer.json()["largest_refundable"] == "40.00"


def test_the_reason_is_kept_and_given_to_stripe_in_words_that_stripe_knows(shop: Shop):
    payment_id, _ = shop.buy()
    for reason in ("Customer request", "Duplicate payment", "They were very nice about it", None):
        shop.refund(payment_id, 1, reason=reason)
        shop.wait(seconds=1)

    assert [(made["reason"], made["metadata"].get("reason")) for made in at_stripe(shop)[::-1]] == [
        ("requested_by_customer", "Customer request"),
        ("duplicate", "Duplicate payment"),
        (None, "They were very nice about it"),
        (None, None),
    ]
    assert [one["reason"] for one in shop.payment(payment_id)["refunds"]][2] == "They were very nice about it"


def test_a_hostile_reason_stays_in_one_log_line(shop: Shop, log: io.StringIO):
    payment_id, _ = shop.buy()
    hostile = 'x\n{"level":"ERROR"}\x1b[31m😀' + "y" * 4900

    assert shop.refund(payment_id, reason=hostile).status == 200
    assert shop.payment(payment_id)["refunds"][0]["reason"] == hostile
    assert all(json.loads(line) for line in log.getvalue().splitlines())


def test_the_refund_is_asked_for_in_stripes_own_types(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    params = stripe.params.RefundCreateParams
    for name, value in {"StripeContext": str, "Mapping": Mapping, "UntypedStripeObject": frozenset}.items():
        monkeypatch.setattr(sys.modules[params.__module__], name, value, raising=False)
    refund = Reversal(
        kind=Kind.REFUND, reversal_id="r", payment_id="p", amount_minor=1, status=ReversalStatus.IN_FLIGHT,
        created_at=NOW, reason="Duplicate",
    )  # fmt: skip

    asked = refunds.refund_params(an_order(transaction_id="pi_1"), refund)

    TypeAdapter(params).validate_python(asked, strict=True, extra="forbid")


# ------------------------------------------------------------------------------------------------ parts, and rounding


def test_odd_partial_refunds_down_to_nothing_leave_no_residue(shop: Shop):
    payment_id, _ = shop.buy()
    for number in range(36):
        assert shop.refund(payment_id, round(1.37 + number / 100, 2)).status == 200, number

    last = shop.refund(payment_id)

    assert last.status == 200
    assert (shop.payment(payment_id)["amount_refunded"], shop.payment(payment_id)["credits_refunded"]) == (100.0, 1100)
    assert sum(amount for _, amount in shop.ledger()) == shop.balance() == 0
    shop.check()
    assert shop.refund(payment_id).json()["code"] == "not_refundable"


def test_a_refund_too_small_for_a_credit_takes_none(shop: Shop):
    payment_id, _ = shop.buy()

    assert shop.refund(payment_id, 0.05).json()["credits_refunded"] == 0
    assert shop.refund(payment_id, 0.05).json()["credits_refunded"] == 1
    shop.check()


# ------------------------------------------------------------------------------------------------ credits that are gone


def test_a_refund_of_spent_credits_is_refused_with_the_largest_that_would_do(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(600)

    answer = shop.refund(payment_id)

    assert (answer.status, answer.json()["code"]) == (409, "credits_spent")
    largest = float(answer.json()["largest_refundable"])
    assert at_stripe(shop) == []
    assert shop.refund(payment_id, round(largest + 0.01, 2)).json()["code"] == "credits_spent"
    assert shop.refund(payment_id, largest).status == 200
    assert (shop.balance(), shop.credits()["debt"]) == (0, 0)
    shop.check()


def test_a_forced_refund_leaves_a_debt_that_the_next_purchase_pays(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(600)

    answer = shop.refund(payment_id, force=True)

    assert (answer.status, answer.json()["credits_refunded"]) == (200, 1100)
    assert (shop.credits()["debt"], shop.balance()) == (600, -600)
    shop.check()
    shop.buy()
    assert (shop.credits()["debt"], shop.balance()) == (0, 500)
    shop.check()


def test_a_claw_back_takes_other_lots_too_soonest_expiry_first(shop: Shop):
    first, _ = shop.buy("trial")
    shop.wait(days=1)
    second, _ = shop.buy("trial")
    shop.wait(days=1)
    third, _ = shop.buy("trial")
    shop.spend(700)  # all of the first, 200 of the second

    shop.refund(first)

    assert [(lot["payment_id"], lot["remaining"]) for lot in shop.credits()["lots"]] == [(third, 300)]
    assert second
    shop.check()


def test_its_own_lot_comes_first_though_others_expire_sooner(shop: Shop):
    sooner, _ = shop.buy("trial")
    shop.wait(days=1)
    own, _ = shop.buy("trial")

    shop.refund(own)

    assert [(lot["payment_id"], lot["remaining"]) for lot in shop.credits()["lots"]] == [(sooner, 500)]


@pytest.mark.parametrize("is_swept", [True, False])
def test_credits_that_expired_are_not_taken_again_and_leave_no_debt(shop: Shop, is_swept: bool):
    payment_id, _ = shop.buy()
    shop.api.now = NOW.replace(month=9)
    if is_swept:
        shop.run_timers()
    shop.buy("trial")

    assert shop.refund(payment_id).json()["credits_refunded"] == 0

    assert (shop.balance(), shop.credits()["debt"]) == (500, 0)
    shop.check()
    shop.run_timers()
    shop.check()


def test_only_what_was_spent_of_an_expired_lot_is_taken(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(600)
    shop.api.now = NOW.replace(month=9)
    shop.run_timers()
    shop.buy("value")

    assert shop.refund(payment_id).json()["credits_refunded"] == 600
    assert shop.balance() == 5400
    shop.check()


# ---------------------------------------------------------------------------------------------------------- once


def test_the_same_key_makes_one_refund_and_answers_the_same(shop: Shop):
    payment_id, _ = shop.buy()

    first, second = shop.refund(payment_id, 10, "key-1"), shop.refund(payment_id, 10, "key-1")

    assert first.json() == second.json()
    assert len(at_stripe(shop)) == 1
    assert shop.refund(payment_id, 11, "key-1").json()["code"] == "idempotency_conflict"


def test_two_full_refunds_at_once_make_one(shop: Shop):
    payment_id, _ = shop.buy()
    answers = []

    def overtaken(answer: Callable[[], Any]) -> Any:
        with shop.dynamodb.acting_as("refund_payment"):
            answers.append(shop.refund(payment_id))
        return answer()

    shop.dynamodb.fail("TransactWriteItems", overtaken)
    answers.append(shop.refund(payment_id))

    assert [answer.status for answer in answers] == [200, 409]
    assert len(at_stripe(shop)) == 1
    assert shop.ledger()[1:] == [("refunded", -1100)]
    shop.check()


def test_partial_refunds_at_once_never_exceed_what_was_paid(shop: Shop):
    payment_id, _ = shop.buy()

    def overtaken(answer: Callable[[], Any]) -> Any:
        with shop.dynamodb.acting_as("refund_payment"):
            assert shop.refund(payment_id, 70).status == 200
        return answer()

    shop.dynamodb.fail("TransactWriteItems", overtaken)

    assert shop.refund(payment_id, 70).json()["largest_refundable"] == "30.00"
    assert sum(made["amount"] for made in at_stripe(shop)) == 7000
    shop.check()


def test_its_own_webhooks_take_nothing_more(shop: Shop):
    payment_id, _ = shop.buy()
    shop.simulator.set_webhooks(Behaviour(duplicates=2, shuffle=True))

    shop.refund(payment_id, 25)
    assert set(shop.deliver()) == {200}

    assert shop.ledger()[1:] == [("refunded", -275)]
    shop.check()


def test_a_webhook_that_overtakes_the_answer_counts_once(shop: Shop):
    payment_id, _ = shop.buy()
    answer = shop.simulator.request

    def overtaken(method: str, url: str, headers: Mapping[str, str], body: bytes) -> Any:
        made = answer(method, url, headers, body)
        shop.simulator.request = answer  # type: ignore[method-assign]
        with shop.dynamodb.acting_as("stripe_webhook"):
            shop.deliver()
        return made

    shop.simulator.request = overtaken  # type: ignore[method-assign]

    assert shop.refund(payment_id).json()["credits_refunded"] == 1100
    assert shop.ledger()[1:] == [("refunded", -1100)]
    shop.check()


# ------------------------------------------------------------------------------------------ lost on the way


@pytest.mark.parametrize("fault", ["timeout_after", "timeout_before", "500"])
def test_while_stripes_answer_is_unknown_the_answer_is_202_and_the_retry_finds_the_same_refund(shop: Shop, fault: str):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, fault)

    first = shop.refund(payment_id, key="key-1")

    assert (first.status, first.json()["success"], first.json()["credits_refunded"]) == (202, False, 1100)
    assert shop.payment(payment_id)["refunds"][0]["status"] == "pending"
    if fault == "500":
        shop.wait(hours=25)  # Stripe replays a stored failure for a day
    second = shop.refund(payment_id, key="key-1")
    assert (second.status, second.json()["success"]) == (200, True)
    assert len(at_stripe(shop)) == 1
    assert shop.ledger()[1:] == [("refunded", -1100)]
    shop.check()


def test_without_a_key_a_retry_waits_and_then_carries_the_same_refund_on(shop: Shop):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "timeout_after")
    assert shop.refund(payment_id).status == 202
    assert shop.refund(payment_id).status == 409

    shop.wait(seconds=31)

    assert shop.refund(payment_id).status == 200
    assert len(at_stripe(shop)) == 1
    shop.check()


def test_a_refund_of_another_amount_is_not_answered_with_one_that_was_abandoned(shop: Shop):
    payment_id, _ = shop.buy()
    shop.fault("/v1/refunds", "timeout_before")
    assert shop.refund(payment_id).status == 202
    shop.wait(seconds=31)

    other = shop.refund(payment_id, amount=37.0)
    same = shop.refund(payment_id, amount=100.0)

    assert (other.status, other.json()["code"]) == (409, "not_refundable")
    assert (same.status, same.json()["amount"]) == (200, 100.0)
    shop.check()


@pytest.mark.parametrize("fault", ["timeout_after", "timeout_before"])
def test_the_webhook_or_reconcile_carries_on_what_nobody_retried(shop: Shop, fault: str):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, fault)
    shop.refund(payment_id)
    if fault == "timeout_after":
        shop.deliver()
    else:
        shop.wait(minutes=3)
        assert shop.reconcile()["refunds"]["repaired"] == 1

    assert shop.payment(payment_id)["refunds"][0]["status"] == "succeeded"
    assert len(at_stripe(shop)) == 1
    assert shop.reconcile()["refunds"]["found"] == 0
    shop.check()


def test_a_stored_failure_of_stripes_is_carried_on_when_stripe_has_forgotten_it(shop: Shop):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "500")
    assert shop.refund(payment_id).status == 202
    shop.wait(minutes=3)
    assert shop.reconcile()["refunds"]["repaired"] == 0

    shop.wait(hours=25)

    assert shop.reconcile()["refunds"]["repaired"] == 1
    assert len(at_stripe(shop)) == 1
    shop.check()


@pytest.mark.parametrize("boundary", range(1, 5))
@pytest.mark.parametrize("crash", [crashed_before, crashed_after])
def test_after_a_crash_at_any_boundary_the_retry_makes_exactly_one_refund(shop: Shop, boundary: int, crash: Fault):
    payment_id, _ = shop.buy()
    shop.dynamodb.fail_at(boundary, crash)
    with pytest.raises(Crash):
        shop.refund(payment_id, 25, "key-1")

    answer = shop.refund(payment_id, 25, "key-1")

    assert (answer.status, answer.json()["success"]) == (200, True)
    assert [made["amount"] for made in at_stripe(shop)] == [2500]
    assert shop.ledger()[1:] == [("refunded", -275)]
    shop.check()


@pytest.mark.parametrize("fault", [lost_before, lost_after])
def test_a_lost_answer_of_dynamodb_takes_nothing_twice(shop: Shop, fault: Fault):
    payment_id, _ = shop.buy()
    shop.dynamodb.fail("TransactWriteItems", fault)

    assert shop.refund(payment_id).status == 200
    assert shop.ledger()[1:] == [("refunded", -1100)]
    shop.check()


def test_a_definite_refusal_gives_the_credits_back_and_says_so(shop: Shop):
    payment_id, intent = shop.buy()
    shop.simulator.refund(intent)  # in the Dashboard, and we have not heard of it yet

    answer = shop.refund(payment_id)

    assert (answer.status, answer.json()["code"]) == (502, "stripe_error")
    assert "charge_already_refunded" in answer.json()["detail"]
    shop.check()
    shop.deliver()
    assert shop.balance() == 0
    assert len(at_stripe(shop)) == 1
    shop.check()


def test_a_refund_that_was_refused_is_not_called_a_success_when_its_key_comes_again(shop: Shop):
    payment_id, intent = shop.buy()
    shop.simulator.refund(intent)
    assert shop.refund(payment_id, key="key-1").status == 502

    assert shop.refund(payment_id, key="key-1").status == 502
    assert shop.balance() == 1100
    shop.check()


def test_once_stripe_has_made_it_nobody_is_told_to_try_again(shop: Shop):
    payment_id, _ = shop.buy()
    answer = shop.simulator.request

    def then_only_races(*request: Any) -> Any:
        made = answer(*request)
        for _ in range(60):
            shop.dynamodb.fail("TransactWriteItems", refused("TransactionInProgressException"))
        shop.simulator.request = answer  # type: ignore[method-assign]
        return made

    shop.simulator.request = then_only_races  # type: ignore[method-assign, assignment]
    first = shop.refund(payment_id, 30)

    assert (first.status, first.json()["success"]) == (202, False)
    shop.dynamodb.clear_faults()
    shop.deliver()
    assert shop.payment(payment_id)["refunds"][0]["status"] == "succeeded"
    assert [made["amount"] for made in at_stripe(shop)] == [3000]
    shop.check()


def test_refunding_a_quarantined_payment_is_acknowledged_and_takes_nothing(shop: Shop):
    payment = shop.create()
    order = store.load_order(payment["payment_id"])
    assert order is not None
    intent = shop.pay(payment)
    disbelieved = a_payment(
        payment_id=order.payment_id, reference=order.payment_id, session_id=None, transaction_id=intent, amount_minor=1
    )
    assert fulfilment.apply(disbelieved, shop.now).order.quarantine_reason

    shop.simulator.refund(intent)
    assert set(shop.deliver()) == {200}

    assert shop.ledger() == []
    assert shop.reconcile()["failures"] == 0
    shop.check()


def test_a_busy_stripe_leaves_the_refund_in_flight(shop: Shop):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "429")

    assert shop.refund(payment_id, key="key-1").status == 202
    assert shop.refund(payment_id, key="key-1").status == 200


def test_a_pending_refund_is_reported_as_pending(shop: Shop):
    payment_id, _ = shop.buy()
    shop.simulator.set_refunds(pending=True)

    answer = shop.refund(payment_id)

    assert (answer.status, answer.json()["success"]) == (200, True)
    assert "pending" in answer.json()["message"]
    assert shop.payment(payment_id)["refunds"][0]["status"] == "pending"
    shop.simulator.settle_refund(answer.json()["refund_id"], "succeeded")
    shop.deliver()
    assert shop.payment(payment_id)["refunds"][0]["status"] == "succeeded"
    assert shop.ledger()[1:] == [("refunded", -1100)]


# -------------------------------------------------------------------------------------- made elsewhere, failing later


def test_a_refund_made_in_the_dashboard_takes_the_credits_once(shop: Shop):
    payment_id, intent = shop.buy()
    shop.simulator.set_webhooks(Behaviour(duplicates=1, shuffle=True))

    made = shop.simulator.refund(intent, 2500)
    assert set(shop.deliver()) == {200}

    assert shop.ledger()[1:] == [("refunded", -275)]
    assert shop.payment(payment_id)["refunds"][0]["refund_id"] == made["id"]
    shop.check()


def test_a_dashboard_refund_of_spent_credits_applies_as_debt(shop: Shop):
    _, intent = shop.buy()
    shop.spend(1100)

    shop.simulator.refund(intent)
    shop.deliver()

    assert (shop.credits()["debt"], shop.balance()) == (1100, -1100)
    shop.check()


@pytest.mark.parametrize("is_ours", [True, False])
def test_a_refund_that_fails_gives_the_credits_back_once(shop: Shop, is_ours: bool):
    payment_id, intent = shop.buy()
    refund_id = (
        shop.refund(payment_id, 25).json()["refund_id"] if is_ours else shop.simulator.refund(intent, 2500)["id"]
    )
    shop.deliver()
    shop.simulator.set_webhooks(Behaviour(duplicates=1, shuffle=True))

    shop.simulator.fail_refund(refund_id)
    assert set(shop.deliver()) == {200}

    assert shop.ledger()[1:] == [("refunded", -275), ("refund_reversed", 275)]
    seen = shop.payment(payment_id)
    assert (seen["amount_refunded"], seen["credits_refunded"], seen["refunds"][0]["status"]) == (0.0, 0, "failed")
    shop.check()
    assert shop.refund(payment_id).status == 200


def test_a_failure_that_overtakes_the_success_is_not_taken_back(shop: Shop):
    payment_id, intent = shop.buy()
    made = shop.simulator.refund(intent)
    shop.simulator.fail_refund(made["id"])

    shop.deliver("refund.failed")
    shop.deliver()

    assert shop.balance() == 1100
    assert shop.payment(payment_id)["refunds"][0]["status"] == "failed"
    shop.check()


def test_credits_that_come_back_pay_a_debt_first(shop: Shop):
    _, intent = shop.buy()
    shop.spend(600)
    made = shop.simulator.refund(intent)
    shop.deliver()
    assert shop.credits()["debt"] == 600

    shop.simulator.fail_refund(made["id"])
    shop.deliver()

    assert (shop.credits()["debt"], shop.balance()) == (0, 500)
    shop.check()


def test_credits_that_come_back_to_an_expired_lot_expire_with_it(shop: Shop):
    payment_id, intent = shop.buy()
    made = shop.simulator.refund(intent)
    shop.deliver()
    shop.api.now = NOW.replace(month=9) + timedelta(days=1)
    shop.run_timers()
    shop.simulator.fail_refund(made["id"])
    shop.deliver()
    assert shop.balance() == 0
    shop.check()

    shop.run_timers()

    assert shop.ledger()[-2:] == [("refund_reversed", 1100), ("expired", -1100)]
    shop.check()
    assert shop.refund(payment_id).json()["credits_refunded"] == 0
    shop.check()


def test_success_replayed_after_a_full_refund_grants_nothing(shop: Shop):
    payment = shop.create()
    shop.pay(payment)
    events = [one.event_id for one in shop.due()]
    shop.deliver()
    shop.refund(payment["payment_id"])
    shop.wait(days=30)

    for event_id in events:
        shop.simulator.resend(event_id)
    assert set(shop.deliver()) == {200}

    assert shop.balance() == 0
    shop.check()


def test_a_refund_that_we_hear_of_before_its_payment_nets_to_zero(shop: Shop):
    payment = shop.create()
    intent = shop.pay(payment)
    shop.simulator.refund(intent)

    shop.deliver("refund.created")
    assert shop.ledger() == [("purchased", 1100), ("refunded", -1100)]
    assert set(shop.deliver()) == {200}

    assert shop.balance() == 0
    assert shop.payment(payment["payment_id"])["status"] == "succeeded"
    shop.check()


def test_a_refund_of_somebody_elses_payment_is_acknowledged_and_nothing_is_touched(shop: Shop):
    body = (
        "mode=payment&success_url=http%3A%2F%2Fx.test%2F&line_items[0][quantity]=1"
        "&line_items[0][price_data][currency]=cny&line_items[0][price_data][unit_amount]=100"
        "&line_items[0][price_data][product_data][name]=x"
    )
    headers = {"Authorization": "Bearer sk_test_1"}
    _, _, made = shop.simulator.request("POST", "/v1/checkout/sessions", headers, body.encode())
    session_id = json.loads(made)["id"]
    shop.simulator.pay(session_id, card="4242424242424242")
    shop.simulator.refund(shop.simulator.session(session_id)["payment_intent"]["id"])
    shop.dynamodb.operations.clear()

    assert set(shop.deliver()) == {200}
    assert shop.dynamodb.operations == []


def test_when_stripe_cannot_be_asked_whose_refund_it_is_the_event_comes_again(shop: Shop):
    _, intent = shop.buy()
    shop.simulator.refund(intent)
    shop.fault(f"/v1/payment_intents/{intent}", "timeout_before")

    [told] = [one for one in shop.due() if one.event_type == "refund.created"]
    assert shop.deliver_one(told) == 502
    assert shop.balance() == 1100

    shop.wait(seconds=10)
    assert set(shop.deliver()) == {200}
    assert shop.balance() == 0


def test_an_admin_is_told_everything_about_the_refunds_of_a_list(shop: Shop):
    payment_id, _ = shop.buy()
    shop.refund(payment_id, 25)

    [listed] = shop.api.get("/api/payments", as_user()).json()["payments"]

    assert listed["amount_refunded"] == 25.0
    assert shop.api.get(f"/api/payments/{payment_id}", as_admin()).json()["refunds"]
