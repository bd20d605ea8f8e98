"""Purchases over HTTP: the gateway's events, signed webhooks on the function's own URL, DynamoDB in its own process."""

import pytest

from local.launcher import Stack
from tests.e2e.buyer import NewBuyer, eventually


def test_a_purchase_grants_its_credits_once(new_buyer: NewBuyer, stack: Stack):
    buyer = new_buyer(stack)
    payment = buyer.create()

    buyer.stripe.pay(payment)

    eventually(lambda: buyer.status(payment) == "succeeded")
    assert [(entry["transaction_type"], entry["amount"]) for entry in buyer.ledger()] == [("purchased", 1100)]
    assert buyer.balance() == 1100


@pytest.mark.parametrize("method", ["alipay", "wechat_pay"])
@pytest.mark.parametrize(("outcome", "status", "balance"), [("succeeded", "succeeded", 1100), ("failed", "failed", 0)])
def test_a_delayed_method_grants_credits_only_when_it_settles(
    new_buyer: NewBuyer, stack: Stack, method: str, outcome: str, status: str, balance: int
):
    buyer = new_buyer(stack)
    payment = buyer.create()
    buyer.stripe.pay(payment, method=method)
    eventually(lambda: buyer.status(payment) == "processing")
    assert buyer.balance() == 0

    buyer.stripe.settle(payment, outcome)

    eventually(lambda: buyer.status(payment) == status)
    assert buyer.balance() == balance


@pytest.mark.parametrize("card", ["4000000000009995", "4000000000000002"])
def test_a_declined_card_says_why_and_another_may_pay_in_the_same_session(new_buyer: NewBuyer, stack: Stack, card: str):
    buyer = new_buyer(stack)
    payment = buyer.create()
    buyer.stripe.pay(payment, card=card)
    eventually(lambda: buyer.status(payment) == "failed")
    assert buyer.payment(payment)["error_message"]

    buyer.stripe.pay(payment)

    eventually(lambda: buyer.status(payment) == "succeeded")
    assert buyer.balance() == 1100


def test_an_expired_session_expires_the_payment(new_buyer: NewBuyer, stack: Stack):
    buyer = new_buyer(stack)
    payment = buyer.create()

    buyer.stripe.expire(payment)

    eventually(lambda: buyer.status(payment) == "expired")
