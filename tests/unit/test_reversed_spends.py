"""What comes back of a spend, and what the same request repeated is answered."""

from datetime import timedelta
from typing import Any

import pytest

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import a_cause, a_hold, a_lot, a_wallet
from topup.domain import credits, hold_changes, receipts, reversed_spends
from topup.domain.credits import CAPTURES, CreditChange, Entry, UserCredits
from topup.domain.errors import SpendReversed
from topup.domain.lots import LotChange
from topup.domain.receipts import Receipt
from topup.domain.reversed_spends import ReversedSpend
from topup.domain.takings import ClawbackAddition, Taking

DAY = timedelta(days=1)
SOON = a_lot(lot_id="soon", remaining=0, expires_at=NOW + DAY)
LATE = a_lot(lot_id="late", remaining=4, expires_at=NOW + 2 * DAY)
LOTS = {"soon": SOON, "late": LATE}
NOTHING = ReversedSpend(user_id=USER_ID, spend=7)


def a_spend(**changes: Any) -> Entry:
    """Ten credits: 2 of a lot that has gone, 3 of the one that expires soon, 5 of the late one."""
    fields: dict[str, Any] = {"moves": {"soon": -3, "late": -5, "gone": -2}, "amount": -10} | changes
    return Entry(user_id=USER_ID, number=7, cause=a_cause(), balance_after=0, created_at=NOW, **fields)


def landed(change: CreditChange) -> dict[str, int]:
    return {one.after.lot_id: one.amount for one in change.lots}


@pytest.mark.parametrize(
    ("amount", "back", "lapsed"),
    [
        (1, {"late": 1}, 0),
        (5, {"late": 5}, 0),
        (6, {"late": 5, "soon": 1}, 0),
        (8, {"late": 5, "soon": 3}, 0),
        (9, {"late": 5, "soon": 3, "gone": 1}, 1),
        (None, {"late": 5, "soon": 3, "gone": 2}, 2),
    ],
)
def test_what_was_drawn_last_comes_back_first_and_of_lots_that_have_gone_to_nobody(
    amount: int | None, back: dict[str, int], lapsed: int
):
    reversal = reversed_spends.reverse(a_wallet(last_entry=7), a_spend(), NOTHING, LOTS, amount, a_cause(), NOW)

    assert (reversal.before, reversal.lapsed) == (NOTHING, lapsed)
    assert reversal.after == ReversedSpend(user_id=USER_ID, spend=7, lots=back, lapsed=lapsed)
    assert landed(reversal.change) == {name: n for name, n in back.items() if name != "gone"}
    assert reversal.change.entry.amount == sum(back.values()) - lapsed


def test_what_has_been_given_back_before_does_not_come_back_again():
    before = ReversedSpend(user_id=USER_ID, spend=7, lots={"late": 4}, lapsed=1)

    reversal = reversed_spends.reverse(a_wallet(), a_spend(), before, LOTS, 3, a_cause(), NOW)

    assert reversal.after == ReversedSpend(user_id=USER_ID, spend=7, lots={"late": 5, "soon": 2}, lapsed=1)
    assert (landed(reversal.change), reversal.lapsed) == ({"late": 1, "soon": 2}, 0)


@pytest.mark.parametrize("amount", [0, 7])
def test_no_more_comes_back_than_is_left_and_something_must(amount: int):
    before = ReversedSpend(user_id=USER_ID, spend=7, lots={"late": 3}, debt=1)

    assert reversed_spends.left_of(a_spend(), before) == 6
    with pytest.raises(SpendReversed) as refused:
        reversed_spends.reverse(a_wallet(), a_spend(), before, LOTS, amount, a_cause(), NOW)
    assert refused.value.figures == {"left": 6}


def test_from_the_second_of_its_expiry_nothing_comes_back_to_a_lot():
    reversal = reversed_spends.reverse(a_wallet(version=3), a_spend(), NOTHING, LOTS, None, a_cause(), NOW + 2 * DAY)

    assert reversal.lapsed == 10
    change = reversal.change
    assert (change.before, change.wallet, change.entries) == (a_wallet(version=3), a_wallet(version=4), ())


