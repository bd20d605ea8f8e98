"""Refunds that Stripe reports: made in its Dashboard, failed later, or reported before their payment."""

import json
from datetime import timedelta

import pytest

from local.client import session_of
from local.in_process.environment import NOW
from local.in_process.shop import Shop
from local.stripe_simulator import Behaviour
from tests.integration.stripe_side import foreign_payment
from tests.support.builders import a_payment
from topup import fulfilment, store
from topup.domain import times


def test_a_refund_made_in_the_dashboard_takes_the_credits_once(shop: Shop):
    payment_id, intent = shop.buy()
    shop.simulator.set_webhooks(Behaviour(duplicates=1, shuffle=True))

    made = shop.simulator.refund(intent, 2500)
    assert set(shop.deliver()) == {200}

    assert shop.ledger()[1:] == [("refunded", -275)]
    assert shop.payment(payment_id)["refunds"][0]["refund_id"] == made["id"]
    shop.check()


def test_a_dashboard_refund_of_spent_credits_leaves_a_debt(shop: Shop):
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


def test_a_failure_that_arrives_before_the_success_is_final(shop: Shop):
    payment_id, intent = shop.buy()
    made = shop.simulator.refund(intent)
    shop.simulator.fail_refund(made["id"])

    shop.deliver("refund.failed")
    shop.deliver()

    assert shop.balance() == 1100
    assert shop.payment(payment_id)["refunds"][0]["status"] == "failed"
    shop.check()


def test_restored_credits_pay_a_debt_first(shop: Shop):
    _, intent = shop.buy()
    shop.spend(600)
    made = shop.simulator.refund(intent)
    shop.deliver()
    assert shop.credits()["debt"] == 600

    shop.simulator.fail_refund(made["id"])
    shop.deliver()

    assert (shop.credits()["debt"], shop.balance()) == (0, 500)
    shop.check()


def test_credits_that_come_back_after_their_lot_has_expired_live_as_long_as_they_had_left(shop: Shop):
    payment_id, intent = shop.buy()
    made = shop.simulator.refund(intent)
    shop.deliver()
    expires_at = NOW.replace(month=9)
    shop.api.now = expires_at + timedelta(days=1)
    shop.run_timers()

    shop.simulator.fail_refund(made["id"])
    shop.deliver()

    (lot,) = shop.credits()["lots"]
    assert (lot["payment_id"], lot["source"], lot["remaining"]) == (payment_id, "restored", 1100)
    assert times.from_text(lot["expires_at"]) == shop.api.now + (expires_at - NOW)
    shop.check()
    # A second refund finds them: they are this payment's credits.
    assert shop.refund(payment_id).json()["credits_refunded"] == 1100
    assert (shop.balance(), shop.credits()["debt"]) == (0, 0)
    shop.check()


def test_credits_that_came_back_and_expired_again_are_not_owed(shop: Shop):
    payment_id, intent = shop.buy()
    made = shop.simulator.refund(intent)
    shop.deliver()
    shop.wait(days=200)
    shop.simulator.fail_refund(made["id"])
    shop.deliver()
    shop.wait(days=200)
    assert shop.balance() == 0

    assert shop.refund(payment_id).json()["credits_refunded"] == 0

    assert (shop.balance(), shop.credits()["debt"]) == (0, 0)
    shop.check()


@pytest.mark.parametrize("is_in_debt", [False, True])
def test_a_dispute_won_after_its_lot_expired_returns_the_credits_of_the_other_purchase(shop: Shop, is_in_debt: bool):
    _, intent = shop.buy()
    shop.spend(1100)
    if not is_in_debt:
        shop.wait(days=150)
        shop.buy("value")
    dispute = shop.simulator.dispute(intent)
    shop.deliver()
    if is_in_debt:
        assert shop.credits()["debt"] == 1100
        shop.wait(days=150)
        shop.buy("value")
    assert shop.balance() == 4900
    shop.wait(days=60)

    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()

    (lot,) = shop.credits()["lots"]
    assert (lot["source"], lot["remaining"], shop.balance()) == ("purchase", 6000, 6000)
    shop.check()


