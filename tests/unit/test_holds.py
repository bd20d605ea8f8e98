"""What requests do to a hold, and what it reserves."""

from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest

from local.in_process.environment import NOW
from tests.support.builders import a_cause, a_hold, a_lot, a_wallet
from topup.domain import hold_changes, holds
from topup.domain.credits import CAPTURES, CreditChange, UserCredits
from topup.domain.errors import HoldEnded, InsufficientCredits, TooManyHolds
from topup.domain.hold_changes import Capture
from topup.domain.holds import CAPTURED_UNTIL, MOST_OPEN, MOST_TERMS, Hold, HoldStatus, Overrun, Terms

MINUTE = timedelta(minutes=1)
END = NOW + 60 * MINUTE  # of `a_hold`


def a_user(remaining: int, *reserving: Hold, expires_at: datetime | None = None, **wallet: Any) -> UserCredits:
    """A user with so many credits in one lot, which lives for ever if nothing else is said."""
    lot = a_lot(remaining=remaining, expires_at=expires_at)
    return UserCredits(wallet=a_wallet(**wallet), lots=[lot], holds=reserving)


def captured(
    user: UserCredits, hold: Hold, amount: int, now: datetime = NOW, *, is_final: bool = False
) -> tuple[Hold, CreditChange]:
    change = hold_changes.capture(user, hold, Capture(amount=amount, is_final=is_final), a_cause(), now)
    [one] = change.holds
    assert one.before == hold
    return one.after, change


@pytest.mark.parametrize("status", HoldStatus)
def test_a_hold_reserves_its_unused_credits_while_it_is_open_and_up_to_the_second_of_its_end(status: HoldStatus):
    hold, is_open = a_hold(status=status, used=3), status is HoldStatus.OPEN

    before, at_end = END - timedelta(seconds=1), END

    assert (hold.is_open(before), hold.held(before)) == (is_open, 7 if is_open else 0)
    assert (hold.is_open(at_end), hold.held(at_end)) == (False, 0)
    assert hold.status_at(before) is status
    assert hold.status_at(at_end) is (HoldStatus.EXPIRED if is_open else status)


@pytest.mark.parametrize("status", [HoldStatus.OPEN, HoldStatus.EXPIRED])
def test_a_capture_may_come_until_a_day_after_the_end_unless_the_hold_is_closed(status: HoldStatus):
    hold, last = a_hold(status=status), END + CAPTURED_UNTIL

    assert hold.may_be_captured(last - timedelta(seconds=1))
    assert not hold.may_be_captured(last)
    assert not replace(hold, is_closed=True).may_be_captured(END)


def test_an_open_hold_may_be_captured_and_one_that_a_request_has_ended_may_not():
    assert a_hold().may_be_captured(NOW)
    assert not a_hold(is_closed=True).may_be_captured(NOW)
    assert not a_hold(status=HoldStatus.RELEASED).may_be_captured(NOW)
    assert not a_hold(status=HoldStatus.CAPTURED).may_be_captured(END)


@pytest.mark.parametrize(
    ("status", "was_closed", "is_closed"),
    [
        (HoldStatus.EXPIRED, False, False),
        (HoldStatus.EXPIRED, True, True),
        (HoldStatus.RELEASED, False, True),
        (HoldStatus.CAPTURED, False, True),
    ],
)
def test_what_has_ended_by_itself_stays_open_for_late_captures(status: HoldStatus, was_closed: bool, is_closed: bool):
    ended = a_hold(is_closed=was_closed).ended(status)

    assert ended == a_hold(status=status, is_closed=is_closed)


def test_a_hold_remembers_its_last_terms():
    hold = a_hold(used=4)
    for n in range(MOST_TERMS + 1):
        hold = replace(hold, amount=10 + n).remembering(hold, NOW + n * MINUTE)

    assert len(hold.earlier) == MOST_TERMS
    assert hold.earlier[0] == Terms(until=NOW + MINUTE, left=6, ends_at=END)


def test_what_is_free_until_then_is_the_least_that_is_free_at_any_moment():
    lots = [a_lot(lot_id=str(n), remaining=n, expires_at=NOW + n * MINUTE) for n in (10, 20, 40)]
    reserving = [a_hold(amount=5, ends_at=NOW + 20 * MINUTE), a_hold(amount=3, ends_at=NOW + 30 * MINUTE)]

    free = {n: holds.spare(lots, reserving, NOW, NOW + n * MINUTE) for n in (10, 11, 20, 21, 40, 41)}

    assert free == {10: 62, 11: 52, 20: 52, 21: 37, 40: 37, 41: 0}


