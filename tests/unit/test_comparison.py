"""Our records of money against Stripe's: what differs, and what is right though only one side has it."""

from dataclasses import replace
from typing import Any

import pytest

from local.in_process.environment import NOW
from tests.support.builders import INTENT_ID, PAYMENT_ID, an_order
from tests.unit.test_reversals import a_reversal
from topup.domain.comparison import MoneyRecord, RecordKind, differences, missing_here, records_of
from topup.domain.orders import Status
from topup.domain.payments import Payment
from topup.domain.reversals import ReversalStatus


def a_record(**changes: Any) -> MoneyRecord:
    """The payment of `a_settled_payment`, as Stripe has it."""
    record = MoneyRecord(
        kind=RecordKind.PAYMENT,
        stripe_id=INTENT_ID,
        payment_id=PAYMENT_ID,
        intent_id=INTENT_ID,
        status="succeeded",
        amount_minor=10000,
        currency="CNY",
        reversed_minor=0,
        created_at=NOW,
    )
    return replace(record, **changes)


def a_settled_payment(*reversals: Any, **changes: Any) -> Payment:
    order = an_order(status=Status.SUCCEEDED, transaction_id=INTENT_ID, paid_at=NOW)
    return Payment(replace(order, **changes), reversals)


def test_a_settled_order_is_a_payment_and_each_reversal_with_an_id_of_stripes_a_record():
    payment = a_settled_payment(
        a_reversal(stripe_id="re_1", currency="JPY"), a_reversal(stripe_id="re_2"), a_reversal(stripe_id=None)
    )

    paid, foreign, refund = records_of(payment)

    assert paid == a_record()
    assert (foreign.stripe_id, foreign.currency) == ("re_1", "JPY")
    assert (refund.stripe_id, refund.currency, refund.intent_id, refund.payment_id) == (
        "re_2",
        "CNY",
        INTENT_ID,
        PAYMENT_ID,
    )


@pytest.mark.parametrize("changes", [{"status": Status.DECLINED}, {"transaction_id": None}])
def test_an_order_that_was_not_paid_by_an_intent_claims_no_payment(changes: dict[str, Any]):
    assert list(records_of(a_settled_payment(**changes))) == []


def test_a_status_that_we_do_not_know_is_compared_by_stripes_own_word():
    unknown = a_reversal(stripe_id="re_1", status=ReversalStatus.UNKNOWN, stripe_status="new_word")

    assert [record.status for record in records_of(a_settled_payment(unknown))] == ["succeeded", "new_word"]


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({}, []),
        ({"created_at": NOW.replace(year=2020)}, []),
        ({"reversed_minor": 5}, []),  # its refunds are compared one by one
        ({"payment_id": "other"}, [f"payment: other at Stripe, {PAYMENT_ID} here"]),
        ({"intent_id": "pi_2"}, [f"payment intent: pi_2 at Stripe, {INTENT_ID} here"]),
        ({"status": "canceled"}, ["status: canceled at Stripe, succeeded here"]),
        ({"amount_minor": 1}, ["amount_minor: 1 at Stripe, 10000 here"]),
        ({"currency": "JPY"}, ["currency: JPY at Stripe, CNY here"]),
    ],
)
def test_each_field_of_a_payment_is_compared(changes: dict[str, Any], says: list[str]):
    assert differences(a_record(), a_record(**changes)) == says


@pytest.mark.parametrize("kind", [RecordKind.REFUND, RecordKind.DISPUTE])
def test_of_a_refund_or_dispute_what_it_reverses_is_compared_too(kind: RecordKind):
    ours, stripes = a_record(kind=kind), a_record(kind=kind, reversed_minor=5)

    assert differences(ours, stripes) == ["reversed_minor: 5 at Stripe, 0 here"]


PAYMENT, REFUND = RecordKind.PAYMENT, RecordKind.REFUND


@pytest.mark.parametrize(
    ("stripes", "order", "says"),
    [
        ({"kind": PAYMENT}, {"status": Status.PENDING, "transaction_id": None}, "its payment is pending here"),
        ({"kind": REFUND}, {"status": Status.EXPIRED, "transaction_id": None}, "its payment is expired here"),
        ({"kind": REFUND}, {}, "it is not recorded here"),
        # A payment that was refused, and one by another intent than the order's.
        (
            {"kind": PAYMENT, "reversed_minor": 9999},
            {"status": Status.PENDING, "rejected_intent": INTENT_ID},
            "it is quarantined here, and Stripe still has its money",
        ),
        ({"kind": PAYMENT, "reversed_minor": 10000}, {"status": Status.PENDING, "rejected_intent": INTENT_ID}, None),
        ({"kind": REFUND}, {"status": Status.PENDING, "rejected_intent": INTENT_ID}, None),
        (
            {"kind": PAYMENT, "reversed_minor": 9999},
            {"transaction_id": "pi_2"},
            "the order was paid by pi_2: this is a second payment of it",
        ),
        ({"kind": PAYMENT, "reversed_minor": 10000}, {"transaction_id": "pi_2"}, None),
        ({"kind": REFUND}, {"transaction_id": "pi_2"}, None),
    ],
)
def test_what_only_stripe_has(stripes: dict[str, Any], order: dict[str, Any], says: str | None):
    assert missing_here(a_record(**stripes), a_settled_payment(**order)) == says


def test_what_belongs_to_no_order_of_ours_and_what_may_be_the_one_in_flight():
    in_flight = a_reversal(status=ReversalStatus.IN_FLIGHT)

    assert missing_here(a_record(), None) == "there is no such payment here"
    assert missing_here(a_record(kind=REFUND), a_settled_payment(in_flight)) == (
        "it is not recorded here (a refund is in flight)"
    )
    assert missing_here(a_record(kind=REFUND, intent_id=None), a_settled_payment(transaction_id=None)) == (
        "it is not recorded here"
    )
