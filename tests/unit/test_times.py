from datetime import UTC, datetime, timedelta, timezone

import pytest

from topup.domain import times


@pytest.mark.parametrize(
    ("moment", "months", "later"),
    [
        ((2025, 8, 31), 6, (2026, 2, 28)),
        ((2027, 8, 31), 6, (2028, 2, 29)),
        ((2025, 8, 28), 6, (2026, 2, 28)),
        ((2025, 12, 31), 6, (2026, 6, 30)),
        ((2025, 1, 15), 12, (2026, 1, 15)),
        ((2025, 11, 30), 1, (2025, 12, 30)),
    ],
)
def test_months_later_is_the_same_day_or_the_months_last(
    moment: tuple[int, int, int], months: int, later: tuple[int, int, int]
):
    assert times.months_later(datetime(*moment, 10, 30, tzinfo=UTC), months) == datetime(*later, 10, 30, tzinfo=UTC)


def test_text_is_utc_whatever_the_zone():
    moment = datetime(2025, 10, 5, 18, 30, tzinfo=timezone(timedelta(hours=8)))

    assert times.to_text(moment) == "2025-10-05T10:30:00Z"


def test_sortable_text_has_one_width_and_comes_back_exact():
    moment = datetime(2025, 10, 5, 10, 30, tzinfo=UTC)
    later = moment + timedelta(microseconds=1)

    assert times.to_sortable_text(moment) < times.to_sortable_text(later)
    assert times.from_text(times.to_sortable_text(later)) == later