def test_credits_that_never_expire_are_there_to_the_end():
    assert holds.spare([a_lot(remaining=10, expires_at=None)], [], NOW, END) == 10
    assert holds.spare([a_lot(remaining=10, expires_at=END)], [], NOW, END) == 10


@pytest.mark.parametrize(("there", "missing"), [(0, 10), (9, 1), (10, 0), (11, 0)])
def test_holds_are_uncovered_by_what_is_missing(there: int, missing: int):
    assert holds.uncovered([a_lot(remaining=there)], [a_hold()], NOW) == missing
    assert holds.uncovered([a_lot(remaining=there)], [a_hold()], END) == 0  # it is over
    assert holds.uncovered([a_lot(remaining=there)], [], NOW) == 0


def test_a_hold_takes_all_that_is_available_and_not_a_credit_more():
    other = a_hold(hold_id="other", amount=3)
    user = a_user(20, other, debt=7, version=4)

    change = hold_changes.open_hold(user, a_hold(), NOW)

    assert (change.wallet, change.before, change.entries) == (replace(user.wallet, version=5), user.wallet, ())
    [opened] = change.holds
    assert (opened.before, opened.after) == (None, a_hold())
    with pytest.raises(InsufficientCredits) as refused:
        hold_changes.open_hold(user, a_hold(amount=11), NOW)
    assert refused.value.figures == {"balance": 13, "held": 3, "available": 10}


def test_where_nothing_is_left_no_credit_is_available():
    with pytest.raises(InsufficientCredits) as refused:
        hold_changes.open_hold(a_user(5, debt=7), a_hold(), NOW)

    assert refused.value.figures["available"] == 0


def test_holds_that_are_over_do_not_count_among_those_that_a_user_may_have():
    many = [a_hold(hold_id=str(n), amount=1) for n in range(MOST_OPEN)]

    hold_changes.open_hold(a_user(1000, *many[1:], replace(many[0], ends_at=NOW)), a_hold(), NOW)
    with pytest.raises(TooManyHolds):
        hold_changes.open_hold(a_user(1000, *many), a_hold(), NOW)


def test_an_extension_adds_credits_and_time_and_never_shortens():
    hold = a_hold(used=2)
    user = a_user(20, hold, a_hold(hold_id="other", amount=3))

    [longer] = hold_changes.extend(user, hold, 9, END + MINUTE, NOW + MINUTE).holds
    [not_shorter] = hold_changes.extend(user, hold, 1, END - MINUTE, NOW + MINUTE).holds

    terms = (Terms(until=NOW + MINUTE, left=8, ends_at=END),)
    assert longer.before == not_shorter.before == hold
    assert longer.after == replace(hold, amount=19, ends_at=END + MINUTE, earlier=terms)
    assert not_shorter.after == replace(hold, amount=11, earlier=terms)
    with pytest.raises(InsufficientCredits):
        hold_changes.extend(user, hold, 10, END, NOW)
    with pytest.raises(HoldEnded):
        hold_changes.extend(user, hold, 1, END + MINUTE, END)


def test_a_released_hold_frees_its_credits():
    hold = a_hold(used=2)

    [released] = hold_changes.release(a_user(20, hold), hold, NOW + MINUTE).holds

    terms = (Terms(until=NOW + MINUTE, left=8, ends_at=END),)
    assert released.before == hold
    assert released.after == replace(hold, status=HoldStatus.RELEASED, is_closed=True, earlier=terms)
    with pytest.raises(HoldEnded):
        hold_changes.release(a_user(20), hold, END)


def test_a_hold_that_is_over_is_ended_once():
    hold = a_hold()

    change = hold_changes.end(a_user(20, hold), hold, END)

    assert change
    [ended] = change.holds
    assert (ended.before, ended.after) == (hold, a_hold(status=HoldStatus.EXPIRED))
    assert hold_changes.end(a_user(20), hold, END - MINUTE) is None
    assert hold_changes.end(a_user(20), ended.after, END) is None
    assert hold_changes.end(a_user(20), a_hold(status=HoldStatus.RELEASED), NOW) is None


def test_the_error_for_a_hold_that_has_ended_says_how():
    error = hold_changes.ended(a_hold(captured=4, shortfall=2), END)

    assert str(error) == "The hold has ended: expired"
    assert error.figures == {"state": "expired", "captured": 4, "shortfall": 2}


