"""Parse the values of Stripe's objects, each as the type that Stripe documents.

Any other value raises TypeError or ValueError before anything is decided: stored, it could make an order unreadable;
rounded or read as a boolean, it could make a payment out of none.
"""

import re
from datetime import UTC, datetime
from fractions import Fraction
from typing import Any

LONGEST = 500  # characters: the longest metadata value; ids are far shorter, and messages are cut
LARGEST_AMOUNT = 10**14  # minor units; the largest that Stripe names, in LBP, has fourteen digits
LAST_SECOND = 253_402_300_799  # of the year 9999


def whole_amount(value: Any) -> int:
    """Money in integer minor units."""
    if type(value) is not int or not 0 <= value <= LARGEST_AMOUNT:
        raise ValueError("not an amount in minor units")
    return value


def signed_amount(value: Any) -> int:
    """Money in integer minor units that came (positive) or went (negative)."""
    if type(value) is not int or abs(value) > LARGEST_AMOUNT:
        raise ValueError("not an amount in minor units")
    return value


def positive_ratio(value: Any) -> Fraction:
    """An exchange rate; one that is missing counts as 1."""
    if value is None:
        return Fraction(1)
    if type(value) not in (int, float) or not 0 < value < LARGEST_AMOUNT:
        raise ValueError("not an exchange rate")
    return Fraction(value)


def count_or_none(value: Any) -> int | None:
    """A whole number in a text of our own metadata; None where it is missing or another text."""
    return int(value) if isinstance(value, str) and re.fullmatch("[0-9]{1,9}", value) else None


def text(value: Any) -> str:
    """An id, or another text that is not empty."""
    if not isinstance(value, str) or not 0 < len(value) <= LONGEST:
        raise ValueError("not a text")
    value.encode()  # raises UnicodeEncodeError for half of a surrogate pair, which DynamoDB refuses
    return value


def text_or_none(value: Any) -> str | None:
    """A text that may be missing; an empty one counts as missing."""
    return text(value) if value not in (None, "") else None


def code_or_none(value: Any) -> str | None:
    """A code for programs, such as `insufficient_funds`; None for anything else."""
    return value if isinstance(value, str) and re.fullmatch("[a-z0-9_]{1,100}", value) else None


def message(value: Any) -> str:
    """A text for people, from any value: cut to length, with what UTF-8 cannot hold replaced."""
    return str(value).encode("utf-8", "replace").decode()[:LONGEST]


def truth(value: Any) -> bool:
    """True or false, and no other value that Python would take for one."""
    if not isinstance(value, bool):
        raise TypeError("neither true nor false")
    return value


def moment(value: Any) -> datetime:
    """Epoch seconds."""
    if type(value) is not int or not 0 <= value <= LAST_SECOND:
        raise ValueError("not a time in seconds")
    return datetime.fromtimestamp(value, UTC)
