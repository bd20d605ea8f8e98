"""What the daily report adds up, and when a new one begins."""

from dataclasses import replace
from datetime import timedelta
from typing import Any

import pytest

from local.in_process.environment import NOW
from tests.support.builders import a_hold, a_lot
from topup.domain import days
from topup.domain.days import DAY, EVERY, SOON, Report

MOMENT = timedelta(microseconds=1)
TOLD = {"7": "2026-03-08T12:00:00Z"}


def a_report(**changes: Any) -> Report:
    return replace(Report(began=NOW, since=NOW - DAY, told_until=TOLD), **changes)


def test_the_first_report_looks_a_day_back():
    assert days.first(NOW) == Report(began=NOW, since=NOW - DAY)


def test_a_report_that_is_done_is_followed_by_the_next_days_which_looks_back_to_its_beginning():
    done = a_report(is_read=True, owed_credits=5, audited=3, notice_place={"a": "b"})
    later = NOW + EVERY

    assert done.next(later) == Report(began=later, since=NOW, told_until=TOLD)
    assert done.next(later - MOMENT) is done
    unfinished = a_report()
    assert unfinished.next(later) is unfinished


def test_a_report_is_late_that_is_not_done_after_a_day():
    assert a_report().is_late(NOW + DAY)
    assert not a_report().is_late(NOW + DAY - MOMENT)
    assert not a_report(is_read=True).is_late(NOW + DAY)


def test_what_lots_are_owed_for_adds_up_by_currency():
    """Of 100.00 for 1100 credits, 366 are spent, which 33.27 stand for."""
    paid = a_lot(remaining=734, expires_at=NOW + SOON + MOMENT)
    dollars = a_lot(remaining=1100, paid_minor=700, currency="USD", expires_at=None)
    gift = a_lot(remaining=30, paid_minor=0, currency=None, expires_at=NOW + SOON)
    over = a_lot(remaining=40, expires_at=NOW)

    report = a_report()
    for lot in (paid, paid, dollars, gift, over):
        report = days.with_lot(report, lot)

    assert report == a_report(
        owed_minor={"CNY": 2 * (10_000 - 3327), "USD": 700},
        owed_credits=734 + 734 + 1100 + 30,
        free_credits=30,
        expiring_credits=30,
    )


def test_the_oldest_hold_counts():
    report = a_report()
    for hold in (a_hold(created_at=NOW), a_hold(created_at=NOW - DAY), a_hold(created_at=NOW + DAY)):
        report = days.with_hold(report, hold)

    assert report == a_report(oldest_hold=NOW - DAY)


@pytest.mark.parametrize("oldest_hold", [None, NOW])
def test_a_report_is_stored_and_read_back_also_where_a_newer_version_has_added_to_it(oldest_hold: Any):
    report = a_report(oldest_hold=oldest_hold, owed_minor={"CNY": 5}, table_place={"a": "b"}, violations=2)

    stored = {name: value for name, value in days.to_fields(report).items() if value is not None}  # as cursors are

    assert (stored["began"], stored["violations"]) == ("2026-03-01T12:00:00.000000Z", 2)
    assert days.from_fields(stored | {"added": 1}) == report
    assert days.from_fields({name: stored[name] for name in ("began", "since")}) == Report(began=NOW, since=NOW - DAY)
