"""Purchases while requests race and webhooks are lost, repeated and shuffled."""

import time
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
    headers = {"Idempotency-Key": "one-click"}

    def create(_: int) -> httpx.Response:
        return buyer.api.post("/api/payments/stripe/create", json={"package": "trial"}, headers=headers)

    with ThreadPoolExecutor(12) as pool:
        answers = list(pool.map(create, range(12)))

    assert {answer.status_code for answer in answers} <= {200, 503}
    made = [answer.json() for answer in answers if answer.status_code == 200]
    assert made
    assert len({(payment["payment_id"], payment["payment_url"]) for payment in made}) == 1
    assert len(buyer.api.get("/api/payments").json()["payments"]) == 1
    assert create(0).json()["payment_url"] == made[0]["payment_url"]


def test_the_same_event_fifty_times_at_once_is_one_grant_and_always_acknowledged(new_buyer: NewBuyer, restless: Stack):
    buyer = new_buyer(restless)
    buyer.stripe.put("/webhooks", json={"duplicates": 49, "shuffle": True})
    payment = buyer.create()

    session = buyer.pay(payment)

    def tried() -> list[dict[str, Any]]:
        return [
            attempt
            for delivery in buyer.deliveries(session)
            if delivery["type"] in ("checkout.session.completed", "payment_intent.succeeded")
            for attempt in delivery["attempts"]
        ]

    eventually(lambda: len(tried()) >= 100)
    buyer.stripe.put("/webhooks", json={"duplicates": 0, "shuffle": False})
    assert {attempt["status"] for attempt in tried()} == {200}
    assert [entry["amount"] for entry in buyer.ledger()] == [1100]


def test_many_purchases_of_one_user_at_once_lose_none(new_buyer: NewBuyer, restless: Stack):
    buyer = new_buyer(restless)
    payments = [buyer.create("trial") for _ in range(12)]

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(buyer.pay, payments))

    eventually(lambda: all(buyer.status(payment)["status"] == "succeeded" for payment in payments))
    entries = buyer.ledger()
    assert [entry["balance_after"] for entry in entries] == [500 * number for number in range(12, 0, -1)]
    assert len({entry["payment_order_id"] for entry in entries}) == 12


def test_a_buyer_whose_webhooks_are_all_lost_sees_their_credits_when_they_look(new_buyer: NewBuyer, restless: Stack):
    buyer = new_buyer(restless)
    buyer.stripe.put("/webhooks", json={"drop": 1.0})
    payment = buyer.create()
    buyer.pay(payment)
    buyer.stripe.put("/webhooks", json={"drop": 0.0})
    assert buyer.balance() == 0

    buyer.api.post("/_local/clock", json={"advance_seconds": 6})

    assert buyer.status(payment)["status"] == "succeeded"
    assert buyer.balance() == 1100


@pytest.mark.parametrize("fault", ["timeout_after", "timeout_before", "500", "429"])
def test_whatever_happens_to_stripes_answer_a_retry_opens_the_payments_one_session(
    new_buyer: NewBuyer, restless: Stack, fault: str
):
    buyer = new_buyer(restless)
    # The library tries again by itself after a time-out, and after a 500, which Stripe replays to the same key.
    calls = 2 if fault.startswith("timeout") else 1
    buyer.stripe.put("/faults", json={"next": [{"path": "/v1/checkout/sessions", "do": fault}] * calls})
    headers = {"Idempotency-Key": f"retry-{fault}"}
    started = time.monotonic()
    first = buyer.api.post("/api/payments/stripe/create", json={"package": "trial"}, headers=headers)

    assert first.status_code in (502, 503)
    assert time.monotonic() - started < 30
    payment = buyer.create("trial", **headers)
    buyer.pay(payment)
    eventually(lambda: buyer.status(payment)["status"] == "succeeded")
    assert [entry["amount"] for entry in buyer.ledger()] == [500]


def test_credits_are_gone_at_the_second_of_their_expiry_though_nothing_has_swept_them(new_buyer: NewBuyer):
    with running() as stack:
        buyer = new_buyer(stack)
        payment = buyer.create()
        buyer.pay(payment)
        eventually(lambda: buyer.balance() == 1100)
        buyer.api.put("/_local/reaper", json={"paused": True})

        buyer.move_clock(190 * 86_400)

        assert buyer.balance() == 0
        assert buyer.ledger()[0]["is_expired"] is True
