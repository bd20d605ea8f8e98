"""Credits and money over HTTP under contention and accident, with real threads; each test ends with the audit.

The audit reads the stack's own tables, so that a test cannot be satisfied by answers alone.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import httpx
import pytest

from local import discovery
from local.launcher import Stack, running
from ops import target
from ops.audit import audit, clock_of
from tests.e2e.buyer import Buyer, NewBuyer, at_once, eventually

STANDARD = 1100  # credits, for 100.00


@pytest.fixture(scope="module")
def ledger() -> Iterator[Stack]:
    """A stack whose webhooks, reaper and Stripe the tests of this module disturb."""
    with running() as stack:
        yield stack


@pytest.fixture
def buyer(ledger: Stack, new_buyer: NewBuyer) -> Iterator[Buyer]:
    """One of `ledger`; whatever the test did, the books must balance once everything has arrived."""
    made = new_buyer(ledger)
    yield made
    made.stripe.put("/webhooks", json={})
    made.stripe.put("/faults", json={"next": []})
    made.api.put("/_local/reaper", json={"paused": False, "drop": False})
    all_delivered(made)
    is_sound(ledger)


def is_sound(stack: Stack) -> None:
    found = discovery.of(stack)
    with target.tables(found.environment):
        assert audit(clock_of(found)).findings == []


def all_delivered(buyer: Buyer) -> None:
    """Nothing is on its way to our webhook any more."""
    eventually(lambda: all(sent["state"] != "pending" for sent in buyer.deliveries("")))


def statuses(answers: list[httpx.Response]) -> list[int]:
    return sorted(answer.status_code for answer in answers)


def now_of(buyer: Buyer) -> datetime:
    return datetime.fromisoformat(buyer.api.get("/_local/clock").json()["now"])


def reconcile(buyer: Buyer, **asked: int) -> dict[str, Any]:
    answer = buyer.api.post("/_local/reconcile", json=asked)
    assert answer.status_code == 200, answer.text
    report: dict[str, Any] = answer.json()
    return report


# ------------------------------------------------------------------------------------------------------------ spends


def test_of_spends_at_once_exactly_those_that_fit_succeed(buyer: Buyer):
    buyer.buy()

    answers = at_once(*(partial(buyer.spend, 110, f"fits-{number}") for number in range(20)))

    assert statuses(answers) == [200] * 10 + [409] * 10
    assert {answer.json()["balance"] for answer in answers if answer.status_code == 409} <= set(range(110))
    assert buyer.balance() == 0
    assert buyer.amounts("spent") == [-110] * 10


def test_the_same_key_from_many_at_once_spends_once_and_answers_alike(buyer: Buyer):
    buyer.buy()

    answers = at_once(*(partial(buyer.spend, 100, "one-key") for _ in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.text for answer in answers}) == 1
    assert buyer.amounts("spent") == [-100]


def test_many_spenders_of_one_user_lose_nothing(buyer: Buyer):
    buyer.buy()

    answers = at_once(*(partial(buyer.spend, 7, f"one-of-many-{number}") for number in range(20)))

    assert {answer.status_code for answer in answers} == {200}
    assert len({answer.json()["transaction_id"] for answer in answers}) == 20
    assert buyer.balance() == STANDARD - 20 * 7


# ----------------------------------------------------------------------------------------------------------- refunds


def test_two_full_refunds_at_once_are_one_refund_and_one_claw_back(buyer: Buyer):
    payment = buyer.buy()

    answers = at_once(*[partial(buyer.refund, payment)] * 2)

    assert statuses(answers) == [200, 409]
    assert buyer.amounts("refunded") == [-STANDARD]
    assert buyer.refunded_at_stripe(payment) == buyer.refunded_here(payment) == 10_000


def test_partial_refunds_at_once_never_exceed_what_was_paid(buyer: Buyer):
    payment = buyer.buy()

    answers = at_once(*[partial(buyer.refund, payment, 30)] * 8)

    assert statuses(answers) == [200] * 3 + [409] * 5
    assert buyer.refunded_at_stripe(payment) == buyer.refunded_here(payment) == 9_000
    assert sum(buyer.amounts("refunded")) == -STANDARD * 9 // 10


def test_a_refund_that_races_spends_leaves_no_debt(buyer: Buyer):
    payment = buyer.buy()

    refunded, *spent = at_once(
        partial(buyer.refund, payment), *(partial(buyer.spend, 200, f"race-{number}") for number in range(6))
    )

    spends = statuses(spent).count(200)
    assert (refunded.status_code, spends) in [(200, 0), *((409, number) for number in range(1, 6))]
    seen = buyer.api.get("/api/users/credits").json()
    assert (seen["debt"], seen["balance"]) == (0, 0 if refunded.status_code == 200 else STANDARD - 200 * spends)
    assert buyer.refunded_at_stripe(payment) == buyer.refunded_here(payment)


@pytest.mark.parametrize("ending", ["won", "lost"])
def test_a_refund_and_a_dispute_at_once_never_claw_twice(buyer: Buyer, ending: str):
    payment = buyer.buy()
    intent = buyer.intent(payment)

    refunded, opened = at_once(
        partial(buyer.refund, payment),
        lambda: buyer.stripe.post(f"/payment_intents/{intent}/dispute", json={"amount": 10_000}),
    )

    all_delivered(buyer)
    assert buyer.balance() == 0
    assert sum(buyer.amounts("refunded", "disputed", "refund_reversed")) == -STANDARD
    buyer.stripe.post(f"/disputes/{opened.json()['id']}/close", json={"status": ending})
    all_delivered(buyer)
    keeps = ending == "won" and refunded.status_code != 200
    eventually(lambda: buyer.balance() == (STANDARD if keeps else 0))
    assert buyer.refunded_at_stripe(payment) == buyer.refunded_here(payment)


def test_refunds_are_clawed_once_though_their_webhooks_come_many_times_and_in_any_order(buyer: Buyer):
    payment = buyer.buy()
    intent = buyer.intent(payment)
    buyer.stripe.put("/webhooks", json={"duplicates": 9, "shuffle": True, "delay_ms": 30})

    answers = at_once(
        partial(buyer.refund, payment, 25),
        lambda: buyer.stripe.post(f"/payment_intents/{intent}/refund", json={"amount": 1_000}),
    )

    all_delivered(buyer)
    assert {answer.status_code for answer in answers} == {200}
    assert buyer.refunded_at_stripe(payment) == buyer.refunded_here(payment) == 3_500
    assert sorted(buyer.amounts("refunded")) == [-275, -110]


@pytest.mark.parametrize("finisher", ["webhook", "reconcile"])
def test_a_refund_whose_answer_was_lost_is_finished_once(buyer: Buyer, finisher: str):
    payment = buyer.buy()
    buyer.stripe.put("/webhooks", json={"paused": True} if finisher == "webhook" else {"drop": 1.0})
    buyer.stripe.put("/faults", json={"next": [{"path": "/v1/refunds", "method": "POST", "do": "timeout_after"}] * 2})

    answer = buyer.refund(payment, 40)

    assert (answer.status_code, answer.json()["success"]) == (202, False)
    assert [refund["status"] for refund in buyer.status(payment)["refunds"]] == ["pending"]
    buyer.stripe.put("/webhooks", json={})
    if finisher == "reconcile":
        buyer.move_clock(5 * 60)
        assert reconcile(buyer)["repaired"] == 1
    eventually(lambda: [refund["status"] for refund in buyer.status(payment)["refunds"]] == ["succeeded"])
    assert buyer.refunded_at_stripe(payment) == buyer.refunded_here(payment) == 4_000
    assert buyer.amounts("refunded") == [-STANDARD * 4 // 10]
    assert reconcile(buyer)["repaired"] == 0


# ---------------------------------------------------------------------------------------------------- lost webhooks


def test_reconcile_grants_what_no_webhook_told_of_and_does_it_once(buyer: Buyer):
    buyer.stripe.put("/webhooks", json={"drop": 1.0})
    payment = buyer.create()
    buyer.pay(payment)
    buyer.stripe.put("/webhooks", json={"drop": 0.0})
    assert buyer.balance() == 0

    report = reconcile(buyer, window_hours=1)

    assert report["events"]["repaired"] >= 1
    assert report["failures"] == 0
    assert buyer.balance() == STANDARD
    assert reconcile(buyer, window_hours=1)["repaired"] == 0
    assert buyer.amounts("purchased") == [STANDARD]


# ----------------------------------------------------------------------------------------------------------- expiry


@pytest.fixture
def aging(new_buyer: NewBuyer) -> Iterator[Buyer]:
    """A buyer of a stack of their own, where time may pass; the books must balance in the end."""
    with running() as stack:
        made = new_buyer(stack)
        yield made
        all_delivered(made)
        is_sound(stack)


def expiry_of(buyer: Buyer) -> datetime:
    return datetime.fromisoformat(buyer.api.get("/api/users/credits").json()["lots"][0]["expires_at"])


def test_a_spend_races_the_expiry_second_and_one_of_them_wins(aging: Buyer):
    aging.buy()
    expiry = expiry_of(aging)
    aging.move_clock((expiry - now_of(aging)).total_seconds() - 2)

    def spend_until_refused(spender: int) -> int:
        number = 0
        while aging.spend(1, f"{spender}-{number}").status_code == 200:
            number += 1
        return number

    spent = sum(at_once(*(partial(spend_until_refused, spender) for spender in range(4))))

    eventually(lambda: len(aging.amounts("expired")) == 1)
    assert aging.amounts("expired") == [spent - STANDARD]
    last = max(entry["created_at"] for entry in pages(aging) if entry["transaction_type"] == "spent")
    assert datetime.fromisoformat(last) < expiry
    assert aging.balance() == 0


def pages(buyer: Buyer) -> Iterator[dict[str, Any]]:
    """The whole ledger, newest first."""
    cursor: str | None = ""
    while cursor is not None:
        query = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
        page = buyer.api.get("/api/users/credits/transactions", params=query).json()
        yield from page["transactions"]
        cursor = page["next_cursor"]


def test_reconcile_sweeps_the_lots_whose_stream_records_were_lost(aging: Buyer):
    for package in ("trial", "standard", "trial"):
        aging.buy(package)
    aging.spend(600, "before")
    aging.api.put("/_local/reaper", json={"drop": True})

    aging.move_clock(timedelta(days=200).total_seconds())

    eventually(lambda: aging.api.get("/_local/reaper").json()["dropped"] == 4)  # and the spend's marker
    assert aging.balance() == 0
    assert aging.amounts("expired") == []
    report = reconcile(aging, sweep_after_hours=0)
    assert (report["lots"]["found"], report["failures"]) == (3, 0)
    assert sum(aging.amounts("expired")) == -(2100 - 600)
    assert reconcile(aging, sweep_after_hours=0)["lots"]["found"] == 0


def test_a_lot_that_a_paused_reaper_left_expires_once_it_runs_again(aging: Buyer):
    aging.buy()
    aging.api.put("/_local/reaper", json={"paused": True})
    scans = aging.api.get("/_local/reaper").json()["scans"]

    aging.move_clock(timedelta(days=200).total_seconds())

    eventually(lambda: aging.api.get("/_local/reaper").json()["scans"] > scans + 1)
    assert aging.amounts("expired") == []
    assert aging.balance() == 0
    aging.api.put("/_local/reaper", json={"paused": False})
    eventually(lambda: aging.amounts("expired") == [-STANDARD])
