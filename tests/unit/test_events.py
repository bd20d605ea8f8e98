"""Which events a ledger entry, a hold and an order bring, and that the same change always brings the same ones."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import a_cause, a_lot, a_release, an_order
from topup.api import event_details
from topup.api.event_schemas import DETAILS
from topup.domain import events
from topup.domain.credits import Entry, TransactionType
from topup.domain.events import Event, EventType, OrderChange
from topup.domain.holds import Hold, HoldChange, HoldStatus, Overrun
from topup.domain.orders import Order, RefusedPayment, Status

LATER = NOW + timedelta(minutes=1)


def an_entry(**changes: Any) -> Entry:
    """A spend of 100, which leaves 1000."""
    entry = Entry(
        user_id=USER_ID, number=2, cause=a_cause(), amount=-100, balance_after=1000, created_at=NOW, moves={"lot": -100}
    )
    return replace(entry, **changes)


def a_hold(**changes: Any) -> Hold:
    hold = Hold(
        hold_id="0b6a3c3e-8b0e-5c7e-9d43-111111111111",
        user_id=USER_ID,
        amount=200,
        ends_at=NOW + timedelta(minutes=15),
        overrun=Overrun.AVAILABLE,
        actor="service:default",
        description="a call",
        created_at=NOW,
    )
    return replace(hold, **changes)


def of_order(before: Any, after: Any) -> list[str]:
    change = OrderChange(before=None if before is None else an_order(**before), after=an_order(**after))
    return [event.event_type for event in events.of_order(change, LATER)]


def of_hold(before: Hold | None, after: Hold) -> list[Event]:
    return events.of_hold(HoldChange(before=before, after=after), LATER)


# --------------------------------------------------------------------------------------------------------- entries


def test_every_type_of_entry_has_an_event_of_its_own():
    assert set(events.TYPE_OF_ENTRY) == set(TransactionType)
    assert len(set(events.TYPE_OF_ENTRY.values())) == len(TransactionType)


def test_an_entrys_event_has_the_transactions_id_and_says_its_number():
    [event] = events.of_entry(an_entry(), 0)

    assert event.event_id == an_entry().transaction_id
    assert event_details.detail(event).model_dump(mode="json") == {
        "id": an_entry().transaction_id,
        "type": "credits.spent",
        "schema_version": 1,
        "user_id": USER_ID,
        "occurred_at": "2026-03-01T12:00:00Z",
        "sequence": 2,
        "transaction_id": an_entry().transaction_id,
        "amount": -100,
        "balance_after": 1000,
        "actor": "service:default",
        "description": "work",
        "reason": None,
        "payment_id": None,
        "package": None,
        "hold_id": None,
        "reverses": None,
        "expires_at": None,
        "money_minor": None,
        "currency": None,
        "metadata": {},
    }


@pytest.mark.parametrize(
    ("balance_after", "amount", "is_told"),
    [
        (99, -1, True),  # from 100
        (99, -500, True),
        (-20, -500, True),  # a debt
        (100, -50, False),  # exactly the threshold is not below it
        (50, -49, False),  # it was below before
        (50, 20, False),  # upwards, and still below
        (150, 100, False),
    ],
)
def test_a_low_balance_is_told_by_the_entry_that_crosses_the_threshold_downwards(
    balance_after: int, amount: int, is_told: bool
):
    told = events.of_entry(an_entry(balance_after=balance_after, amount=amount), 100)

    assert (EventType.CREDITS_LOW in [event.event_type for event in told]) is is_told


def test_without_a_threshold_no_balance_is_low():
    told = events.of_entry(an_entry(balance_after=-5, amount=-10), 0)

    assert [event.event_type for event in told] == [EventType.CREDITS_SPENT]


def test_a_low_balance_has_an_id_of_its_own_which_stays_the_same():
    first = events.of_entry(an_entry(balance_after=99, amount=-1), 100)
    second = events.of_entry(an_entry(balance_after=99, amount=-1), 100)

    assert first == second
    assert len({event.event_id for event in first}) == 2
    assert [event.low_below for event in first] == [None, 100]


def test_a_version_tells_of_a_change_under_the_id_that_every_other_one_gives_it():
    """What is told again after an update must be known to who has heard of it before."""
    [low] = events.of_entry(an_entry(balance_after=99, amount=-1), 100)[1:]

    assert low.event_id == "afbba9ae-6ee1-534d-a04e-3456bb14c970"


# ----------------------------------------------------------------------------------------------------------- holds


@pytest.mark.parametrize("status", [HoldStatus.CAPTURED, HoldStatus.RELEASED, HoldStatus.EXPIRED])
def test_a_holds_end_is_told_with_what_was_captured_and_what_is_free_again(status: HoldStatus):
    [event] = of_hold(None, a_hold(status=status, used=150, captured=160))

    detail = event_details.detail(event).model_dump()
    assert (detail["type"], detail["status"]) == ("hold.ended", status.value)
    assert (detail["amount"], detail["captured"], detail["released"]) == (200, 160, 50)
    assert detail["hold_id"].startswith(a_hold().hold_id + ".")


def test_an_open_hold_is_told_of_only_where_a_capture_finds_too_little():
    assert of_hold(a_hold(), a_hold(used=100, captured=100)) == []

    [event] = of_hold(a_hold(), a_hold(used=100, captured=80, shortfall=20))
    detail = event_details.detail(event).model_dump()
    assert (detail["type"], detail["shortfall"]) == ("hold.shortfall", 20)


def test_a_late_capture_is_no_second_end():
    ended = a_hold(status=HoldStatus.EXPIRED)

    assert of_hold(ended, replace(ended, captured=10, is_closed=True)) == []
    assert [event.event_type for event in of_hold(ended, replace(ended, captured=10, shortfall=5))] == [
        EventType.HOLD_SHORTFALL
    ]


def test_a_shortfall_is_told_only_by_the_capture_that_adds_to_it():
    short = a_hold(used=100, captured=80, shortfall=20)

    assert of_hold(short, replace(short, used=110, captured=90)) == []
    assert len(of_hold(short, replace(short, shortfall=21))) == 1
    assert len(of_hold(a_hold(), replace(short, shortfall=1))) == 1


def test_each_total_of_a_shortfall_has_its_own_id():
    open_hold = a_hold(shortfall=20)
    first = of_hold(a_hold(), open_hold)
    again = of_hold(None, replace(open_hold, status=HoldStatus.CAPTURED))
    more = of_hold(open_hold, a_hold(shortfall=30))

    assert [event.event_type for event in again] == [EventType.HOLD_ENDED, EventType.HOLD_SHORTFALL]
    assert again[1].event_id == first[0].event_id != more[0].event_id


def test_ends_of_different_holds_and_of_different_users_have_ids_of_their_own():
    ended = a_hold(status=HoldStatus.RELEASED)
    others = [replace(ended, hold_id="another"), replace(ended, user_id="another")]

    assert len({of_hold(None, hold)[0].event_id for hold in (ended, *others)}) == 3


def test_the_first_credit_that_a_new_hold_lacks_is_told():
    assert [event.event_type for event in of_hold(None, a_hold(shortfall=1))] == [EventType.HOLD_SHORTFALL]


# -------------------------------------------------------------------------------------------------------- payments


def test_every_status_has_an_event_but_one_that_a_newer_version_wrote():
    assert set(events.TYPE_OF_STATUS) == set(Status) - {Status.UNKNOWN}
    with pytest.raises(ValueError, match="newer version"):
        of_order({}, {"status": Status.UNKNOWN})


@pytest.mark.parametrize(
    ("before", "after", "told"),
    [
        (None, {}, ["payment.pending"]),
        ({}, {"synced_at": LATER}, []),
        ({}, {"status": Status.SUCCEEDED}, ["payment.succeeded"]),
        ({}, {"status": Status.DECLINED}, ["payment.failed"]),
        ({"status": Status.DECLINED}, {"status": Status.FAILED}, []),
        ({"status": Status.EXPIRED}, {"attempt": 2}, ["payment.pending"]),
        ({}, {"quarantine_reason": "price", "rejected_intent": "pi_1"}, ["payment.quarantined"]),
        (
            {"status": Status.SUCCEEDED},
            {"status": Status.SUCCEEDED, "quarantine_reason": "twice", "rejected_intent": "pi_2"},
            ["payment.quarantined"],
        ),
        ({"quarantine_reason": "price"}, {"quarantine_reason": "price", "status": Status.EXPIRED}, []),
        ({"quarantine_reason": "price"}, {"status": Status.SUCCEEDED}, ["payment.succeeded"]),
        ({"quarantine_reason": "price", "status": Status.EXPIRED}, {"status": Status.EXPIRED}, ["payment.expired"]),
    ],
)
def test_a_payment_is_told_of_when_it_comes_into_another_state(before: Any, after: Any, told: list[str]):
    assert of_order(before, after) == told


def test_a_payment_that_fails_again_in_another_attempt_is_told_of_again():
    declined = an_order(status=Status.DECLINED)
    told = [
        events.of_order(OrderChange(before=replace(order, status=Status.PENDING), after=order), LATER)[0].event_id
        for order in (declined, declined, replace(declined, attempt=2), replace(declined, status=Status.FAILED))
    ]

    assert told[0] == told[1]
    assert len(set(told)) == 3


def test_the_same_status_of_another_payment_or_after_another_decision_has_an_id_of_its_own():
    paid = an_order(status=Status.SUCCEEDED)
    others = [replace(paid, payment_id="another"), replace(paid, releases=(a_release("pi_1"),))]

    ids = {events.of_order(OrderChange(before=None, after=one), LATER)[0].event_id for one in (paid, *others)}

    assert len(ids) == 3


def test_each_further_payment_that_is_refused_is_told_of_with_its_own_reason():
    first = an_order(quarantine_reason="price", rejected_intent="pi_1")
    second = replace(first, refused_besides=(RefusedPayment(intent="pi_2", reason="the order has been paid"),))

    [event] = events.of_order(OrderChange(before=first, after=second), LATER)

    assert event_details.detail(event).model_dump()["quarantine_reason"] == "the order has been paid"
    assert isinstance(event.subject, Order)
    assert event.subject.rejected_intent == "pi_2"
    decided = replace(second, quarantine_reason="the order has been paid", rejected_intent="pi_2", refused_besides=())
    assert events.of_order(OrderChange(before=second, after=decided), LATER) == []


def test_a_payment_that_is_refused_without_an_intent_is_told_of():
    [event] = events.of_order(OrderChange(before=an_order(), after=an_order(quarantine_reason="price")), LATER)

    assert isinstance(event.subject, Order)
    assert (event.event_type, event.subject.rejected_intent) == (EventType.PAYMENT_QUARANTINED, None)


def test_a_payment_that_is_refused_again_after_a_decision_is_told_of_again():
    first = an_order(quarantine_reason="price", rejected_intent="pi_1")
    second = replace(first, releases=(a_release("pi_1"),))

    ids = {events.of_order(OrderChange(before=an_order(), after=one), LATER)[0].event_id for one in (first, second)}

    assert len(ids) == 2


# --------------------------------------------------------------------------------------------------- expiring credits


def test_expiring_credits_are_told_twice_each_time_under_the_same_id():
    week, day = events.of_expiring_lot(a_lot(), 7, NOW), events.of_expiring_lot(a_lot(), 1, LATER)

    assert week.event_id == events.of_expiring_lot(a_lot(remaining=5), 7, LATER).event_id != day.event_id
    assert event_details.detail(week).model_dump()["remaining"] == 1100
    for other in (a_lot(user_id="another"), a_lot(lot_id="another")):
        assert events.of_expiring_lot(other, 7, NOW).event_id != week.event_id


def test_every_type_has_a_detail_that_says_what_it_is():
    assert set(DETAILS) == set(EventType)
    assert all(kind.partition(".")[0] in ("credits", "hold", "payment") for kind in EventType)
