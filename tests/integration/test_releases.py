"""An administrator ends the quarantine of a payment: its credits are granted, or its money goes back, once."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.client import session_of
from local.in_process.api import ApiResponse, as_support, as_user
from local.in_process.dynamodb import lost_after, lost_before, overtaken_by, refused
from local.in_process.environment import API_KEY
from local.in_process.shop import Shop
from local.stripe_simulator.core.errors import NoResponse
from tests.integration.stripe_side import (
    REFUNDS,
    calls_of_stripe,
    foreign_payment,
    quarantined,
    refunds_at_stripe,
    set_order,
    while_stripe_is_asked_for_a_refund,
)
from topup import clawback, stripe_gateway

REASON = "looked at it"


def money_left(shop: Shop, intent: str) -> int:
    """What of a payment intent has not been refunded, in minor units."""
    made = [refund for refund in refunds_at_stripe(shop) if refund["payment_intent"] == intent]
    return 10_000 - sum(int(refund["amount"]) for refund in made if refund["status"] in ("succeeded", "pending"))


def redeliver(shop: Shop) -> None:
    """Stripe sends everything again."""
    for event in {delivery["event"] for delivery in shop.simulator.deliveries()}:
        shop.simulator.resend(event)
    shop.deliver()


# -------------------------------------------------------------------------------------------------------- the credits


def test_fulfilling_grants_the_share_of_the_credits_that_was_paid_for(shop: Shop):
    payment_id, _ = quarantined(shop, price_minor=20_000)

    response = shop.release_payment(payment_id, "fulfil")

    assert response.status == 200
    released = response.json()
    assert (released["status"], released["credits_purchased"], released["amount_paid"]) == ("succeeded", 550, 100.0)
    assert "under_review" not in released
    assert released["quarantine_reason"] is None
    [release] = released["releases"]
    assert release["quarantine_reason"].startswith("subtotal_minor")
    assert (release["action"], release["status"], release["reason"]) == ("fulfil", "done", REASON)
    assert (release["actor"], release["credits_ordered"]) == ("admin:admin-1", 1100)
    assert shop.balance() == 550
    shop.check()


def test_the_ledger_says_who_decided_and_why(shop: Shop):
    payment_id, _ = quarantined(shop)
    shop.release_payment(payment_id, "fulfil", "The price was raised that minute")

    [entry] = shop.api.get("/api/users/user-1/credits/transactions", as_support()).json()["transactions"]

    assert (entry["transaction_type"], entry["amount"]) == ("purchased", 550)
    assert (entry["actor"], entry["reason"]) == ("admin:admin-1", "The price was raised that minute")
    [own] = shop.api.get("/api/users/credits/transactions", as_user()).json()["transactions"]
    assert "reason" not in own


@pytest.mark.parametrize(
    ("price_minor", "credits"), [(10_001, 1099), (15_000, 733), (5_000, 1100), (9_999, 1100), (1_000_000, 11)]
)
def test_the_share_is_rounded_down_and_never_more_than_all(shop: Shop, price_minor: int, credits: int):
    payment_id, _ = quarantined(shop, price_minor)

    assert shop.release_payment(payment_id, "fulfil").json()["credits_purchased"] == credits
    assert shop.balance() == credits
    shop.check()


def test_frozen_credits_come_where_the_money_is_right(shop: Shop):
    payment = shop.create()
    set_order(shop, payment["payment_id"], provider_order_id={"S": "cs_test_of_another_attempt"})
    shop.pay(payment)
    shop.deliver("checkout.session.completed")  # it names the session; the intent does not
    assert "session" in shop.payment(payment["payment_id"])["quarantine_reason"]

    shop.release_payment(payment["payment_id"], "fulfil")

    assert shop.balance() == 1100
    shop.check()


def test_too_little_for_one_credit_can_only_be_refunded(shop: Shop):
    payment_id, _ = quarantined(shop, price_minor=100_000_000)

    response = shop.release_payment(payment_id, "fulfil")

    assert (response.status, response.json()["code"]) == (409, "not_releasable")
    assert shop.release_payment(payment_id, "refund").status == 200


def test_money_of_another_currency_can_only_be_refunded(shop: Shop):
    payment = shop.create()
    set_order(shop, payment["payment_id"], currency={"S": "USD"})
    shop.pay(payment)
    shop.deliver()

    response = shop.release_payment(payment["payment_id"], "fulfil")

    assert (response.status, response.json()["code"]) == (409, "not_releasable")
    assert "CNY" in response.json()["detail"]
    assert shop.release_payment(payment["payment_id"], "refund").status == 200


def test_a_payment_is_fulfilled_once_whatever_is_delivered_again(shop: Shop):
    payment_id, _ = quarantined(shop)
    first = shop.release_payment(payment_id, "fulfil")

    again = shop.release_payment(payment_id, "fulfil")
    redeliver(shop)

    assert (again.status, again.json()) == (200, first.json())
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert shop.ledger() == [("purchased", 550)]
    assert shop.payment(payment_id) == first.json()
    shop.check()


def test_what_was_refunded_before_is_taken_back_at_once(shop: Shop):
    payment_id, intent = quarantined(shop)
    shop.simulator.refund(intent, 2_500)
    shop.deliver()

    released = shop.release_payment(payment_id, "fulfil").json()

    assert (released["amount_refunded"], released["credits_refunded"]) == (25.0, 137)
    assert shop.balance() == 550 - 137
    shop.check()


def test_a_released_payment_is_refunded_like_any_other_by_the_share_of_what_was_paid(shop: Shop):
    payment_id, intent = quarantined(shop)
    shop.release_payment(payment_id, "fulfil")

    assert shop.refund(payment_id, 50).json()["credits_refunded"] == 275
    assert shop.refund(payment_id).json()["credits_refunded"] == 275
    assert (shop.balance(), money_left(shop, intent)) == (0, 0)
    shop.check()


def test_money_that_has_gone_back_buys_nothing(shop: Shop):
    payment_id, intent = quarantined(shop)
    shop.simulator.refund(intent)
    shop.deliver()

    response = shop.release_payment(payment_id, "fulfil")

    assert (response.status, response.json()["code"]) == (409, "not_releasable")
    assert shop.balance() == 0


# ---------------------------------------------------------------------------------------------------------- the money


def test_refunding_gives_all_of_the_money_back_and_ends_the_payment(shop: Shop):
    payment_id, intent = quarantined(shop)

    response = shop.release_payment(payment_id, "refund")

    assert response.status == 200
    released = response.json()
    assert (released["status"], released["may_retry"], released["quarantine_reason"]) == ("failed", False, None)
    assert "given back" in released["error_message"]
    [release] = released["releases"]
    assert (release["action"], release["status"], release["payment_intent"]) == ("refund", "done", intent)
    assert money_left(shop, intent) == 0
    [made] = refunds_at_stripe(shop)
    assert (made["metadata"]["order_id"], made["metadata"]["release"]) == (payment_id, REASON)
    assert shop.balance() == 0
    shop.check()


def paid_besides(shop: Shop) -> tuple[dict[str, Any], str]:
    """A payment whose own session is open, and its session; something else was paid in its name, and quarantined."""
    payment = shop.create()
    session_id = session_of(payment)
    foreign_payment(shop, shop.simulator.session(session_id)["metadata"])
    shop.deliver()
    return payment, session_id


def test_nobody_can_pay_a_payment_any_more_whose_money_was_given_back(shop: Shop):
    payment, session_id = paid_besides(shop)

    assert shop.release_payment(payment["payment_id"], "refund").json()["status"] == "expired"

    assert shop.simulator.session(session_id)["status"] == "expired"
    shop.check()


def test_what_is_paid_as_it_was_asked_for_is_fulfilled_although_other_money_goes_back(shop: Shop):
    payment, _ = paid_besides(shop)
    shop.pay(payment)
    shop.lose()

    released = shop.release_payment(payment["payment_id"], "refund").json()

    assert (released["status"], released["quarantine_reason"]) == ("succeeded", None)
    assert shop.balance() == 1100
    shop.check()


def test_a_payment_that_settles_later_goes_on_although_other_money_goes_back(shop: Shop):
    payment, session_id = paid_besides(shop)
    shop.pay(payment, method="alipay")
    shop.lose()

    assert shop.release_payment(payment["payment_id"], "refund").json()["status"] == "processing"

    shop.simulator.settle(session_id, "succeeded")
    shop.deliver()
    assert shop.balance() == 1100
    shop.check()


def test_nothing_that_stripe_reports_afterwards_grants_or_quarantines_again(shop: Shop):
    payment_id, _ = quarantined(shop)
    shop.release_payment(payment_id, "refund")
    released = shop.payment(payment_id)

    redeliver(shop)
    shop.wait(hours=1)
    shop.reconcile(window_hours=24, all=True)

    assert shop.payment(payment_id) == released
    assert shop.balance() == 0
    shop.check()


def test_a_payment_without_the_field_that_differed_grants_nothing_after_its_refund(shop: Shop):
    payment = shop.create()
    set_order(shop, payment["payment_id"], provider_order_id={"S": "cs_test_of_another_attempt"})
    shop.pay(payment)
    shop.deliver("checkout.session.completed")  # it names the session; the intent does not
    shop.release_payment(payment["payment_id"], "refund")

    shop.deliver()

    assert shop.balance() == 0
    assert shop.payment(payment["payment_id"])["status"] == "failed"


def test_only_what_is_left_goes_back(shop: Shop):
    payment_id, intent = quarantined(shop)
    shop.simulator.refund(intent, 2_500)
    shop.deliver()

    assert shop.release_payment(payment_id, "refund").status == 200

    assert sorted(refund["amount"] for refund in refunds_at_stripe(shop)) == [2_500, 7_500]


def test_what_was_refunded_in_stripes_dashboard_only_ends_the_quarantine(shop: Shop):
    payment_id, intent = quarantined(shop)
    shop.simulator.refund(intent)
    shop.deliver()

    assert shop.release_payment(payment_id, "refund").json()["status"] == "failed"

    assert len(refunds_at_stripe(shop)) == 1


def test_the_same_refund_again_makes_no_other_one(shop: Shop):
    payment_id, _ = quarantined(shop)
    first = shop.release_payment(payment_id, "refund")
    calls = calls_of_stripe(shop)

    again = shop.release_payment(payment_id, "refund")

    assert (again.status, again.json(), again.headers["idempotent-replayed"]) == (200, first.json(), "true")
    assert calls == []


@pytest.mark.parametrize(("first", "second"), [("fulfil", "refund"), ("refund", "fulfil")])
def test_after_one_decision_there_is_no_other_one(shop: Shop, first: str, second: str):
    payment_id, _ = quarantined(shop)
    shop.release_payment(payment_id, first)
    before = (shop.balance(), refunds_at_stripe(shop))

    response = shop.release_payment(payment_id, second)

    assert (response.status, response.json()["code"]) == (409, "not_releasable")
    assert (shop.balance(), refunds_at_stripe(shop)) == before


def test_of_two_decisions_at_once_one_is_carried_out(shop: Shop):
    payment_id, intent = quarantined(shop)
    others: list[ApiResponse] = []
    # After the refund's request has read the order, and before it writes its decision.
    shop.dynamodb.fail("UpdateItem", overtaken_by(lambda: others.append(shop.release_payment(payment_id, "fulfil"))))

    response = shop.release_payment(payment_id, "refund")

    assert (others[0].status, response.status) == (200, 409)
    assert (shop.balance(), money_left(shop, intent)) == (550, 10_000)
    shop.check()


def test_a_refund_that_begins_while_credits_are_to_be_granted_wins(shop: Shop):
    payment_id, intent = quarantined(shop)
    others: list[ApiResponse] = []
    shop.dynamodb.fail(
        "TransactWriteItems", overtaken_by(lambda: others.append(shop.release_payment(payment_id, "refund")))
    )

    response = shop.release_payment(payment_id, "fulfil")

    assert (others[0].status, response.status) == (200, 409)
    assert (shop.balance(), money_left(shop, intent)) == (0, 0)
    shop.check()


# ------------------------------------------------------------------------------------------------------ lost answers


def lose_answer(shop: Shop, do: str) -> None:
    """Let the next refund at Stripe have no answer, after or before it was made, or an error of Stripe's own."""
    carry_out = shop.simulator.request

    def lost(method: str, url: str, *rest: Any) -> Any:
        if (method.upper(), url) != ("POST", REFUNDS):
            return carry_out(method, url, *rest)
        shop.simulator.request = carry_out  # type: ignore[method-assign]
        if do == "500":
            return 500, {}, b"{}"
        if do == "timeout_after":
            carry_out(method, url, *rest)
        raise NoResponse

    shop.simulator.request = lost  # type: ignore[method-assign, assignment]


