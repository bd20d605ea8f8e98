"""Months later, checked against a calendar that is walked day by day; and time as text."""

from datetime import UTC, datetime, timedelta, timezone

from hypothesis import example, given
from hypothesis import strategies as st

from tests.support.builders import a_wallet, an_order
from tests.support.examples import examples
from topup.domain import order_updates, times

TIMES = st.datetimes(datetime(1970, 1, 1), datetime(2400, 1, 1), timezones=st.just(UTC))  # noqa: DTZ001
MONTHS = st.integers(1, 120)
ONE_DAY = timedelta(days=1)


def walked(time: datetime, months: int) -> datetime:
    """Walk month by month to the first day of the wanted one, then day by day to the wanted day or the last."""
    first = time - ONE_DAY * (time.day - 1)
    for _ in range(months):
        first = (first + 31 * ONE_DAY) - ONE_DAY * ((first + 31 * ONE_DAY).day - 1)
    later = first
    while later.day < time.day and (later + ONE_DAY).month == first.month:
        later += ONE_DAY
    return later


@examples(300)
@given(TIMES, MONTHS)
@example(datetime(2027, 8, 31, 23, 59, 59, 999_999, tzinfo=UTC), 6)  # into a leap year's February
@example(datetime(2026, 8, 31, tzinfo=UTC), 6)
@example(datetime(2096, 2, 29, tzinfo=UTC), 48)  # 2100 is no leap year
@example(datetime(2025, 12, 31, tzinfo=UTC), 12)
def test_months_later_is_what_a_calendar_says(time: datetime, months: int):
    later = times.months_later(time, months)

    assert later == walked(time, months)
    assert (later.timetz(), later.tzinfo) == (time.timetz(), UTC)


@examples(200)
@given(TIMES, TIMES, MONTHS, MONTHS)
def test_credits_bought_later_never_expire_earlier(one: datetime, other: datetime, months: int, more: int):
    sooner, later = sorted((one, other))

    assert times.months_later(sooner, months) <= times.months_later(later, months)
    assert times.months_later(one, months) < times.months_later(one, months + more)


@examples(200)
@given(TIMES)
def test_six_months_are_never_fewer_than_181_days_nor_more_than_184(time: datetime):
    assert 181 * ONE_DAY <= times.months_later(time, 6) - time <= 184 * ONE_DAY


@examples(100)
@given(TIMES, st.integers(1, 12))
def test_a_lot_expires_on_a_whole_second_and_not_a_second_early(time: datetime, months: int):
    lot = order_updates.new_lot(an_order(user_id=a_wallet().user_id), time, months)

    assert lot.expires_at
    assert lot.expires_at.microsecond == 0
    assert times.months_later(time, months) - timedelta(seconds=1) < lot.expires_at
    assert lot.expires_at <= times.months_later(time, months)


ZONES = st.integers(-23 * 60, 23 * 60).map(lambda minutes: timezone(timedelta(minutes=minutes)))
ANYWHERE = st.datetimes(datetime(1971, 1, 1), datetime(2399, 1, 1), timezones=ZONES)  # noqa: DTZ001


@examples(200)
@given(ANYWHERE, ANYWHERE)
def test_the_order_of_texts_is_the_order_of_times_in_every_zone(one: datetime, other: datetime):
    texts = times.to_sortable_text(one), times.to_sortable_text(other)

    assert (texts[0] < texts[1], texts[0] == texts[1]) == (one < other, one == other)
    assert times.from_text(texts[0]) == one
    assert times.from_text(times.to_text(one)) == one.replace(microsecond=0)