@pytest.mark.parametrize("is_final", [False, True])
def test_a_capture_takes_what_was_held(is_final: bool):
    hold = a_hold(used=2, captured=2, shortfall=1)

    after, change = captured(a_user(20, hold, version=3), hold, 5, NOW + MINUTE, is_final=is_final)

    assert after == replace(
        hold,
        used=7,
        captured=7,
        is_closed=is_final,
        status=HoldStatus.CAPTURED if is_final else HoldStatus.OPEN,
        earlier=(Terms(until=NOW + MINUTE, left=8, ends_at=END),),
    )
    assert (change.entry.amount, change.entry.debt_change, change.wallet.version) == (-5, 0, 4)


@pytest.mark.parametrize(
    ("overrun", "taken", "shortfall", "debt"), [(Overrun.AVAILABLE, 15, 10, 0), (Overrun.DEBT, 25, 0, 10)]
)
def test_beyond_what_is_held_a_capture_takes_what_is_available_and_the_rest_as_the_overrun_says(
    overrun: Overrun, taken: int, shortfall: int, debt: int
):
    """Of 20 credits 5 are another hold's, and 10 are held for this capture: 5 are available besides."""
    hold, other = a_hold(overrun=overrun, captured=1, shortfall=3), a_hold(hold_id="other", amount=5)

    after, change = captured(a_user(20, hold, other), hold, 25)

    assert (after.used, after.captured, after.shortfall) == (10, taken + 1, shortfall + 3)
    assert (change.entry.amount, change.entry.debt_change) == (-15 - debt, debt)
    assert change.wallet.debts == ({CAPTURES: debt} if debt else {})
    assert change.wallet.debt == debt


def test_what_captures_owe_adds_up_under_one_name():
    hold = a_hold(overrun=Overrun.DEBT)
    user = a_user(0, hold, debt=9, debts={CAPTURES: 4, "order": 5})

    _, change = captured(user, hold, 1)

    assert (change.wallet.debts, change.wallet.debt) == ({CAPTURES: 5, "order": 5}, 10)


def test_a_capture_of_what_is_not_there_takes_nothing_and_writes_no_entry():
    hold = a_hold()

    after, change = captured(a_user(0, hold), hold, 4)

    assert (after.used, after.captured, after.shortfall) == (4, 0, 4)
    assert (change.entries, change.wallet.version) == ((), 1)


def test_of_held_credits_that_a_claw_back_took_the_rest_is_taken_of_what_pays_no_debt():
    """6 of the 10 credits that are held are left, and 2 of these pay a debt."""
    hold = a_hold()

    after, change = captured(a_user(6, hold, debt=2), hold, 10)

    assert (after.captured, after.shortfall, change.entry.amount) == (6, 4, -6)


def test_a_hold_that_refuses_an_overrun_is_captured_to_its_last_credit():
    hold = a_hold(overrun=Overrun.REFUSE, used=2)

    after, _ = captured(a_user(20, hold), hold, 8)

    assert after.left == 0
    with pytest.raises(InsufficientCredits) as refused:
        captured(a_user(20, hold), hold, 9)
    assert refused.value.figures == {"balance": 20, "held": 8, "available": 12}


def test_a_late_capture_takes_what_is_available():
    hold = a_hold(status=HoldStatus.EXPIRED)

    after, change = captured(a_user(20, a_hold(hold_id="other", amount=5, ends_at=END + MINUTE)), hold, 17, END)

    assert after == replace(hold, captured=15, shortfall=2)  # nothing of it was held any more
    assert change.entry.amount == -15


def test_a_late_capture_ends_a_hold_that_nobody_has_ended():
    hold = a_hold()

    after, _ = captured(a_user(20, hold), hold, 4, END, is_final=True)

    assert after == replace(hold, captured=4, status=HoldStatus.EXPIRED, is_closed=True)


def test_a_late_capture_of_a_hold_that_refuses_an_overrun_is_refused_where_anything_is_missing():
    hold = a_hold(overrun=Overrun.REFUSE)

    after, _ = captured(a_user(8), hold, 8, END)

    assert after.captured == 8
    with pytest.raises(InsufficientCredits):
        captured(a_user(8), hold, 9, END)


def test_no_capture_is_taken_of_a_hold_that_is_closed():
    with pytest.raises(HoldEnded):
        captured(a_user(20), a_hold(status=HoldStatus.RELEASED, is_closed=True), 1)