@pytest.mark.parametrize("do", ["timeout_after", "timeout_before", "500"])
def test_a_lost_answer_of_stripes_is_looked_up(shop: Shop, do: str):
    payment_id, intent = quarantined(shop)
    lose_answer(shop, do)

    response = shop.release_payment(payment_id, "refund")

    if do == "timeout_after":
        assert (response.status, money_left(shop, intent)) == (200, 0)
    else:
        assert (response.status, response.json()["releases"][0]["status"]) == (202, "in_flight")
        assert response.json()["under_review"] is True
        assert shop.release_payment(payment_id, "fulfil").status == 409
    again = shop.release_payment(payment_id, "refund")
    assert ("idempotent-replayed" in response.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert (again.status, [one["status"] for one in again.json()["releases"]]) == (200, ["done"])
    assert money_left(shop, intent) == 0
    assert len(refunds_at_stripe(shop)) == 1


def test_reconcile_completes_a_refund_whose_request_ended_early(shop: Shop):
    payment_id, intent = quarantined(shop)
    lose_answer(shop, "timeout_before")
    assert shop.release_payment(payment_id, "refund").status == 202

    shop.wait(minutes=3)
    report = shop.reconcile()

    assert report["payments"]["repaired"] == 1
    assert (shop.payment(payment_id)["status"], money_left(shop, intent)) == ("failed", 0)
    shop.check()


@pytest.mark.parametrize("operation", ["UpdateItem", "Query"])
@pytest.mark.parametrize("number", [1, 2, 3])
@pytest.mark.parametrize("fault", [lost_before, lost_after, refused("ThrottlingException")])
def test_where_the_database_fails_the_same_request_ends_it(
    shop: Shop, operation: str, number: int, fault: Callable[[Callable[[], Any]], Any]
):
    payment_id, intent = quarantined(shop)
    for _ in range(number - 1):
        shop.dynamodb.fail(operation, lambda execute: execute())
    for _ in range(3):
        shop.dynamodb.fail(operation, fault)

    response = shop.release_payment(payment_id, "refund")

    shop.dynamodb.clear_faults()
    assert response.status in (200, 202, 503)
    if response.status != 200:
        assert shop.release_payment(payment_id, "refund").status == 200
    assert money_left(shop, intent) == 0
    assert len(refunds_at_stripe(shop)) == 1
    assert shop.payment(payment_id)["status"] == "failed"


@pytest.mark.parametrize("fault", [lost_before, lost_after])
def test_where_the_database_loses_the_grants_answer_it_is_granted_once(
    shop: Shop, fault: Callable[[Callable[[], Any]], Any]
):
    payment_id, _ = quarantined(shop)
    shop.dynamodb.fail("TransactWriteItems", fault)

    assert shop.release_payment(payment_id, "fulfil").status == 200

    assert shop.ledger() == [("purchased", 550)]
    shop.check()


def test_a_refusal_of_stripes_leaves_the_decision_open(shop: Shop):
    payment_id, intent = quarantined(shop)
    while_stripe_is_asked_for_a_refund(shop, lambda: shop.simulator.dispute(intent))

    response = shop.release_payment(payment_id, "refund")

    assert (response.status, response.json()["code"]) == (502, "stripe_error")
    seen = shop.payment(payment_id)
    assert (seen["under_review"], "releases" in seen) == (True, False)


def test_a_payment_that_has_ended_is_not_looked_at_for_ever_after_stripe_has_refused_its_refund(shop: Shop):
    """What a look that fails says of the next one was true before the decision was taken back."""
    payment, session_id = paid_besides(shop)
    payment_id = payment["payment_id"]
    shop.simulator.expire(session_id)
    shop.deliver()
    intent = shop.payment(payment_id)["stripe"]["rejected_intent"]
    lose_answer(shop, "timeout_before")
    assert shop.release_payment(payment_id, "refund").status == 202
    while_stripe_is_asked_for_a_refund(shop, lambda: shop.simulator.dispute(intent))

    shop.wait(minutes=3)
    assert shop.reconcile()["failures"] == 1

    seen = shop.payment(payment_id)
    assert (seen["under_review"], "releases" in seen) == (True, False)
    shop.check()


def test_a_dispute_that_is_lost_has_taken_the_money(shop: Shop):
    payment_id, intent = quarantined(shop)
    dispute = shop.simulator.dispute(intent)
    shop.simulator.close_dispute(dispute["id"], "lost")
    shop.deliver()

    assert shop.release_payment(payment_id, "refund").json()["status"] == "failed"
    assert refunds_at_stripe(shop) == []


def given_back_in_vain(shop: Shop) -> tuple[str, str]:
    """A payment whose refund an administrator has made, and the bank has returned; that is not delivered yet."""
    payment_id, intent = quarantined(shop)
    shop.release_payment(payment_id, "refund")
    shop.deliver()
    shop.simulator.fail_refund(refunds_at_stripe(shop)[0]["id"])
    return payment_id, intent


def test_a_refund_that_fails_at_the_bank_puts_the_payment_under_review_again(shop: Shop):
    payment_id, intent = quarantined(shop)
    shop.release_payment(payment_id, "refund")
    shop.deliver()
    [made] = refunds_at_stripe(shop)

    shop.simulator.fail_refund(made["id"])
    shop.deliver()

    seen = shop.payment(payment_id)
    assert (seen["status"], seen["under_review"]) == ("processing", True)
    assert made["id"] in seen["quarantine_reason"]
    assert shop.release_payment(payment_id, "refund").status == 200
    assert money_left(shop, intent) == 0
    redeliver(shop)
    assert "under_review" not in shop.payment(payment_id)
    shop.check()


def test_a_refund_that_has_failed_unheard_is_found_once(shop: Shop):
    payment_id, _ = given_back_in_vain(shop)
    shop.lose()

    assert [shop.reconcile()["stripe_refunds"]["repaired"] for _ in range(2)] == [1, 0]
    assert shop.payment(payment_id)["under_review"] is True


def fulfilled_after_a_refund_that_failed(shop: Shop) -> tuple[str, str]:
    payment_id, intent = given_back_in_vain(shop)
    shop.deliver()
    assert shop.release_payment(payment_id, "fulfil").status == 200
    return payment_id, intent


def test_a_payment_whose_money_came_back_is_fulfilled_as_any_other(shop: Shop):
    payment_id, _ = fulfilled_after_a_refund_that_failed(shop)
    redeliver(shop)
    shop.reconcile()

    seen = shop.payment(payment_id)
    assert (seen["status"], seen["quarantine_reason"], shop.balance()) == ("succeeded", None, 550)
    assert [refund["status"] for refund in seen["refunds"]] == ["failed"]
    shop.check()


def test_what_is_fulfilled_after_a_refund_that_failed_is_disputed_as_any_other(shop: Shop):
    payment_id, intent = fulfilled_after_a_refund_that_failed(shop)

    shop.simulator.close_dispute(shop.simulator.dispute(intent)["id"], "lost")
    shop.deliver()

    seen = shop.payment(payment_id)
    assert [one["status"] for one in seen["disputes"]] == ["lost"]
    assert (seen["quarantine_reason"], shop.balance()) == (None, 0)
    shop.check()


def test_what_is_fulfilled_after_a_refund_that_failed_is_refunded_as_any_other(shop: Shop):
    payment_id, _ = fulfilled_after_a_refund_that_failed(shop)
    shop.refund(payment_id)
    assert shop.balance() == 0

    shop.simulator.fail_refund(refunds_at_stripe(shop)[0]["id"])
    shop.deliver()

    assert (shop.payment(payment_id)["quarantine_reason"], shop.balance()) == (None, 550)
    shop.check()


# ---------------------------------------------------------------------------------- several refused payments of one


def test_what_stripe_says_again_of_money_that_has_gone_back_changes_nothing(shop: Shop):
    payment_id, intent = given_back_in_vain(shop)
    shop.deliver()
    shop.release_payment(payment_id, "refund")
    shop.deliver()
    failed, made = sorted(stripe_gateway.reversals_of(intent), key=lambda update: update.reversal.status)
    assert (failed.reversal.status, made.reversal.status) == ("failed", "succeeded")
    calls = calls_of_stripe(shop)

    assert clawback.apply(made, shop.now) is False
    assert calls == []  # nothing is to be known of it
    assert clawback.apply(failed, shop.now) is False
    assert "under_review" not in shop.payment(payment_id)


def test_a_wrong_setting_that_leaves_a_release_under_way_is_counted(
    shop: Shop, environment: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    payment_id, _ = quarantined(shop)

    def forget_the_key() -> None:
        environment.delenv("STRIPE_SECRET_KEY")

    shop.dynamodb.fail("UpdateItem", overtaken_by(forget_the_key))
    capsys.readouterr()

    assert shop.release_payment(payment_id, "refund").status == 202
    assert '"Misconfigured":[1.0]' in capsys.readouterr().out


def paid_twice_besides(shop: Shop) -> tuple[str, list[str]]:
    """A payment for which two others were paid; its id, and their intents in the order in which they are told."""
    payment, session_id = paid_besides(shop)
    payment_id = payment["payment_id"]
    foreign_payment(shop, shop.simulator.session(session_id)["metadata"])
    shop.deliver()
    seen = shop.payment(payment_id)
    [further] = seen["refused_besides"]
    assert further["quarantine_reason"].startswith("amount_minor")
    return payment_id, [seen["stripe"]["rejected_intent"], further["payment_intent"]]


def test_each_of_several_refused_payments_waits_for_its_own_decision(shop: Shop):
    payment_id, [first, second] = paid_twice_besides(shop)

    released = shop.release_payment(payment_id, "refund", payment_intent=first).json()

    assert (released["under_review"], released["stripe"]["rejected_intent"]) == (True, second)
    assert "refused_besides" not in released
    assert [one["payment_intent"] for one in released["releases"]] == [first]
    ended = shop.release_payment(payment_id, "refund", payment_intent=second).json()
    assert (ended["status"], ended["quarantine_reason"]) == ("expired", None)
    assert {refund["payment_intent"] for refund in refunds_at_stripe(shop)} == {first, second}
    redeliver(shop)
    assert shop.payment(payment_id) == ended
    shop.check()


def test_the_credits_of_one_may_be_granted_and_the_money_of_the_other_given_back(shop: Shop):
    payment_id, [first, second] = paid_twice_besides(shop)
    set_order(shop, payment_id, currency={"S": "USD"})  # what is paid besides by this test is in USD

    granted = shop.release_payment(payment_id, "fulfil", payment_intent=first).json()

    assert (granted["status"], granted["stripe"]["payment_intent"]) == ("succeeded", first)
    assert granted["stripe"]["rejected_intent"] == second
    assert shop.release_payment(payment_id, "fulfil", payment_intent=second).json()["code"] == "not_releasable"
    ended = shop.release_payment(payment_id, "refund", payment_intent=second).json()
    assert (ended["status"], ended["quarantine_reason"]) == ("succeeded", None)
    assert [refund["payment_intent"] for refund in refunds_at_stripe(shop)] == [second]
    assert shop.balance() == granted["credits_purchased"]


def test_a_repeated_decision_is_not_one_over_the_next_payment(shop: Shop):
    payment_id, [first, second] = paid_twice_besides(shop)
    body = {"payment_intent": first}
    done = shop.release_payment(payment_id, "refund", **body)

    again = shop.release_payment(payment_id, "refund", **body)

    assert (again.json(), again.headers["idempotent-replayed"]) == (done.json(), "true")
    unnamed = shop.release_payment(payment_id, "refund")
    assert (unnamed.status, unnamed.json()["code"]) == (409, "not_releasable")
    assert "payment_intent" in unnamed.json()["detail"]
    assert [refund["payment_intent"] for refund in refunds_at_stripe(shop)] == [first]
    assert shop.payment(payment_id)["stripe"]["rejected_intent"] == second


def test_they_are_decided_over_one_after_the_other(shop: Shop):
    payment_id, [first, second] = paid_twice_besides(shop)

    early = shop.release_payment(payment_id, "refund", payment_intent=second)
    foreign = shop.release_payment(payment_id, "refund", payment_intent="pi_of_nobody")

    assert (early.status, foreign.status) == (409, 409)
    assert first in early.json()["detail"]
    assert "pi_of_nobody" in foreign.json()["detail"]
    assert refunds_at_stripe(shop) == []


def test_the_payment_that_was_asked_for_grants_although_others_wait(shop: Shop):
    payment_id, [first, second] = paid_twice_besides(shop)
    shop.pay({"payment_url": shop.payment(payment_id)["stripe"]["session"]})
    shop.deliver()

    for intent in (first, second):
        assert shop.release_payment(payment_id, "refund", payment_intent=intent).status == 200
    assert (shop.payment(payment_id)["status"], shop.balance()) == ("succeeded", 1100)
    shop.check()


def test_a_refund_that_fails_while_another_payment_waits_is_told_after_it(shop: Shop):
    payment_id, [first, second] = paid_twice_besides(shop)
    shop.release_payment(payment_id, "refund", payment_intent=first)
    shop.deliver()
    [made] = refunds_at_stripe(shop)

    shop.simulator.fail_refund(made["id"])
    shop.deliver()

    seen = shop.payment(payment_id)
    assert seen["stripe"]["rejected_intent"] == second
    assert [one["payment_intent"] for one in seen["refused_besides"]] == [first]
    for intent in (second, first):
        assert shop.release_payment(payment_id, "refund", payment_intent=intent).status == 200
    assert "under_review" not in shop.payment(payment_id)
    shop.check()


# -------------------------------------------------------------------------------------------- what waits for nothing


def test_a_second_payment_of_a_settled_order_can_only_be_refunded(shop: Shop):
    payment_id, first = shop.buy()
    _, second = shop.buy(user="user-2")
    set_order(shop, payment_id, quarantine_reason={"S": "payment intent"}, rejected_intent={"S": second})

    assert shop.release_payment(payment_id, "fulfil").json()["code"] == "not_releasable"
    released = shop.release_payment(payment_id, "refund").json()

    assert (released["status"], released["quarantine_reason"]) == ("succeeded", None)
    assert (money_left(shop, first), money_left(shop, second)) == (10_000, 0)
    assert shop.balance() == 1100


def test_a_payment_that_is_not_under_review_is_not_released(shop: Shop):
    paid, _ = shop.buy()
    pending = shop.create()["payment_id"]

    for payment_id in (paid, pending):
        for action in ("fulfil", "refund"):
            response = shop.release_payment(payment_id, action)
            assert (response.status, response.json()["code"]) == (409, "not_releasable")
    assert shop.release_payment("x", "refund").status == 404
    assert refunds_at_stripe(shop) == []


def test_money_that_stripe_does_not_know_is_not_released(shop: Shop):
    payment_id, _ = quarantined(shop)
    set_order(shop, payment_id, rejected_intent={"S": "pi_unknown"})

    for action in ("fulfil", "refund"):
        response = shop.release_payment(payment_id, action)
        assert (response.status, response.json()["code"]) == (409, "not_releasable")
    assert "releases" not in shop.payment(payment_id)


@pytest.mark.parametrize("headers", [{}, {"x-api-key": API_KEY}, as_user(), as_support()])
@pytest.mark.parametrize("action", ["fulfil", "refund"])
def test_only_an_administrator_releases(shop: Shop, headers: dict[str, str], action: str):
    payment_id, intent = quarantined(shop)

    response = shop.api.post(
        f"/api/admin/payments/{payment_id}/release", {"action": action, "reason": "theft"}, headers
    )

    assert response.status == (403 if "authorization" in headers else 401)
    assert (shop.balance(), money_left(shop, intent)) == (0, 10_000)


@pytest.mark.parametrize(
    ("body", "field"),
    [
        ({"reason": "x"}, "action"),
        ({"action": "fulfil"}, "reason"),
        ({"action": "fulfil", "reason": ""}, "reason"),
        ({"action": "forget", "reason": "x"}, "action"),
        ({"action": "refund", "reason": "x", "amount": 1}, "amount"),
    ],
    ids=json.dumps,
)
def test_a_wrong_field_is_named(shop: Shop, body: dict[str, Any], field: str):
    payment_id, _ = quarantined(shop)

    response = shop.api.post(f"/api/admin/payments/{payment_id}/release", body, as_user("admin-1", role="admin"))

    assert (response.status, [error["field"] for error in response.json()["errors"]]) == (422, [field])


def test_a_released_payment_is_in_no_list_of_quarantined_ones(shop: Shop):
    first, _ = quarantined(shop)
    second, _ = quarantined(shop)
    listed = shop.find(status="quarantined").json()["payments"]
    assert {row["payment_id"] for row in listed} == {first, second}

    shop.release_payment(first, "fulfil")
    shop.release_payment(second, "refund")

    assert shop.find(status="quarantined").json()["payments"] == []
