"""A refund is made once, whatever races with it, crashes or is lost."""

import pytest

from local.in_process.dynamodb import (
    Crash,
    Fault,
    crashed_after,
    crashed_before,
    lost_after,
    lost_before,
    overtaken_by,
    refused,
)
from local.in_process.environment import STRIPE_SECRET_KEY
from local.in_process.shop import Shop
from local.stripe_simulator import Behaviour
from tests.integration.stripe_side import REFUNDS, after_stripe_answers, refunds_at_stripe, stripe_refuses


def test_the_same_key_makes_one_refund_and_answers_the_same(shop: Shop):
    payment_id, _ = shop.buy()

    first, second = shop.refund(payment_id, 10, "key-1"), shop.refund(payment_id, 10, "key-1")

    assert first.json() == second.json()
    assert len(refunds_at_stripe(shop)) == 1
    assert shop.refund(payment_id, 11, "key-1").json()["code"] == "idempotency_conflict"


def test_two_full_refunds_at_once_make_one(shop: Shop):
    payment_id, _ = shop.buy()
    statuses: list[int] = []
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: statuses.append(shop.refund(payment_id).status)))

    statuses.append(shop.refund(payment_id).status)

    assert statuses == [200, 409]
    assert len(refunds_at_stripe(shop)) == 1
    assert shop.ledger()[1:] == [("refunded", -1100)]
    shop.check()


def test_partial_refunds_at_once_never_exceed_what_was_paid(shop: Shop):
    payment_id, _ = shop.buy()
    faster: list[int] = []
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: faster.append(shop.refund(payment_id, 70).status)))

    assert shop.refund(payment_id, 70).json()["largest_refundable"] == "30.00"
    assert faster == [200]
    assert sum(made["amount"] for made in refunds_at_stripe(shop)) == 7000
    shop.check()


def test_the_webhooks_of_our_own_refund_take_nothing_more(shop: Shop):
    payment_id, _ = shop.buy()
    shop.simulator.set_webhooks(Behaviour(duplicates=2, shuffle=True))

    shop.refund(payment_id, 25)
    assert set(shop.deliver()) == {200}

    assert shop.ledger()[1:] == [("refunded", -275)]
    shop.check()


def test_a_webhook_that_arrives_before_stripes_response_counts_once(shop: Shop):
    payment_id, _ = shop.buy()
    after_stripe_answers(shop, shop.deliver)

    assert shop.refund(payment_id).json()["credits_refunded"] == 1100
    assert shop.ledger()[1:] == [("refunded", -1100)]
    shop.check()


@pytest.mark.parametrize("fault", ["timeout_after", "timeout_before", "500"])
def test_while_the_outcome_at_stripe_is_unknown_the_response_is_202_and_a_retry_finds_the_same_refund(
    shop: Shop, fault: str
):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, fault)

    first = shop.refund(payment_id, key="key-1")

    assert (first.status, first.json()["success"], first.json()["credits_refunded"]) == (202, False, 1100)
    assert shop.payment(payment_id)["refunds"][0]["status"] == "pending"
    if fault == "500":
        shop.wait(hours=25)  # Stripe replays a stored failure for a day
    second = shop.refund(payment_id, key="key-1")
    assert (second.status, second.json()["success"]) == (200, True)
    assert len(refunds_at_stripe(shop)) == 1
    assert shop.ledger()[1:] == [("refunded", -1100)]
    shop.check()


def test_without_a_key_a_retry_must_wait_and_then_resumes_the_same_refund(shop: Shop):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "timeout_after")
    assert shop.refund(payment_id).status == 202
    assert shop.refund(payment_id).status == 409

    shop.wait(seconds=31)

    assert shop.refund(payment_id).status == 200
    assert len(refunds_at_stripe(shop)) == 1
    shop.check()


def test_a_request_for_another_amount_does_not_resume_an_abandoned_refund(shop: Shop):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "timeout_before")
    assert shop.refund(payment_id).status == 202
    shop.wait(seconds=31)

    other = shop.refund(payment_id, amount=37.0)
    same = shop.refund(payment_id, amount=100.0)

    assert (other.status, other.json()["code"]) == (409, "not_refundable")
    assert (same.status, same.json()["amount"]) == (200, 100.0)
    shop.check()


@pytest.mark.parametrize("fault", ["timeout_after", "timeout_before"])
def test_the_webhook_or_reconcile_completes_a_refund_that_is_not_retried(shop: Shop, fault: str):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, fault)
    shop.refund(payment_id)
    if fault == "timeout_after":
        shop.deliver()
    else:
        shop.wait(minutes=3)
        assert shop.reconcile()["refunds"]["repaired"] == 1

    assert shop.payment(payment_id)["refunds"][0]["status"] == "succeeded"
    assert len(refunds_at_stripe(shop)) == 1
    assert shop.reconcile()["refunds"]["found"] == 0
    shop.check()


