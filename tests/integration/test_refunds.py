"""Refunds by an administrator: what is refunded, what is refused, and which credits are taken."""

import io
import json
import sys
from collections.abc import Mapping
from typing import Any

import pytest
import stripe
from pydantic import TypeAdapter

from local.client import session_of
from local.in_process.api import as_admin, as_user
from local.in_process.dynamodb import Emulator, overtaken_by
from local.in_process.environment import API_KEY, NOW, USER_ID
from local.in_process.shop import Shop
from tests.integration.stripe_side import REFUNDS, calls_of_stripe, refunds_at_stripe
from tests.support.builders import an_order
from topup import store
from topup.domain.reversals import Kind, Reversal, ReversalStatus
from topup.stripe_gateway import refunds


def test_a_full_refund_gives_the_money_back_and_takes_the_credits(shop: Shop):
    payment_id, _ = shop.buy()

    response = shop.refund(payment_id)

    assert response.status == 200
    assert response.json() == {
        "success": True,
        "refund_id": refunds_at_stripe(shop)[0]["id"],
        "amount": 100.0,
        "credits_refunded": 1100,
        "message": "Refund processed successfully",
    }
    assert shop.balance() == 0
    assert shop.ledger() == [("purchased", 1100), ("refunded", -1100)]
    shop.check()


def test_a_refund_costs_one_call_of_stripe_three_reads_and_two_transactions(shop: Shop):
    payment_id, _ = shop.buy()
    calls = calls_of_stripe(shop)
    shop.dynamodb.operations.clear()

    shop.refund(payment_id)

    assert calls == [f"POST {REFUNDS}"]
    assert shop.dynamodb.operations == ["Query", "Query", "BatchGetItem", "TransactWriteItems", "TransactWriteItems"]


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


def test_a_refund_that_is_made_while_a_status_read_calls_stripe_is_shown_completely(shop: Shop, dynamodb: Emulator):
    payment = shop.create()
    intent = shop.pay(payment)
    shop.wait(seconds=6)

    def paid_and_refunded() -> None:
        shop.deliver()
        shop.simulator.refund(intent)
        shop.deliver()

    dynamodb.fail("UpdateItem", overtaken_by(paid_and_refunded))  # the claim that lets only one reader call Stripe
    seen = shop.payment(payment["payment_id"])

    assert (seen["status"], seen["amount_refunded"], seen["credits_refunded"]) == ("succeeded", 100.0, 1100)
    assert [refund["status"] for refund in seen["refunds"]] == ["succeeded"]
    shop.check()


def test_a_pending_refund_is_reported_as_pending(shop: Shop):
    payment_id, _ = shop.buy()
    shop.simulator.set_refunds(pending=True)

    response = shop.refund(payment_id)

    assert (response.status, response.json()["success"]) == (200, True)
    assert "pending" in response.json()["message"]
    assert shop.payment(payment_id)["refunds"][0]["status"] == "pending"
    shop.simulator.settle_refund(response.json()["refund_id"], "succeeded")
    shop.deliver()
    assert shop.payment(payment_id)["refunds"][0]["status"] == "succeeded"
    assert shop.ledger()[1:] == [("refunded", -1100)]


def test_a_payment_without_refunds_shows_none(shop: Shop):
    payment_id, _ = shop.buy()

    assert not {"amount_refunded", "credits_refunded", "refunds"} & shop.payment(payment_id).keys()


@pytest.mark.parametrize("headers", [{}, {"x-api-key": API_KEY}, as_user(), as_user(role="notadmin")])
def test_only_an_admin_may_refund(shop: Shop, headers: dict[str, str]):
    payment_id, _ = shop.buy()

    response = shop.api.post("/api/payments/stripe/refund", {"payment_id": payment_id}, headers)

    assert response.status == (403 if "authorization" in headers else 401)
    assert refunds_at_stripe(shop) == []


def test_an_unknown_payment_is_not_found(shop: Shop):
    for payment_id in ("x", "00000000-0000-4000-8000-000000000000"):
        assert shop.refund(payment_id).status == 404


@pytest.mark.parametrize("ending", [None, "4000000000000002", "expired"])
def test_a_payment_that_is_not_paid_cannot_be_refunded(shop: Shop, ending: str | None):
    payment = shop.create()
    if ending == "expired":
        shop.simulator.expire(session_of(payment))
    elif ending:
        shop.pay(payment, card=ending)
    shop.deliver()

    response = shop.refund(payment["payment_id"])

    assert (response.status, response.json()["code"]) == (409, "not_refundable")


@pytest.mark.parametrize("amount", [0, -1, 0.001, "1", True, 10**40, 1e40, [1]], ids=str)
def test_an_amount_that_is_no_money_is_refused_and_named(shop: Shop, amount: Any):
    payment_id, _ = shop.buy()

    response = shop.refund(payment_id, amount)

    assert response.status == 422
    assert {error["field"].partition(".")[0] for error in response.json()["errors"]} == {"amount"}
    assert refunds_at_stripe(shop) == []


@pytest.mark.parametrize("change", [{"credits": 1}, {"reason": 1}, {"force": "yes"}, {"reason": "x" * 5001}])
def test_a_wrong_field_is_named(shop: Shop, change: dict[str, Any]):
    payment_id, _ = shop.buy()

    response = shop.refund(payment_id, **change)

    assert (response.status, [error["field"] for error in response.json()["errors"]]) == (422, list(change))


