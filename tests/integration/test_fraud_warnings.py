"""Early fraud warnings: recorded on the payment, and refunded where the operator wants that."""

import io
import json

import pytest

from local.in_process.api import as_support, as_user
from local.in_process.shop import Shop
from tests.integration.stripe_side import REFUNDS, calls_of_stripe, refunds_at_stripe, switch_endpoints
from topup.runtime import config


@pytest.fixture
def refunding(monkeypatch: pytest.MonkeyPatch) -> None:
    """The operator wants payments refunded that are warned of."""
    monkeypatch.setenv("REFUND_FRAUD_WARNINGS", "true")
    config.settings.cache_clear()


def resend(shop: Shop, kind: str = "radar.early_fraud_warning.created") -> list[int]:
    """Stripe sends its events of this kind again; the answers."""
    for event in {one["event"] for one in shop.simulator.deliveries() if one["type"] == kind}:
        shop.simulator.resend(event)
    return shop.deliver()


def test_a_warning_is_seen_by_staff_and_changes_nothing_else(shop: Shop, log: io.StringIO):
    payment_id, intent = shop.buy()
    before = shop.api.get(f"/api/payments/{payment_id}", as_user()).json()
    warning = shop.simulator.warn_of_fraud(intent)

    assert set(shop.deliver()) == {200}

    assert shop.payment(payment_id)["fraud_warning"] == {
        "warning_id": warning["id"],
        "fraud_type": "unauthorized_use_of_card",
        "created_at": "2026-03-01T12:00:00Z",
    }
    assert "fraud_warning" in shop.api.get(f"/api/payments/{payment_id}", as_support()).json()
    assert shop.api.get(f"/api/payments/{payment_id}", as_user()).json() == before
    assert (shop.balance(), refunds_at_stripe(shop)) == (1100, [])
    assert [line for line in log.getvalue().splitlines() if json.loads(line)["message"] == "early fraud warning"]
    shop.check()


def test_a_warning_costs_one_call_of_stripe(shop: Shop):
    _, intent = shop.buy()
    shop.simulator.warn_of_fraud(intent)
    calls = calls_of_stripe(shop)

    shop.deliver()

    assert calls == [f"GET /v1/payment_intents/{intent}"]


