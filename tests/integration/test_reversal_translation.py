"""What Stripe says of a refund or a dispute, and how much of the money each of them reverses."""

from typing import Any

import pytest

from tests.support.builders import INTENT_ID, PAYMENT_ID
from topup.domain.reversals import ReversalStatus
from topup.stripe_gateway import reversals

OTHER_PAYMENT = "0f0e0d0c-0b0a-4988-8766-554433221100"
REFUND_ID = "7c9e6679-7425-40de-944b-e07fc1f90ae7"


def refund(**changes: Any) -> dict[str, Any]:
    """Stripe API, Refund object."""
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 2500,
        "currency": "cny",
        "created": 1772366400,
        "metadata": {},
        "payment_intent": INTENT_ID,
        "reason": None,
        "status": "succeeded",
    } | changes


def dispute(status: Any, *moves: int, case_type: str = "chargeback", **changes: Any) -> dict[str, Any]:
    """Stripe API, Dispute object, with the records of the money that came and went."""
    return {
        "id": "du_1",
        "object": "dispute",
        "amount": 10000,
        "balance_transactions": [{"amount": move, "exchange_rate": None} for move in moves],
        "currency": "cny",
        "created": 1772366400,
        "metadata": {},
        "payment_intent": INTENT_ID,
        "payment_method_details": {"card": {"case_type": case_type}, "type": "card"},
        "reason": "fraudulent",
        "status": status,
    } | changes


def reversed_minor(stripe_dispute: dict[str, Any]) -> int:
    return reversals.dispute_update(stripe_dispute, PAYMENT_ID).reversal.reversed_minor


# -------------------------------------------------------------------------------------------------------------- refunds


@pytest.mark.parametrize(
    ("status", "expected"),
    [
        (None, ReversalStatus.PENDING),
        ("pending", ReversalStatus.PENDING),
        ("requires_action", ReversalStatus.PENDING),
        ("succeeded", ReversalStatus.SUCCEEDED),
        ("failed", ReversalStatus.FAILED),
        ("canceled", ReversalStatus.CANCELED),
    ],
)
def test_each_status_of_a_refund_is_known(status: str | None, expected: ReversalStatus):
    update = reversals.refund_update(refund(status=status), PAYMENT_ID)

    assert (update.reversal.status, update.reversal.stripe_status) == (expected, None)


@pytest.mark.parametrize("status", ["on_its_way", "unknown", "", "é" * 600])
def test_an_unknown_status_of_a_refund_is_kept_as_stripe_says_it(status: str, capsys: pytest.CaptureFixture[str]):
    update = reversals.refund_update(refund(status=status), PAYMENT_ID)

    assert update.reversal.status is ReversalStatus.UNKNOWN
    assert update.reversal.stripe_status == status[:500]
    assert update.reversal.net_minor is None
    assert capsys.readouterr().out.count('"UnknownStripeStatus":[1.0]') == 1


@pytest.mark.parametrize(
    ("refunds", "disputes"), [("lost", "succeeded"), ("in_flight", "in_flight"), ("won", "refused")]
)
def test_a_status_of_the_other_kind_or_of_ours_is_refused(refunds: str, disputes: str):
    with pytest.raises(ValueError, match="status"):
        reversals.refund_update(refund(status=refunds), PAYMENT_ID)
    with pytest.raises(ValueError, match="status"):
        reversals.dispute_update(dispute(disputes), PAYMENT_ID)


@pytest.mark.parametrize("status", [1, True, [], {}])
def test_a_status_that_is_no_text_is_refused(status: Any):
    with pytest.raises(TypeError):
        reversals.refund_update(refund(status=status), PAYMENT_ID)
    with pytest.raises(TypeError):
        reversals.dispute_update(dispute(status), PAYMENT_ID)


def test_a_refund_names_its_payment_intent_expanded_or_not():
    for intent in (INTENT_ID, {"id": INTENT_ID}):
        assert reversals.refund_update(refund(payment_intent=intent), PAYMENT_ID).transaction_id == INTENT_ID