def test_more_than_is_left_is_refused_with_the_largest_refundable_amount(shop: Shop):
    payment_id, _ = shop.buy()
    shop.refund(payment_id, 60)

    response = shop.refund(payment_id, 40.01)

    assert (response.status, response.json()["code"]) == (409, "not_refundable")
    assert response.json()["largest_refundable"] == "40.00"


def test_the_reason_is_stored_and_sent_to_stripe_as_one_of_its_own_reasons_where_one_fits(shop: Shop):
    payment_id, _ = shop.buy()
    for reason in ("Customer request", "Duplicate payment", "They were very nice about it", None):
        shop.refund(payment_id, 1, reason=reason)
        shop.wait(seconds=1)

    assert [(made["reason"], made["metadata"].get("reason")) for made in refunds_at_stripe(shop)[::-1]] == [
        ("requested_by_customer", "Customer request"),
        ("duplicate", "Duplicate payment"),
        (None, "They were very nice about it"),
        (None, None),
    ]
    assert [refund["reason"] for refund in shop.payment(payment_id)["refunds"]][2] == "They were very nice about it"


def test_a_hostile_reason_stays_in_one_log_line(shop: Shop, log: io.StringIO):
    payment_id, _ = shop.buy()
    hostile = 'x\n{"level":"ERROR"}\x1b[31m😀' + "y" * 400

    assert shop.refund(payment_id, reason=hostile).status == 200
    assert shop.payment(payment_id)["refunds"][0]["reason"] == hostile
    assert all(json.loads(line) for line in log.getvalue().splitlines())


def test_the_parameters_of_a_refund_have_stripes_own_types(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    params = stripe.params.RefundCreateParams
    for name, value in {"StripeContext": str, "Mapping": Mapping, "UntypedStripeObject": frozenset}.items():
        monkeypatch.setattr(sys.modules[params.__module__], name, value, raising=False)
    refund = Reversal(
        kind=Kind.REFUND, reversal_id="r", payment_id="p", amount_minor=1, status=ReversalStatus.IN_FLIGHT,
        created_at=NOW, reason="Duplicate",
    )  # fmt: skip

    params_sent = refunds.refund_params(an_order(transaction_id="pi_1"), refund)

    TypeAdapter(params).validate_python(params_sent, strict=True, extra="forbid")


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


def test_money_that_takes_no_credits_is_in_the_ledger_once_and_comes_back_once(shop: Shop):
    payment_id, intent = shop.buy()
    shop.wait(days=200)
    shop.run_timers()

    made = shop.simulator.refund(intent, 2500)
    shop.deliver()
    shop.simulator.fail_refund(made["id"])
    shop.deliver()

    assert shop.ledger() == [("purchased", 1100), ("expired", -1100), ("refunded", 0), ("refund_reversed", 0)]
    money = [(entry.cause.money_minor, entry.payment_id) for entry in store.list_entries(USER_ID, 2, None)]
    assert money == [(2500, payment_id), (-2500, payment_id)]
    shop.check()


# ---------------------------------------------------------------------------- credits that were spent or have expired


def test_a_refund_of_spent_credits_is_refused_with_the_largest_possible_amount(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(600)

    response = shop.refund(payment_id)

    assert (response.status, response.json()["code"]) == (409, "credits_spent")
    largest = float(response.json()["largest_refundable"])
    assert refunds_at_stripe(shop) == []
    assert shop.refund(payment_id, round(largest + 0.01, 2)).json()["code"] == "credits_spent"
    assert shop.refund(payment_id, largest).status == 200
    assert (shop.balance(), shop.credits()["debt"]) == (0, 0)
    shop.check()


def test_where_nothing_can_be_refunded_without_debt_the_message_says_nothing(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(1100)
    shop.refund(payment_id, 0.09)

    response = shop.refund(payment_id)

    assert (response.status, response.json()["largest_refundable"]) == (409, "0.00")
    assert "nothing can be refunded without debt" in response.json()["detail"]


def test_a_forced_refund_leaves_a_debt_that_the_next_purchase_pays(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(600)

    response = shop.refund(payment_id, force=True)

    assert (response.status, response.json()["credits_refunded"]) == (200, 1100)
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


def test_the_payments_own_lot_is_taken_first_even_if_others_expire_sooner(shop: Shop):
    sooner, _ = shop.buy("trial")
    shop.wait(days=1)
    own, _ = shop.buy("trial")

    shop.refund(own)

    assert [(lot["payment_id"], lot["remaining"]) for lot in shop.credits()["lots"]] == [(sooner, 500)]


@pytest.mark.parametrize("is_swept", [True, False])
def test_expired_credits_are_not_taken_again_and_leave_no_debt(shop: Shop, is_swept: bool):
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


def test_of_an_expired_lot_only_what_was_spent_is_taken(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(600)
    shop.api.now = NOW.replace(month=9)
    shop.run_timers()
    shop.buy("value")

    assert shop.refund(payment_id).json()["credits_refunded"] == 600
    assert shop.balance() == 5400
    shop.check()


def test_the_owners_list_shows_the_amount_refunded_and_an_admin_reads_each_refund(shop: Shop):
    payment_id, _ = shop.buy()
    shop.refund(payment_id, 25)

    [listed] = shop.api.get("/api/payments", as_user()).json()["payments"]

    assert listed["amount_refunded"] == 25.0
    assert shop.api.get(f"/api/payments/{payment_id}", as_admin()).json()["refunds"]