def test_a_warning_of_a_payment_that_is_not_ours_is_acknowledged_and_forgotten(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    payment_id, intent = shop.buy()
    shop.simulator.warn_of_fraud(intent)
    monkeypatch.setenv("STACK_NAME", "another")
    config.settings.cache_clear()

    assert set(shop.deliver()) == {200}

    assert "fraud_warning" not in shop.payment(payment_id)


def test_while_stripe_does_not_answer_the_warning_comes_again(shop: Shop):
    payment_id, intent = shop.buy()
    shop.simulator.warn_of_fraud(intent)
    shop.fault(f"/v1/payment_intents/{intent}", "500")

    assert 502 in shop.deliver()

    assert set(resend(shop)) == {200}
    assert "fraud_warning" in shop.payment(payment_id)


def test_a_warning_before_its_payment_is_kept(shop: Shop):
    payment = shop.create()
    intent = shop.pay(payment)
    shop.simulator.warn_of_fraud(intent)

    shop.deliver("radar.early_fraud_warning.created")
    assert "fraud_warning" in shop.payment(payment["payment_id"])

    shop.deliver()
    assert "fraud_warning" in shop.payment(payment["payment_id"])
    assert shop.balance() == 1100


@pytest.mark.usefixtures("refunding")
def test_where_the_operator_wants_it_the_payment_is_refunded_in_full_once(shop: Shop):
    payment_id, intent = shop.buy()
    shop.spend(400)
    shop.simulator.warn_of_fraud(intent)

    shop.deliver()
    resend(shop)

    seen = shop.payment(payment_id)
    assert (seen["amount_refunded"], [one["reason"] for one in seen["refunds"]]) == (100.0, ["Early fraud warning"])
    assert shop.credits()["debt"] == 400
    [entry, *_] = shop.api.get("/api/users/user-1/credits/transactions", as_support()).json()["transactions"]
    assert (entry["transaction_type"], entry["actor"]) == ("refunded", "stripe")
    assert len(refunds_at_stripe(shop)) == 1
    shop.check()


@pytest.mark.usefixtures("refunding")
def test_a_warning_that_no_endpoint_was_there_for_is_refunded_by_reconcile_once(shop: Shop):
    payment_id, intent = shop.buy()
    switch_endpoints(shop, on=False)
    shop.simulator.warn_of_fraud(intent)
    switch_endpoints(shop, on=True)

    assert shop.reconcile()["fraud_warnings"]["repaired"] == 1
    shop.reconcile(window_hours=720)

    assert shop.payment(payment_id)["amount_refunded"] == 100.0
    assert len(refunds_at_stripe(shop)) == 1
    shop.check()


@pytest.mark.usefixtures("refunding")
def test_what_is_left_is_refunded(shop: Shop):
    payment_id, intent = shop.buy()
    shop.refund(payment_id, 40)
    shop.simulator.warn_of_fraud(intent)

    shop.deliver()

    assert sorted(one["amount"] for one in refunds_at_stripe(shop)) == [4_000, 6_000]


@pytest.mark.usefixtures("refunding")
def test_a_payment_that_is_disputed_already_is_left_to_the_bank(shop: Shop):
    payment_id, intent = shop.buy()
    shop.simulator.warn_of_fraud(intent)
    shop.simulator.dispute(intent)
    shop.deliver("charge.dispute.created")

    assert set(shop.deliver()) == {200}

    assert refunds_at_stripe(shop) == []
    assert "fraud_warning" in shop.payment(payment_id)


@pytest.mark.usefixtures("refunding")
def test_a_warning_before_its_payment_comes_again_to_be_refunded(shop: Shop):
    payment = shop.create()
    intent = shop.pay(payment)
    shop.simulator.warn_of_fraud(intent)

    assert shop.deliver("radar.early_fraud_warning.created") == [503]
    shop.deliver()
    resend(shop)

    assert shop.payment(payment["payment_id"])["amount_refunded"] == 100.0
    assert shop.balance() == 0


@pytest.mark.usefixtures("refunding")
def test_a_refund_whose_answer_is_lost_is_completed_by_reconcile(shop: Shop):
    payment_id, intent = shop.buy()
    shop.simulator.warn_of_fraud(intent)
    shop.fault(REFUNDS, "timeout_before")

    assert set(shop.deliver()) == {200}
    assert shop.payment(payment_id)["refunds"][0]["status"] == "pending"
    shop.wait(minutes=5)
    shop.reconcile()

    assert [one["status"] for one in shop.payment(payment_id)["refunds"]] == ["succeeded"]
    assert len(refunds_at_stripe(shop)) == 1


@pytest.mark.usefixtures("refunding")
def test_a_warning_that_comes_again_carries_its_own_refund_on(shop: Shop):
    payment_id, intent = shop.buy()
    shop.simulator.warn_of_fraud(intent)
    shop.fault(REFUNDS, "timeout_before")
    shop.deliver()

    assert set(resend(shop)) == {200}

    assert [one["status"] for one in shop.payment(payment_id)["refunds"]] == ["succeeded"]
    assert len(refunds_at_stripe(shop)) == 1


@pytest.mark.usefixtures("refunding")
def test_a_refund_that_stripe_refuses_is_not_asked_for_again_and_again(shop: Shop):
    _, intent = shop.buy()
    shop.simulator.warn_of_fraud(intent)
    shop.simulator.refund(intent)  # in the Dashboard, and not reported yet
    shop.deliver("radar.early_fraud_warning.created")

    assert set(shop.deliver()) == {200}

    assert len(refunds_at_stripe(shop)) == 1
    assert shop.balance() == 0
    shop.check()
