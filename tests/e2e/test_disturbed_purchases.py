"""Purchases while requests race and webhooks are lost, repeated and shuffled."""

from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import httpx
import pytest

from local.launcher import Stack, running
from tests.e2e.buyer import NewBuyer, eventually


@pytest.fixture(scope="module")
def restless() -> Iterator[Stack]:
    """A stack whose webhooks the tests of this module disturb."""
    with running() as stack:
        yield stack


def test_the_same_key_from_many_requests_at_once_is_one_payment_and_one_session(new_buyer: NewBuyer, stack: Stack):
    buyer = new_buyer(stack)

    def create(_: int) -> httpx.Response:
        return buyer.api.create(buyer.user_id, "trial", "one-click")

    with ThreadPoolExecutor(12) as pool:
        responses = list(pool.map(create, range(12)))

    assert {response.status_code for response in responses} <= {200, 503}
    made = [response.json() for response in responses if response.status_code == 200]
    assert made
    assert len({(payment["payment_id"], payment["payment_url"]) for payment in made}) == 1
    assert len(buyer.payments()) == 1
    assert create(0).json()["payment_url"] == made[0]["payment_url"]


def test_the_same_event_fifty_times_at_once_grants_once_and_is_acknowledged(new_buyer: NewBuyer, restless: Stack):
    buyer = new_buyer(restless)
    buyer.stripe.set_webhooks(duplicates=49, shuffle=True)
    payment = buyer.create()

    buyer.stripe.pay(payment)

    def attempts() -> list[dict[str, Any]]:
        return [
            attempt
            for delivery in buyer.stripe.deliveries()
            if delivery["type"] in ("checkout.session.completed", "payment_intent.succeeded")
            for attempt in delivery["attempts"]
        ]

    eventually(lambda: len(attempts()) >= 100)
    buyer.stripe.set_webhooks()
    assert {attempt["status"] for attempt in attempts()} == {200}
    assert [entry["amount"] for entry in buyer.ledger()] == [1100]


def test_of_many_purchases_by_one_user_at_once_none_is_lost(new_buyer: NewBuyer, restless: Stack):
    buyer = new_buyer(restless)
    payments = [buyer.create("trial") for _ in range(12)]

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(buyer.stripe.pay, payments))

    eventually(lambda: all(buyer.status(payment) == "succeeded" for payment in payments))
    entries = buyer.ledger()
    assert [entry["balance_after"] for entry in entries] == [500 * number for number in range(12, 0, -1)]
    assert len({entry["payment_order_id"] for entry in entries}) == 12


def test_a_buyer_whose_webhooks_are_all_lost_sees_their_credits_when_they_look(new_buyer: NewBuyer, restless: Stack):
    buyer = new_buyer(restless)
    buyer.stripe.set_webhooks(drop=1.0)
    payment = buyer.create()
    buyer.stripe.pay(payment)
    buyer.stripe.set_webhooks()
    assert buyer.balance() == 0

    buyer.local.move_clock(6)

    assert buyer.status(payment) == "succeeded"
    assert buyer.balance() == 1100


@pytest.mark.parametrize("fault", ["timeout_after", "timeout_before", "500", "429"])
def test_after_any_failure_of_stripe_a_retry_opens_the_payments_one_session(
    new_buyer: NewBuyer, restless: Stack, fault: str
):
    buyer = new_buyer(restless)
    # Stripe's library retries after a timeout and after a 500; Stripe replays a stored 500 to the same key.
    calls = 2 if fault.startswith("timeout") else 1
    buyer.stripe.set_faults(*[{"path": "/v1/checkout/sessions", "do": fault}] * calls)
    first = buyer.api.create(buyer.user_id, "trial", f"retry-{fault}")

    assert first.status_code in (502, 503)
    payment = buyer.create("trial", f"retry-{fault}")
    buyer.stripe.pay(payment)
    eventually(lambda: buyer.status(payment) == "succeeded")
    assert [entry["amount"] for entry in buyer.ledger()] == [500]


def test_expired_credits_leave_the_balance_although_nothing_has_swept_them(new_buyer: NewBuyer):
    with running() as stack:
        buyer = new_buyer(stack)
        payment = buyer.create()
        buyer.stripe.pay(payment)
        eventually(lambda: buyer.balance() == 1100)
        buyer.local.set_reaper(paused=True)

        buyer.local.move_clock(190 * 86_400)

        assert buyer.balance() == 0
        assert buyer.ledger()[0]["is_expired"] is True
