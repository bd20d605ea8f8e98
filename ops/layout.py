"""Lay text out for a terminal: columns that line up, times, ages and money."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime, timedelta
from unicodedata import east_asian_width

from topup.domain import money, times

GAP = "  "
_UNITS = (("day", timedelta(days=1)), ("hour", timedelta(hours=1)), ("minute", timedelta(minutes=1)))


def columns(rows: Sequence[Sequence[object]], right: Collection[int] = ()) -> Iterator[str]:
    """The rows as lines; the columns of these numbers, counted from 0, are aligned to the right."""
    texts = [[str(cell) for cell in row] for row in rows]
    widths = [max(map(width, column)) for column in zip(*texts, strict=True)]
    for row in texts:
        padding = [" " * (widest - width(cell)) for cell, widest in zip(row, widths, strict=True)]
        cells = [
            pad + cell if n in right else cell + pad for n, (cell, pad) in enumerate(zip(row, padding, strict=True))
        ]
        yield GAP.join(cells).rstrip()


def width(text: str) -> int:
    """How many columns of a terminal it takes: a Chinese character takes two."""
    return sum(2 if east_asian_width(character) in "WF" else 1 for character in text)


def moment(at: datetime | None, otherwise: str = "") -> str:
    """A time in UTC to the second, as a person reads it."""
    return times.to_text(at).replace("T", " ").removesuffix("Z") if at else otherwise


def age(duration: timedelta) -> str:
    """In whole units of the largest kind that fits: 3 days, 1 hour."""
    for name, unit in _UNITS:
        if (number := duration // unit) >= 1:
            return counted(number, name)
    return "less than a minute"


def counted(number: int, one: str, many: str = "") -> str:
    """`1 entry`, `2 entries`; where `many` is not given, it is `one` with an s."""
    return f"{number} {one if number == 1 else many or f'{one}s'}"


def amount(minor: int, currency: str) -> str:
    """Money with its currency: 100.00 CNY."""
    return f"{money.to_text(minor, currency)} {currency}"
