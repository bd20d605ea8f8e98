"""Whose turn it is among the spends that wait in line, and whom one turn pays."""

from datetime import timedelta
from typing import Any

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import a_cause, a_lot, a_wallet
from topup import spending
from topup.domain import line
from topup.domain.credits import UserCredits
from topup.domain.line import LIFETIME, MOST_AT_ONCE, MOST_PATIENCE, PATIENCE, WaitingSpend

LATER = NOW + timedelta(milliseconds=20)


def a_waiter(key: str, amount: int = 10, **changes: Any) -> WaitingSpend:
    about: dict[str, Any] = {
        "user_id": USER_ID,
        "cause": a_cause(),
        "request_fingerprint": f"of {key}",
        "received_at": NOW,
    }
    return WaitingSpend(key=key, amount=amount, **(about | changes))


def a_user(*waiting: WaitingSpend, credits: int = 100, **changes: Any) -> UserCredits:
    lot = a_lot(remaining=credits, granted=credits, **changes)
    return UserCredits(wallet=a_wallet(balance=credits, last_entry=1, version=1), lots=[lot], waiting=waiting)


def test_those_who_came_first_are_first_and_whoever_looks_sees_the_same_order():
    one, other, late = a_waiter("1"), a_waiter("2"), a_waiter("0", received_at=LATER)

    assert line.in_order([late, other, one]) == line.in_order([one, late, other]) == [one, other, late]
    assert [line.place_of(key, [one, other, late]) for key in ("1", "0", "?")] == [0, 2, None]


def test_the_first_leads_at_once_and_the_others_one_after_another_where_nothing_moves():
    assert line.may_lead(0, stalled=0.0)
    assert not line.may_lead(1, stalled=PATIENCE * 0.9)
    assert [line.may_lead(place, stalled=PATIENCE) for place in (1, 2)] == [True, False]


def test_however_many_have_died_before_it_a_place_leads_after_a_second():
    assert not line.may_lead(1000, stalled=MOST_PATIENCE * 0.9)
    assert line.may_lead(1000, stalled=MOST_PATIENCE)


def test_nobody_pays_a_place_that_is_older_than_any_request():
    user = a_user(a_waiter("old", received_at=NOW - LIFETIME), a_waiter("1"))

    assert [one.key for one in line.line_of(user, NOW)] == ["1"]
    assert list(line.take_turn(user, NOW).receipts) == ["1"]


def test_a_turn_pays_everybody_with_an_entry_and_a_receipt_of_their_own():
    user = a_user(a_waiter("1", 10), a_waiter("2", 25))

    turn = line.take_turn(user, NOW)

    assert turn.change
    assert [(entry.number, entry.amount, entry.balance_after) for entry in turn.change.entries] == [
        (2, -10, 90),
        (3, -25, 65),
    ]
    assert turn.change.wallet.version == 2
    receipt = turn.receipts["2"]
    assert (receipt.request_fingerprint, receipt.amount, receipt.balance_after, receipt.available_after) == (
        *("of 2", 25, 65, 65),
    )
    assert receipt.transaction_id == turn.change.entries[1].transaction_id
    assert turn.leaving == [a_waiter("1", 10), a_waiter("2", 25)]


def test_spends_that_were_written_together_expect_others_for_a_moment():
    together = line.take_turn(a_user(a_waiter("1"), a_waiter("2", received_at=LATER)), NOW).change
    alone = line.take_turn(a_user(a_waiter("1"), a_waiter("too much", 100)), NOW).change
    assert together
    assert alone

    after = UserCredits(wallet=together.wallet, lots=[])
    for share, meets in ((0.5, True), (1, False)):
        for moment in (LATER - share * spending.OTHERS_FOLLOW, LATER + share * spending.OTHERS_FOLLOW):
            assert spending.meets_others(after, moment) == meets
    assert not spending.meets_others(UserCredits(wallet=alone.wallet, lots=[]), NOW)


def test_who_cannot_be_paid_leaves_the_line_and_the_next_ones_are_paid():
    turn = line.take_turn(a_user(a_waiter("1", 60), a_waiter("2", 60), a_waiter("3", 40)), NOW)

    assert list(turn.receipts) == ["1", "3"]
    assert [one.key for one in turn.leaving] == ["1", "2", "3"]


def test_where_nobody_can_be_paid_they_leave_the_line_and_nothing_changes():
    turn = line.take_turn(a_user(a_waiter("1", 101)), NOW)

    assert (turn.change, turn.receipts, len(turn.leaving)) == (None, {}, 1)


def test_a_turn_pays_no_more_than_one_transaction_holds():
    user = a_user(*(a_waiter(f"{number:02}", 1) for number in range(MOST_AT_ONCE + 5)))

    turn = line.take_turn(user, NOW)

    assert len(turn.receipts) == len(turn.leaving) == MOST_AT_ONCE


def test_nobody_is_paid_with_credits_that_had_expired_when_they_came():
    until = NOW + timedelta(milliseconds=10)
    user = a_user(a_waiter("1"), a_waiter("2", received_at=LATER), expires_at=until)

    assert line.take_turn(user, NOW).receipts == {}
    assert list(line.take_turn(a_user(a_waiter("1"), expires_at=until), NOW).receipts) == ["1"]
