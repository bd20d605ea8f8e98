"""What captures owe is paid by the first credits that no hold reserves any more."""

from dataclasses import replace
from datetime import timedelta

import pytest

from local.in_process.environment import NOW
from tests.support.builders import a_cause, a_hold, a_lot, a_wallet
from topup.domain import expiries, hold_changes, receipts
from topup.domain.credits import CAPTURES, SYSTEM, CreditChange, TransactionType, UserCredits
from topup.domain.hold_changes import Capture
from topup.domain.holds import Hold, HoldStatus, Overrun
from topup.domain.lots import LotChange

HOUR = timedelta(hours=1)
OTHER = a_hold(hold_id="other", amount=10)
SOON, LATE = a_lot(lot_id="soon", remaining=4, expires_at=NOW + 2 * HOUR), a_lot(lot_id="late", remaining=26)


def a_debtor(owed: int, *holds: Hold) -> UserCredits:
    """30 credits in two lots, of which these holds reserve some, beside what captures owe."""
    wallet = a_wallet(balance=30 - owed, debt=owed, debts={CAPTURES: owed} if owed else {}, last_entry=7, version=3)
    return UserCredits(wallet=wallet, lots=[LATE, SOON], holds=holds)


def left_after(change: CreditChange) -> dict[str, int]:
    return {one.after.lot_id: one.after.remaining for one in change.lots}


@pytest.mark.parametrize(
    ("reserved", "owed", "paid", "left"),
    [
        (20, 6, 6, {"soon": 0, "late": 24}),  # 10 become free
        (20, 10, 10, {"soon": 0, "late": 20}),
        (20, 12, 10, {"soon": 0, "late": 20}),
        (30, 6, 0, {}),  # others reserve all of it
    ],
)
def test_what_a_released_hold_frees_pays_what_captures_owe(reserved: int, owed: int, paid: int, left: dict[str, int]):
    rest = a_hold(hold_id="rest", amount=reserved)

    change = hold_changes.release(a_debtor(owed, OTHER, rest), OTHER, NOW)

    assert (change.wallet.debt, change.wallet.debts) == (owed - paid, {CAPTURES: owed - paid} if owed > paid else {})
    assert (left_after(change), change.wallet.balance, change.wallet.version) == (left, 30 - owed, 4)
    if paid:
        entry = change.entry
        assert (entry.transaction_type, entry.cause.actor, entry.amount) == (TransactionType.SPENT, SYSTEM, 0)
        assert (entry.number, entry.debt_change, sum(entry.moves.values())) == (8, -paid, -paid)
    else:
        assert change.entries == ()


def test_what_a_hold_frees_that_ends_by_itself_pays_too():
    change = hold_changes.end(a_debtor(6, OTHER), OTHER, OTHER.ends_at)

    assert change
    assert (change.holds[0].after.status, change.wallet.debt) == (HoldStatus.EXPIRED, 0)
    assert left_after(change) == {"soon": 0, "late": 24}


def test_a_final_capture_takes_its_credits_and_what_it_frees_pays_in_an_entry_of_its_own():
    user, wanted = a_debtor(6, OTHER, a_hold(hold_id="rest", amount=20)), Capture(amount=3, is_final=True)

    change = hold_changes.capture(user, OTHER, wanted, a_cause(), NOW)

    assert [(one.number, one.amount, one.moves, one.debt_change) for one in change.entries] == [
        (8, -3, {"soon": -3}, 0),
        (9, 0, {"soon": -1, "late": -5}, -6),
    ]
    soon, late = change.lots
    assert (soon.before, soon.after.remaining) == (SOON, 0)
    assert (late.before, late.after.remaining) == (LATE, 21)
    assert (change.wallet.last_entry, change.wallet.version, change.wallet.balance) == (9, 4, 21)
    receipt = receipts.receipt_of(user, change, "fingerprint", NOW)
    assert (receipt.amount, receipt.transaction_id) == (3, change.entries[0].transaction_id)
    assert (receipt.balance_after, receipt.available_after) == (21, 1)


def test_what_a_capture_itself_owes_is_not_paid_by_what_others_hold():
    hold = a_hold(hold_id="mine", amount=20, overrun=Overrun.DEBT)

    change = hold_changes.capture(a_debtor(0, hold, OTHER), hold, Capture(amount=25, is_final=True), a_cause(), NOW)

    assert (change.entry.amount, change.wallet.debts) == (-25, {CAPTURES: 5})


def test_what_expires_pays_what_captures_owe_first():
    user, then = a_debtor(3), NOW + 2 * HOUR

    change = expiries.expire(user.wallet, SOON, then)

    assert change
    assert [(one.transaction_type, one.amount, one.moves, one.debt_change) for one in change.entries] == [
        (TransactionType.SPENT, 0, {"soon": -3}, -3),
        (TransactionType.EXPIRED, -1, {"soon": -1}, 0),
    ]
    assert change.lots == (LotChange(before=SOON, after=replace(SOON, remaining=0, expired_credits=1)),)
    assert (change.wallet.balance, change.wallet.debt, change.wallet.version) == (26, 0, 4)


@pytest.mark.parametrize("owed", [4, 5])
def test_of_a_lot_that_pays_with_all_that_it_has_nothing_expires(owed: int):
    change = expiries.expire(a_debtor(owed).wallet, SOON, NOW + 2 * HOUR)

    assert change
    assert (change.entry.amount, change.entry.debt_change, change.wallet.debt) == (0, -4, owed - 4)
    assert change.lots[0].after == replace(SOON, remaining=0)


def test_what_orders_owe_is_not_paid_by_what_expires():
    wallet = a_wallet(debt=3, debts={"order": 3})

    change = expiries.expire(wallet, SOON, NOW + 2 * HOUR)

    assert change
    assert (change.entry.transaction_type, change.entry.amount, change.wallet.debt) == (TransactionType.EXPIRED, -4, 3)


def test_a_lot_that_is_not_over_pays_nothing():
    assert expiries.expire(a_debtor(3).wallet, SOON, NOW) is None
