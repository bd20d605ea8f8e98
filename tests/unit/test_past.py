"""What a hold reserved at an earlier moment, and when that is not known any more."""

from collections import Counter
from dataclasses import replace
from datetime import timedelta

import pytest

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import PAYMENT_ID, a_hold, a_lot, a_wallet
from tests.support.ledger import InMemoryLedger
from tests.unit.test_reversals import a_reversal
from topup.domain import hold_changes, holds, past
from topup.domain.credits import UserCredits
from topup.domain.holds import MOST_TERMS, Hold, HoldStatus, Terms
from topup.domain.reversals import Kind, ReversalStatus

MINUTE = timedelta(minutes=1)


def extended(hold: Hold, times: int) -> Hold:
    """The hold after so many minutes, with one credit more in each."""
    user = UserCredits(wallet=a_wallet(), lots=[a_lot()], holds=[hold])
    for n in range(1, times + 1):
        [change] = hold_changes.extend(user, hold, 1, hold.ends_at, NOW + n * MINUTE).holds
        hold = change.after
    return hold


def held(hold: Hold, minutes: float) -> int | None:
    then = holds.as_of(hold, NOW + minutes * MINUTE)
    return then.held(NOW + minutes * MINUTE) if then else None


def test_each_change_of_a_hold_leaves_what_it_reserved_before():
    hold = extended(a_hold(), 3)

    assert [held(hold, minutes) for minutes in (-0.1, 0, 0.9, 1, 2, 3, 59.9, 60)] == [0, 10, 10, 11, 12, 13, 13, 0]


def test_an_extension_that_changes_nothing_leaves_nothing():
    hold = a_hold()
    user = UserCredits(wallet=a_wallet(), lots=[a_lot()], holds=[hold])

    [change] = hold_changes.extend(user, hold, 0, hold.ends_at, NOW + MINUTE).holds

    assert change.after == hold


def test_of_a_hold_that_was_changed_often_the_first_terms_are_not_known_any_more():
    hold = extended(a_hold(), MOST_TERMS + 5)

    assert len(hold.earlier) == MOST_TERMS
    assert held(hold, 3) is None
    assert held(hold, 6) == 16
    assert held(hold, MOST_TERMS + 5) == MOST_TERMS + 15


@pytest.mark.parametrize("status", [HoldStatus.CAPTURED, HoldStatus.RELEASED])
def test_of_a_hold_that_does_not_say_when_it_was_ended_it_is_not_known_whether_it_was_open(status: HoldStatus):
    hold = a_hold(status=status, is_closed=True)

    assert (held(hold, -1), held(hold, 30), held(hold, 60)) == (0, None, 0)


def test_a_hold_that_ended_by_itself_reserved_its_credits_until_then():
    assert [held(a_hold(status=HoldStatus.EXPIRED), minutes) for minutes in (0, 59, 60)] == [10, 10, 0]


def test_what_captures_took_later_counts_for_nothing_at_an_earlier_moment():
    before = a_hold(amount=7, earlier=(Terms(until=NOW + MINUTE, left=10, ends_at=NOW + 30 * MINUTE),))
    hold = replace(before, amount=20, used=13, captured=12, shortfall=1, is_closed=True, status=HoldStatus.CAPTURED)

    then, later = holds.as_of(hold, NOW), holds.as_of(hold, NOW + MINUTE)

    assert then == a_hold(ends_at=NOW + 30 * MINUTE)
    assert later == a_hold(amount=0)
    assert holds.as_of(replace(hold, status=HoldStatus.OPEN), NOW + MINUTE) == a_hold(amount=7)
    assert holds.as_of(hold, NOW - MINUTE) == a_hold(amount=0, status=HoldStatus.CAPTURED)


def test_the_ledger_says_the_same_from_its_beginning_on_and_from_its_end_back():
    ledger = InMemoryLedger.with_a_purchase()
    ledger.spend(1000, NOW + MINUTE)
    ledger.grant("gift", 50, NOW + 2 * MINUTE)
    dispute = a_reversal(kind=Kind.DISPUTE, amount_minor=10_000, status=ReversalStatus.NEEDS_RESPONSE)
    ledger.reverse(dispute, NOW + 3 * MINUTE)
    entries = ledger.account.entries
    known = [
        past.Figures(),
        past.Figures(1, 1100, 0, 1100, Counter({PAYMENT_ID: 1100})),
        past.Figures(2, 100, 0, 1100, Counter({PAYMENT_ID: 100})),
        past.Figures(3, 150, 0, 1150, Counter({PAYMENT_ID: 100, "gift": 50})),
        past.Figures(4, -950, 950, 1150, Counter()),
    ]

    for number, figures in enumerate(known):
        moment = NOW + (number - 1) * MINUTE
        assert past.from_the_beginning(iter(entries), moment) == figures
        for first in range(number + 1):
            assert past.from_now_back(ledger.user(), entries[first:], moment) == figures

    then = past.credits_at(USER_ID, known[3], [a_lot(), a_lot(lot_id="gift")], [a_hold()], NOW).user
    assert then.wallet == a_wallet(balance=150, total_credits_earned=1150, last_entry=3)
    assert [lot.remaining for lot in then.lots] == [100, 50]
    assert then.holds == [a_hold()]
    assert past.credits_at(USER_ID, known[4], [], [], NOW).user.wallet.debt == 950


def test_one_hold_of_which_it_is_not_known_leaves_the_others_unknown_too():
    unknown = a_hold(status=HoldStatus.RELEASED)

    then = past.credits_at(USER_ID, past.Figures(), [], [a_hold(), unknown], NOW + MINUTE)

    assert not then.knows_holds
    assert past.credits_at(USER_ID, past.Figures(), [], None, NOW).knows_holds is False
    assert past.credits_at(USER_ID, past.Figures(), [], [], NOW).knows_holds is True