@pytest.mark.parametrize(("order_id", "expected"), [(PAYMENT_ID, REFUND_ID), (OTHER_PAYMENT, "re_1"), (None, "re_1")])
def test_our_own_refund_id_counts_for_its_own_order_alone(order_id: str | None, expected: str):
    metadata = {"refund_id": REFUND_ID} | ({"order_id": order_id} if order_id else {})

    assert reversals.refund_update(refund(metadata=metadata), PAYMENT_ID).reversal.reversal_id == expected


# ------------------------------------------------------------------------------------------------------------- disputes


@pytest.mark.parametrize(
    ("status", "moves", "expected"),
    [
        ("warning_needs_response", (), 0),
        ("warning_under_review", (), 0),
        ("warning_closed", (), 0),
        ("needs_response", (), 10000),
        ("needs_response", (-10000,), 10000),
        ("under_review", (-10000,), 10000),
        ("appeal_needs_response", (-10000,), 10000),
        ("appeal_under_review", (-10000, 10000), 10000),
        ("lost", (), 10000),
        ("lost", (-10000,), 10000),
        ("lost", (-10000, 4000), 6000),
        ("lost", (-10000, 10000), 0),
        ("won", (), 0),
        ("won", (-10000, 10000), 0),
        ("won", (-10000, 2500), 7500),
        ("lost", (-10000, 10000, -10000), 10000),
        ("lost", (4000, -10000), 6000),
        ("lost", (-2000, -8000), 10000),
        ("won", (-10000, 12000), 0),
        ("lost", (10000,), 10000),
    ],
)
def test_the_money_of_a_dispute_says_how_much_is_reversed(status: str, moves: tuple[int, ...], expected: int):
    assert reversed_minor(dispute(status, *moves)) == expected


@pytest.mark.parametrize("moves", [(), (-10000,), (-10000, 10000)])
@pytest.mark.parametrize("case_type", ["block", "resolution", "chargeback"])
def test_a_prevented_dispute_reverses_what_went_to_the_buyer(moves: tuple[int, ...], case_type: str):
    went = -sum(moves) if moves else 10000 if case_type == "resolution" else 0

    assert reversed_minor(dispute("prevented", *moves, case_type=case_type)) == went


@pytest.mark.parametrize("details", [None, {}, {"type": "klarna"}, {"card": None}])
def test_a_prevented_dispute_without_a_card_and_without_records_reverses_nothing(details: Any):
    assert reversed_minor(dispute("prevented", payment_method_details=details)) == 0


@pytest.mark.parametrize(
    ("records", "expected"),
    [
        # Paid out in USD cents: the share counts, not the figures.
        ([(-1400, None), (560, None)], 6000),
        # Withdrawn and reinstated at two rates of the day: all of it came back.
        ([(-1398, 0.1398), (1391, 0.1391)], 0),
        ([(-1398, 0.1398), (1410, 0.1410)], 0),
        # Each of them is rounded to a cent: the rest is rounding too.
        ([(-1398, 0.13984), (1391, 0.139145)], 0),
        ([(-1398, 0.1398), (696, 0.1391)], 4996),
    ],
)
def test_a_dispute_in_another_currency_than_the_payout_goes_by_the_share(
    records: list[tuple[int, float | None]], expected: int
):
    lost = dispute("lost", balance_transactions=[{"amount": one, "exchange_rate": rate} for one, rate in records])

    assert reversed_minor(lost) == pytest.approx(expected, abs=1)


@pytest.mark.parametrize(
    "records", [[{"amount": "1"}], [{"amount": 1.5}], [{"amount": -1, "exchange_rate": 0}], ["txn"]]
)
def test_a_record_of_money_that_is_none_is_refused(records: Any):
    with pytest.raises((TypeError, ValueError)):
        reversed_minor(dispute("lost", balance_transactions=records))


@pytest.mark.parametrize(("moves", "expected"), [((), None), ((-10000,), 10000), ((-10000, 10000), 0)])
def test_of_an_unknown_status_the_money_alone_is_known(moves: tuple[int, ...], expected: int | None):
    update = reversals.dispute_update(dispute("arbitration", *moves), PAYMENT_ID)

    assert (update.reversal.status, update.reversal.stripe_status) == (ReversalStatus.UNKNOWN, "arbitration")
    assert update.reversal.net_minor == expected