def test_what_comes_back_pays_what_other_payments_owe(shop: Shop):
    _, first = shop.buy()
    _, second = shop.buy()
    shop.spend(1700)
    lost, won = shop.simulator.dispute(first), shop.simulator.dispute(second)
    shop.deliver()
    assert (shop.balance(), shop.credits()["debt"]) == (-1700, 1700)

    shop.simulator.close_dispute(won["id"], "won")
    shop.deliver()
    assert (shop.balance(), shop.credits()["debt"]) == (-600, 600)
    shop.check()
    shop.simulator.close_dispute(lost["id"], "won")
    shop.deliver()

    assert (shop.balance(), shop.credits()["debt"]) == (500, 0)
    shop.check()


def test_a_payment_event_replayed_after_a_full_refund_grants_nothing(shop: Shop):
    payment = shop.create()
    shop.pay(payment)
    events = [delivery.event_id for delivery in shop.due()]
    shop.deliver()
    shop.refund(payment["payment_id"])
    shop.wait(days=30)

    for event_id in events:
        shop.simulator.resend(event_id)
    assert set(shop.deliver()) == {200}

    assert shop.balance() == 0
    shop.check()


def test_a_refund_that_is_reported_before_its_payment_leaves_zero_credits(shop: Shop):
    payment = shop.create()
    intent = shop.pay(payment)
    shop.simulator.refund(intent)

    shop.deliver("refund.created")
    assert shop.ledger() == [("purchased", 1100), ("refunded", -1100)]
    assert set(shop.deliver()) == {200}

    assert shop.balance() == 0
    assert shop.payment(payment["payment_id"])["status"] == "succeeded"
    shop.check()


def test_a_refund_that_is_reported_before_its_payment_counts_although_another_payment_waits(shop: Shop):
    payment = shop.create()
    foreign_payment(shop, shop.simulator.session(session_of(payment))["metadata"])
    shop.deliver()
    shop.simulator.refund(shop.pay(payment))

    shop.deliver("refund.created")

    assert shop.ledger() == [("purchased", 1100), ("refunded", -1100)]
    assert len(shop.find(status="quarantined").json()["payments"]) == 1
    shop.check()


def test_a_refund_of_a_payment_that_is_not_ours_is_acknowledged_without_a_read(shop: Shop):
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


def test_a_refund_event_is_not_acknowledged_while_stripe_does_not_say_whose_payment_it_is(shop: Shop):
    _, intent = shop.buy()
    shop.simulator.refund(intent)
    shop.fault(f"/v1/payment_intents/{intent}", "timeout_before")

    [created] = [delivery for delivery in shop.due() if delivery.event_type == "refund.created"]
    assert shop.deliver_one(created) == 502
    assert shop.balance() == 1100

    shop.wait(seconds=10)
    assert set(shop.deliver()) == {200}
    assert shop.balance() == 0


def test_a_refund_of_a_quarantined_payment_is_acknowledged_and_takes_nothing(shop: Shop):
    payment = shop.create()
    order = store.load_order(payment["payment_id"])
    assert order is not None
    intent = shop.pay(payment)
    wrong_amount = a_payment(
        payment_id=order.payment_id,
        reference=order.payment_id,
        session_id=None,
        transaction_id=intent,
        amount_minor=1,
        subtotal_minor=10_000,
    )
    assert fulfilment.apply(wrong_amount, shop.now).order.quarantine_reason

    shop.simulator.refund(intent)
    assert set(shop.deliver()) == {200}

    assert shop.ledger() == []
    assert shop.reconcile()["failures"] == 0
    shop.check()


@pytest.mark.parametrize("spent", [600, 1100])
def test_credits_that_paid_a_debt_come_back_with_the_money_that_was_paid_for_them(shop: Shop, spent: int):
    first_id, first = shop.buy()
    won = shop.simulator.dispute(first)
    shop.deliver()
    shop.wait(days=200)
    _, second = shop.buy()
    shop.spend(spent)
    also_won = shop.simulator.dispute(second)
    shop.deliver()
    assert shop.credits()["debt"] == spent
    shop.simulator.close_dispute(won["id"], "won")
    shop.deliver()
    assert shop.balance() == 1100 - spent
    shop.check()

    shop.simulator.close_dispute(also_won["id"], "won")
    shop.deliver()

    assert shop.balance() == 2200 - spent
    restored = [lot for lot in shop.credits()["lots"] if lot["source"] == "restored"]
    assert {lot["payment_id"] for lot in restored} == {first_id}
    assert sum(lot["granted"] for lot in restored) == 1100
    shop.check()
