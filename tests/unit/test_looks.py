"""When reconcile looks at an order that nobody has reported."""

from datetime import timedelta
from typing import Any

import pytest

from local.in_process.environment import NOW
from tests.support.builders import a_release, an_order
from topup.domain import looks
from topup.domain.orders import Status


def looks_at(hours: float, **order: Any) -> list[float]:
    """After how many hours the order is looked at, in its first so many hours, if every look finds it as it was."""
    looked_at_order = an_order(**order)
    found = []
    while (due := looks.due_at(looked_at_order)) <= NOW + timedelta(hours=hours):
        found.append((due - NOW) / timedelta(hours=1))
        looked_at_order = an_order(**order, next_look_at=looks.next_look(looked_at_order, due))
    return found


def test_the_first_looks_are_close_together_and_one_is_right_after_the_session_has_ended():
    assert looks_at(25) == [0.25, 0.5, 1, 2, 4, 8, 16, 25]


def test_a_payment_that_takes_days_is_looked_at_once_a_day():
    assert looks_at(200, status=Status.PROCESSING)[8:] == [49, 73, 97, 121, 145, 169, 193]


def test_a_look_that_comes_late_is_followed_by_the_one_after_it():
    assert looks.next_look(an_order(), NOW + timedelta(hours=30)) == NOW + timedelta(hours=54)
    assert looks.next_look(an_order(), NOW + timedelta(hours=20)) == NOW + timedelta(hours=25)
    assert looks.next_look(an_order(), NOW + timedelta(hours=25)) == NOW + timedelta(hours=49)


def test_money_that_goes_back_is_looked_at_by_the_next_run():
    order = an_order(releases=(a_release(is_done=False),))

    assert looks.due_at(order) == NOW + timedelta(minutes=2)
    assert looks.next_look(order, NOW) == NOW + timedelta(minutes=15)


def test_another_attempt_to_open_the_checkout_begins_the_looks_anew():
    assert looks_at(12, opened_at=NOW + timedelta(hours=10)) == [10.25, 10.5, 11, 12]


@pytest.mark.parametrize(("hours", "is_abandoned"), [(24.9, False), (25, True)])
def test_an_order_is_abandoned_when_a_session_has_surely_ended(hours: float, is_abandoned: bool):
    assert looks.is_abandoned(an_order(), NOW + timedelta(hours=hours)) is is_abandoned
    reopened = an_order(created_at=NOW - timedelta(days=9), opened_at=NOW)
    assert looks.is_abandoned(reopened, NOW + timedelta(hours=hours)) is is_abandoned


@pytest.mark.parametrize("status", [Status.SUCCEEDED, Status.EXPIRED, Status.FAILED])
def test_an_order_that_has_ended_is_not_looked_at(status: Status):
    assert looks.due_at(an_order(status=status)) == looks.NEVER
    assert looks.due_at(an_order(status=status, quarantine_reason="no")) == looks.NEVER


def test_a_quarantined_order_is_looked_at_at_once_and_only_for_its_own_session():
    assert looks.due_at(an_order(quarantine_reason="no")) == NOW
    assert looks.due_at(an_order(quarantine_reason="no", provider_order_id=None)) == looks.NEVER
    assert looks.due_at(an_order(quarantine_reason="no", next_look_at=looks.NEVER)) == looks.NEVER
