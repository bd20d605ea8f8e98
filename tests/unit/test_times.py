import time
from datetime import UTC, datetime, timedelta, timezone

import pytest

from topup.domain import times


@pytest.mark.parametrize(
    ("time", "months", "later"),
    [
        ((2025, 8, 31), 6, (2026, 2, 28)),
        ((2027, 8, 31), 6, (2028, 2, 29)),
        ((2025, 8, 28), 6, (2026, 2, 28)),
        ((2025, 12, 31), 6, (2026, 6, 30)),
        ((2025, 1, 15), 12, (2026, 1, 15)),
        ((2025, 11, 30), 1, (2025, 12, 30)),
    ],
)
def test_months_later_is_the_same_day_or_the_last_of_the_month(
    time: tuple[int, int, int], months: int, later: tuple[int, int, int]
):
    assert times.months_later(datetime(*time, 10, 30, tzinfo=UTC), months) == datetime(*later, 10, 30, tzinfo=UTC)


def test_text_is_in_utc_whatever_the_zone():
    time = datetime(2025, 10, 5, 18, 30, tzinfo=timezone(timedelta(hours=8)))

    assert times.to_text(time) == "2025-10-05T10:30:00Z"


def test_text_is_in_utc_wherever_the_code_runs(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("TZ", "Asia/Shanghai")
    time.tzset()
    try:
        assert times.to_text(datetime(2025, 10, 5, 10, 30, tzinfo=UTC)) == "2025-10-05T10:30:00Z"
    finally:
        monkeypatch.undo()
        time.tzset()


def test_sortable_text_sorts_by_time_and_loses_no_microsecond():
    time = datetime(2025, 10, 5, 10, 30, tzinfo=UTC)
    later = time + timedelta(microseconds=1)

    assert times.to_sortable_text(time) < times.to_sortable_text(later)
    assert times.from_text(times.to_sortable_text(later)) == later


def test_what_begins_within_a_second_ends_with_the_next_whole_one():
    whole = datetime(2025, 10, 5, 10, 30, 59, tzinfo=UTC)

    assert times.whole_second(whole) == whole
    assert times.whole_second(whole.replace(microsecond=1)) == datetime(2025, 10, 5, 10, 31, tzinfo=UTC)


def test_credits_that_are_valid_for_ever_have_no_expiry():
    granted = datetime(2025, 8, 31, 10, 30, tzinfo=UTC)

    assert times.expiry(granted, times.FOREVER) is None
    assert times.expiry(granted, 6) == datetime(2026, 2, 28, 10, 30, tzinfo=UTC)


@pytest.mark.parametrize(
    ("text", "is_sortable"),
    [
        ("2025-10-05T10:30:00.000001Z", True),
        ("2025-10-05T10:30:00Z", False),
        ("2025-10-05T10:30:00.000001+08:00", False),
        ("yesterday", False),
        ("0001-01-01T00:00:00.000000+08:00", False),  # in UTC it is before the calendar
    ],
)
def test_only_a_text_that_was_made_to_sort_is_taken_for_one(text: str, is_sortable: bool):
    assert times.is_sortable_text(text) is is_sortable
