"""Time in UTC: as the text that sorts, as the text that clients read, and calendar months later."""

import calendar
import re
from datetime import UTC, datetime, timedelta

# RFC 3339 with its offset, but no more than nine decimals of a second.
RFC_3339 = r"^[0-9]{4}-[0-9]{2}-[0-9]{2}T[0-9]{2}:[0-9]{2}:[0-9]{2}([.][0-9]{1,9})?(Z|[+-][0-9]{2}:[0-9]{2})$"


def to_text(moment: datetime) -> str:
    """ISO 8601 in UTC to the second: 2025-10-05T10:30:00Z."""
    return _in_utc(moment, "seconds")


def to_sortable_text(moment: datetime) -> str:
    """ISO 8601 in UTC to the microsecond, always of the same width, so that text order is time order."""
    return _in_utc(moment, "microseconds")


def _in_utc(moment: datetime, precision: str) -> str:
    return f"{moment.astimezone(UTC).replace(tzinfo=None).isoformat(timespec=precision)}Z"


def from_text(text: str) -> datetime:
    """The moment of either text; raises ValueError."""
    return datetime.fromisoformat(text).astimezone(UTC)


def is_sortable_text(text: str) -> bool:
    """Whether `to_sortable_text` could have made it."""
    try:
        return to_sortable_text(from_text(text)) == text
    except (ValueError, OverflowError):  # OverflowError: a time that UTC moves out of the calendar
        return False


def from_rfc_3339(text: str) -> datetime:
    """The moment that a caller names, in UTC to the microsecond; raises ValueError."""
    if not re.fullmatch(RFC_3339, text):
        raise ValueError("not as RFC 3339 writes a time")
    try:
        return from_text(text)
    except OverflowError:  # in UTC it is not within the years 1-9999
        raise ValueError("not within the years 1-9999") from None


FOREVER = 0  # the months of what never expires


def months_later(moment: datetime, months: int) -> datetime:
    """The same day and time `months` calendar months on; the month's last day where it has no such day."""
    year, month = divmod(moment.year * 12 + moment.month - 1 + months, 12)
    last_day = calendar.monthrange(year, month + 1)[1]
    return moment.replace(year=year, month=month + 1, day=min(moment.day, last_day))


def expiry(granted_at: datetime, months: int) -> datetime | None:
    """When credits expire that are valid for so many months; None where these are FOREVER."""
    return None if months == FOREVER else months_later(granted_at, months)


def whole_second(moment: datetime) -> datetime:
    """The moment, or the next whole second: lots and holds end on whole ones, so that every clock agrees when."""
    return moment if moment.microsecond == 0 else moment.replace(microsecond=0) + timedelta(seconds=1)