def test_what_a_capture_had_made_the_user_owe_is_cancelled_first_as_far_as_it_is_still_owed():
    """The capture made a debt of 6: one of it was given back before, 3 of captures' are still owed."""
    spend = a_spend(moves={"late": -5}, amount=-11, debt_change=6)
    before = ReversedSpend(user_id=USER_ID, spend=7, debt=1)
    wallet = a_wallet(balance=-3, debt=5, debts={CAPTURES: 3, "order": 2})

    reversal = reversed_spends.reverse(wallet, spend, before, LOTS, 6, a_cause(), NOW)

    assert reversal.after == ReversedSpend(user_id=USER_ID, spend=7, debt=6, lots={"late": 1}, lapsed=2)
    change = reversal.change
    assert (change.wallet.debt, change.wallet.debts, change.entry.debt_change) == (1, {"order": 1}, -4)
    taking = Taking(lot_id="late", expires_at=NOW + 2 * DAY, credits=1, life=2 * DAY)
    assert change.additions == [ClawbackAddition(payment_id="order", repaid=(taking,))]
    assert (change.lots, change.entry.amount) == ((), 4)


def test_a_part_of_a_debt_is_cancelled_alone():
    spend = a_spend(moves={"late": -5}, amount=-11, debt_change=6)
    wallet = a_wallet(balance=-6, debt=6, debts={CAPTURES: 6})

    reversal = reversed_spends.reverse(wallet, spend, NOTHING, LOTS, 2, a_cause(), NOW)

    assert reversal.after == ReversedSpend(user_id=USER_ID, spend=7, debt=2)
    assert (reversal.change.wallet.debts, reversal.change.wallet.debt) == ({CAPTURES: 4}, 4)


def test_what_comes_back_pays_what_orders_owe_in_the_order_of_their_ids():
    wallet = a_wallet(balance=0, debt=7, debts={"b": 1, "a": 6})

    change = reversed_spends.reverse(wallet, a_spend(), NOTHING, LOTS, 8, a_cause(), NOW).change

    assert change.lots == (LotChange(before=SOON, after=a_lot(lot_id="soon", remaining=1, expires_at=NOW + DAY)),)
    assert (change.wallet.debts, change.wallet.debt) == ({}, 0)
    late = Taking(lot_id="late", expires_at=NOW + 2 * DAY, credits=5, life=2 * DAY)
    soon = Taking(lot_id="soon", expires_at=NOW + DAY, credits=1, life=DAY)
    assert change.additions == [
        ClawbackAddition(payment_id="a", repaid=(late, soon)),
        ClawbackAddition(payment_id="b", repaid=(soon,)),
    ]


def test_the_receipt_of_a_spend_says_what_it_took_and_what_is_available_now():
    user = UserCredits(wallet=a_wallet(balance=30), lots=[a_lot(remaining=30)], holds=[a_hold(amount=7)])
    change = credits.spend(user, 5, a_cause(), NOW)

    assert receipts.receipt_of(user, change, "print", NOW) == Receipt(
        request_fingerprint="print",
        transaction_id=change.entry.transaction_id,
        amount=5,
        balance_after=25,
        available_after=18,
    )


def test_the_receipt_of_a_grant_names_its_lot():
    user = UserCredits(wallet=a_wallet(), lots=[])
    change = credits.grant(user.wallet, a_lot(), a_cause(), NOW)

    receipt = receipts.receipt_of(user, change, "print", NOW)

    assert (receipt.lot_id, receipt.amount, receipt.balance_after, receipt.available_after) == (
        a_lot().lot_id,
        1100,
        1100,
        1100,
    )
    assert (receipt.hold, receipt.transaction_id) == (None, change.entry.transaction_id)


def test_the_receipt_of_a_hold_has_it_without_its_earlier_terms_and_no_transaction():
    hold = a_hold(amount=7)
    user = UserCredits(wallet=a_wallet(balance=30), lots=[a_lot(remaining=30)], holds=[hold])
    opened = hold_changes.open_hold(user, a_hold(hold_id="more", amount=4), NOW)
    released = hold_changes.release(user, hold, NOW)

    before, after = (receipts.receipt_of(user, change, "print", NOW) for change in (opened, released))

    expected = Receipt(
        request_fingerprint="print", balance_after=30, available_after=19, hold=a_hold(hold_id="more", amount=4)
    )
    assert before == expected
    assert (after.available_after, after.amount, after.transaction_id) == (30, 0, None)
    assert after.hold
    assert (after.hold.status, after.hold.earlier) == ("released", ())