def test_a_refund_that_stripe_answers_with_a_stored_failure_is_completed_once_stripe_forgets_it(shop: Shop):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "500")
    assert shop.refund(payment_id).status == 202
    shop.wait(minutes=3)
    assert shop.reconcile()["refunds"]["repaired"] == 0

    shop.wait(hours=25)

    assert shop.reconcile()["refunds"]["repaired"] == 1
    assert len(refunds_at_stripe(shop)) == 1
    shop.check()


@pytest.mark.parametrize("boundary", range(1, 5))
@pytest.mark.parametrize("crash", [crashed_before, crashed_after])
def test_after_a_crash_at_any_boundary_the_retry_makes_exactly_one_refund(shop: Shop, boundary: int, crash: Fault):
    payment_id, _ = shop.buy()
    shop.dynamodb.fail_at(boundary, crash)
    with pytest.raises(Crash):
        shop.refund(payment_id, 25, "key-1")

    response = shop.refund(payment_id, 25, "key-1")

    assert (response.status, response.json()["success"]) == (200, True)
    assert [made["amount"] for made in refunds_at_stripe(shop)] == [2500]
    assert shop.ledger()[1:] == [("refunded", -275)]
    shop.check()


@pytest.mark.parametrize("fault", [lost_before, lost_after])
def test_a_lost_response_of_dynamodb_takes_nothing_twice(shop: Shop, fault: Fault):
    payment_id, _ = shop.buy()
    shop.dynamodb.fail("TransactWriteItems", fault)

    assert shop.refund(payment_id).status == 200
    assert shop.ledger()[1:] == [("refunded", -1100)]
    shop.check()


def test_a_refund_that_stripe_refuses_gives_the_credits_back(shop: Shop):
    payment_id, _ = shop.buy()
    stripe_refuses(shop, 400, code="charge_expired_for_refund")

    response = shop.refund(payment_id)

    assert (response.status, response.json()["code"]) == (502, "stripe_error")
    assert "charge_expired_for_refund" in response.json()["detail"]
    assert shop.balance() == 1100
    assert refunds_at_stripe(shop) == []
    shop.check()


def test_a_retry_of_a_refused_refund_is_refused_again(shop: Shop):
    payment_id, _ = shop.buy()
    stripe_refuses(shop, 400, code="charge_expired_for_refund")
    assert shop.refund(payment_id, key="key-1").status == 502

    assert shop.refund(payment_id, key="key-1").status == 502
    assert shop.balance() == 1100
    shop.check()


@pytest.mark.parametrize("ending", ["failed", "canceled"])
def test_a_retry_of_a_refund_that_has_failed_since_says_so(shop: Shop, ending: str):
    payment_id, _ = shop.buy()
    shop.simulator.set_refunds(pending=True)
    refund_id = shop.refund(payment_id, key="key-1").json()["refund_id"]
    if ending == "failed":
        shop.simulator.fail_refund(refund_id)
    else:
        headers = {"Authorization": f"Bearer {STRIPE_SECRET_KEY}"}
        assert shop.simulator.request("POST", f"{REFUNDS}/{refund_id}/cancel", headers, b"")[0] == 200
    shop.deliver()

    response = shop.refund(payment_id, key="key-1")

    assert (response.status, response.json()["code"]) == (502, "stripe_error")
    assert shop.payment(payment_id)["refunds"][0]["status"] == ending
    assert shop.balance() == 1100
    shop.check()


def test_when_stripe_has_made_the_refund_and_the_write_of_it_fails_the_response_is_202_not_503(shop: Shop):
    payment_id, _ = shop.buy()

    def lose_every_race() -> None:
        for _ in range(60):
            shop.dynamodb.fail("TransactWriteItems", refused("TransactionInProgressException"))

    after_stripe_answers(shop, lose_every_race)
    response = shop.refund(payment_id, 30)

    assert (response.status, response.json()["success"]) == (202, False)
    shop.dynamodb.clear_faults()
    shop.deliver()
    assert shop.payment(payment_id)["refunds"][0]["status"] == "succeeded"
    assert [made["amount"] for made in refunds_at_stripe(shop)] == [3000]
    shop.check()


def test_a_busy_stripe_leaves_the_refund_in_flight(shop: Shop):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "429")

    assert shop.refund(payment_id, key="key-1").status == 202
    assert shop.refund(payment_id, key="key-1").status == 200
