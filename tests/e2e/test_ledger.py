"""Credits and money over HTTP under contention and faults, with real threads; each test ends with the audit.

The audit reads the stack's own tables, so right responses alone do not pass a test.
"""

from collections.abc import Iterator
from datetime import datetime, timedelta
from functools import partial

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
    """Once everything has been delivered after a test, the audit must find nothing."""
    made = new_buyer(ledger)
    yield made
    made.stripe.set_webhooks()
    made.stripe.set_faults()
    made.local.set_reaper(paused=False, drop=False)
    made.wait_for_deliveries()
    check_audit(ledger)


def check_audit(stack: Stack) -> None:
    found = discovery.of(stack)
    with target.tables(found.environment):
        assert audit(clock_of(found)).findings == []


def statuses(responses: list[httpx.Response]) -> list[int]:
    return sorted(response.status_code for response in responses)


# ------------------------------------------------------------------------------------------------------------ spends


def test_of_spends_at_once_exactly_those_that_fit_succeed(buyer: Buyer):
    buyer.buy()

    responses = at_once(*(partial(buyer.spend, 110, f"fits-{number}") for number in range(20)))

    assert statuses(responses) == [200] * 10 + [409] * 10
    assert {response.json()["balance"] for response in responses if response.status_code == 409} <= set(range(110))
    assert buyer.balance() == 0
    assert buyer.amounts("spent") == [-110] * 10


def test_the_same_key_from_many_requests_at_once_spends_once_with_one_response(buyer: Buyer):
    buyer.buy()

    responses = at_once(*(partial(buyer.spend, 100, "one-key") for _ in range(20)))

    assert {response.status_code for response in responses} == {200}
    assert len({response.text for response in responses}) == 1
    assert buyer.amounts("spent") == [-100]


def test_of_many_spends_by_one_user_at_once_none_is_lost(buyer: Buyer):
    buyer.buy()

    responses = at_once(*(partial(buyer.spend, 7, f"one-of-many-{number}") for number in range(20)))

    assert {response.status_code for response in responses} == {200}
    assert len({response.json()["transaction_id"] for response in responses}) == 20
    assert buyer.balance() == STANDARD - 20 * 7


# ----------------------------------------------------------------------------------------------------------- refunds


def test_two_full_refunds_at_once_make_one_refund_and_one_claw_back(buyer: Buyer):
    payment = buyer.buy()

    responses = at_once(*[partial(buyer.refund, payment)] * 2)

    assert statuses(responses) == [200, 409]
    assert buyer.amounts("refunded") == [-STANDARD]
    assert buyer.refunded_at_stripe(payment) == buyer.refunded_here(payment) == 10_000


def test_partial_refunds_at_once_never_exceed_what_was_paid(buyer: Buyer):
    payment = buyer.buy()

    responses = at_once(*[partial(buyer.refund, payment, 30)] * 8)

    assert statuses(responses) == [200] * 3 + [409] * 5
    assert buyer.refunded_at_stripe(payment) == buyer.refunded_here(payment) == 9_000
    assert sum(buyer.amounts("refunded")) == -STANDARD * 9 // 10


def test_a_refund_that_races_spends_leaves_no_debt(buyer: Buyer):
    payment = buyer.buy()

    refunded, *spent = at_once(
        partial(buyer.refund, payment), *(partial(buyer.spend, 200, f"race-{number}") for number in range(6))
    )

    spends = statuses(spent).count(200)
    assert (refunded.status_code, spends) in [(200, 0), *((409, number) for number in range(1, 6))]
    seen = buyer.credits()
    assert (seen["debt"], seen["balance"]) == (0, 0 if refunded.status_code == 200 else STANDARD - 200 * spends)
    assert buyer.refunded_at_stripe(payment) == buyer.refunded_here(payment)


@pytest.mark.parametrize("ending", ["won", "lost"])
def test_a_refund_and_a_dispute_at_once_claw_back_once(buyer: Buyer, ending: str):
    payment = buyer.buy()
    intent = buyer.stripe.intent_of(payment)

    refunded, opened = at_once(
        partial(buyer.refund, payment),
        partial(buyer.stripe.dispute, intent, 10_000),
    )

    buyer.wait_for_deliveries()
    assert buyer.balance() == 0
    assert sum(buyer.amounts("refunded", "disputed", "refund_reversed")) == -STANDARD
    buyer.stripe.close_dispute(opened, ending)
    buyer.wait_for_deliveries()
    keeps = ending == "won" and refunded.status_code != 200
    eventually(lambda: buyer.balance() == (STANDARD if keeps else 0))
    assert buyer.refunded_at_stripe(payment) == buyer.refunded_here(payment)


def test_refunds_are_clawed_back_once_although_webhooks_are_repeated_and_reordered(buyer: Buyer):
    payment = buyer.buy()
    intent = buyer.stripe.intent_of(payment)
    buyer.stripe.set_webhooks(duplicates=9, shuffle=True, delay_ms=30)

    refunded, _ = at_once(partial(buyer.refund, payment, 25), partial(buyer.stripe.refund, intent, 1_000))

    buyer.wait_for_deliveries()
    assert refunded.status_code == 200
    assert buyer.refunded_at_stripe(payment) == buyer.refunded_here(payment) == 3_500
    assert sorted(buyer.amounts("refunded")) == [-275, -110]


@pytest.mark.parametrize("finisher", ["webhook", "reconcile"])
def test_a_refund_whose_response_was_lost_is_finished_once(buyer: Buyer, finisher: str):
    payment = buyer.buy()
    buyer.stripe.set_webhooks(**({"paused": True} if finisher == "webhook" else {"drop": 1.0}))
    buyer.stripe.set_faults(*[{"path": "/v1/refunds", "method": "POST", "do": "timeout_after"}] * 2)

    response = buyer.refund(payment, 40)

    assert (response.status_code, response.json()["success"]) == (202, False)
    assert [refund["status"] for refund in buyer.payment(payment)["refunds"]] == ["pending"]
    buyer.stripe.set_webhooks()
    if finisher == "reconcile":
        buyer.local.move_clock(5 * 60)
        assert buyer.local.reconcile()["repaired"] == 1
    eventually(lambda: [refund["status"] for refund in buyer.payment(payment)["refunds"]] == ["succeeded"])
    assert buyer.refunded_at_stripe(payment) == buyer.refunded_here(payment) == 4_000
    assert buyer.amounts("refunded") == [-STANDARD * 4 // 10]
    assert buyer.local.reconcile()["repaired"] == 0


# ---------------------------------------------------------------------------------------------------- lost webhooks


def test_reconcile_grants_a_payment_whose_webhooks_were_lost_and_does_it_once(buyer: Buyer):
    buyer.stripe.set_webhooks(drop=1.0)
    payment = buyer.create()
    buyer.stripe.pay(payment)
    buyer.stripe.set_webhooks()
    assert buyer.balance() == 0

    report = buyer.local.reconcile(window_hours=1)

    assert report["paid_events"]["repaired"] >= 1
    assert report["failures"] == 0
    assert buyer.balance() == STANDARD
    assert buyer.local.reconcile(window_hours=1)["repaired"] == 0
    assert buyer.amounts("purchased") == [STANDARD]


# ----------------------------------------------------------------------------------------------------------- expiry


@pytest.fixture
def aging(new_buyer: NewBuyer) -> Iterator[Buyer]:
    """A buyer on a separate stack, whose clock the test may move; at the end the audit must find nothing."""
    with running() as stack:
        made = new_buyer(stack)
        yield made
        made.wait_for_deliveries()
        check_audit(stack)


def expiry_of(buyer: Buyer) -> datetime:
    return datetime.fromisoformat(buyer.credits()["lots"][0]["expires_at"])


def test_spends_that_race_the_expiry_succeed_before_it_and_never_after(aging: Buyer):
    aging.buy()
    expiry = expiry_of(aging)
    aging.local.move_clock((expiry - aging.local.now()).total_seconds() - 2)

    def spend_until_refused(spender: int) -> int:
        number = 0
        while aging.spend(1, f"{spender}-{number}").status_code == 200:
            number += 1
        return number

    spent = sum(at_once(*(partial(spend_until_refused, spender) for spender in range(4))))

    eventually(lambda: len(aging.amounts("expired")) == 1)
    assert aging.amounts("expired") == [spent - STANDARD]
    last = max(entry["created_at"] for entry in aging.api.ledger(aging.user_id) if entry["transaction_type"] == "spent")
    assert datetime.fromisoformat(last) < expiry
    assert aging.balance() == 0


def test_reconcile_expires_lots_whose_stream_records_were_lost(aging: Buyer):
    for _ in range(3):
        aging.buy("trial")
    aging.spend(600, "before")  # more than one lot, of lots that may expire within the same second
    aging.local.set_reaper(drop=True)

    aging.local.move_clock(timedelta(days=200).total_seconds())

    eventually(lambda: aging.local.reaper()["dropped"] == 4)  # and the spend's marker
    assert aging.balance() == 0
    assert aging.amounts("expired") == []
    report = aging.local.reconcile(sweep_after_hours=0)
    assert (report["lots"]["found"], report["failures"]) == (2, 0)  # the spend has used up the third
    assert sum(aging.amounts("expired")) == -(3 * 500 - 600)
    assert aging.local.reconcile(sweep_after_hours=0)["lots"]["found"] == 0


def test_a_lot_left_by_a_paused_reaper_expires_when_it_resumes(aging: Buyer):
    aging.buy()
    aging.local.set_reaper(paused=True)
    scans = aging.local.reaper()["scans"]

    aging.local.move_clock(timedelta(days=200).total_seconds())

    eventually(lambda: aging.local.reaper()["scans"] > scans + 1)
    assert aging.amounts("expired") == []
    assert aging.balance() == 0
    aging.local.set_reaper(paused=False)
    eventually(lambda: aging.amounts("expired") == [-STANDARD])
