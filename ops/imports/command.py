"""`import`: read a file, say what is wrong with it, and add what is not there yet; then read all of it back."""

import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path

from ops import opened
from ops.errors import CannotRunError
from ops.imports import lots, rows
from ops.imports.rows import BadRow, Row
from topup import store
from topup.domain.errors import AlreadyGranted, Busy
from topup.domain.lots import Lot
from topup.domain.money import to_text

MOST_BAD_ROWS = 100
PROGRESS_EVERY = 1.0  # seconds


@dataclass
class Totals:
    """What some rows add up to."""

    rows: int = 0
    users: set[str] = field(default_factory=set)
    credits: int = 0
    free: int = 0
    paid_minor: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, counted: Iterable[Row]) -> "Totals":
        totals = cls()
        for row in counted:
            totals.rows += 1
            totals.users.add(row.user_id)
            totals.credits += row.credits
            totals.free += row.credits if row.currency is None else 0
            if row.currency:
                totals.paid_minor[row.currency] += row.paid_minor
        return totals

    def __str__(self) -> str:
        paid = [f"{to_text(minor, currency)} {currency}" for currency, minor in sorted(self.paid_minor.items())]
        counted = f"{self.rows} rows of {len(self.users)} users: {self.credits} credits"
        return f"{counted}, {self.free} of them free, paid {', '.join(paid) or 'nothing'}"


@dataclass
class Result:
    """What to print, and whether all is well."""

    lines: list[str] = field(default_factory=list)
    is_well: bool = True

    def add(self, what: str, counted: Iterable[Row]) -> None:
        self.lines.append(f"{what:<18}{Totals.of(counted)}")


def run(options: Namespace) -> int:
    read = list(rows.read(_text(options.file)))
    wanted, bad = [row for row in read if isinstance(row, Row)], [row for row in read if isinstance(row, BadRow)]
    if bad:
        result = _refused(bad)
    else:
        with opened.stack(options, with_stripe=False) as clock:
            result = take_over(wanted, clock(), is_dry=options.dry_run)
    print("\n".join(result.lines))
    return 0 if result.is_well else 1


def _text(file: str | None) -> str:
    if not file:
        raise CannotRunError("FILE is missing (make: FILE=): name a file of CSV or of JSON lines")
    try:
        return Path(file).read_text(encoding="utf-8-sig")
    except (OSError, UnicodeDecodeError) as error:
        raise CannotRunError(f"{file}: {getattr(error, 'strerror', None) or error}") from error


def _refused(bad: Sequence[BadRow]) -> Result:
    more = [f"… and {len(bad) - MOST_BAD_ROWS} more"] if len(bad) > MOST_BAD_ROWS else []
    last = f"{len(bad)} bad rows: nothing was imported"
    return Result([*map(str, bad[:MOST_BAD_ROWS]), *more, last], is_well=False)


def take_over(wanted: Sequence[Row], now: datetime, *, is_dry: bool) -> Result:
    """Import the rows that are not there yet, and read all of them back; raises CannotRunError, and may be repeated."""
    before = _stored(wanted)
    if bad := list(_contradictions(wanted, before, now)):
        return _refused(bad)
    new = [row for row in wanted if lots.mark_of(row) not in before]
    result = Result()
    result.add("in the file", wanted)
    result.add("imported before", (row for row in wanted if lots.mark_of(row) in before))
    result.add("to import" if is_dry else "imported now", new)
    if is_dry:
        return result
    _add_all(new, now)
    after = _stored(wanted)
    there = [row for row in wanted if lots.mark_of(row) in after and not _difference(row, after)]
    result.add("in the table", there)
    result.is_well = len(there) == len(wanted)
    if not result.is_well:
        lacking = {row.line for row in wanted} - {row.line for row in there}
        result.lines.append(f"not in the table as in the file: lines {', '.join(map(str, sorted(lacking)))}")
    return result


def _contradictions(wanted: Iterable[Row], before: Mapping[str, Lot | None], now: datetime) -> Iterator[BadRow]:
    for row in wanted:
        if lots.mark_of(row) in before:
            if difference := _difference(row, before):
                yield BadRow(row.line, f"external_id {row.external_id} was imported before, and {difference}")
        elif row.expires_at and row.expires_at <= now:
            yield BadRow(row.line, "expires_at is past")


def _difference(row: Row, stored: Mapping[str, Lot | None]) -> str:
    return lots.differences(row, stored[lots.mark_of(row)])


def _stored(wanted: Sequence[Row]) -> dict[str, Lot | None]:
    """By mark, the lots of these rows that are in the table."""
    stored: dict[str, Lot | None] = {}
    for first in _counted(range(0, len(wanted), store.AT_ONCE), "rows looked up"):
        some = {lots.mark_of(row): lots.lot_of(row) for row in wanted[first : first + store.AT_ONCE]}
        found = _loaded(some)
        # A lot that is used up moves to another place, which may have been read before.
        moved = {mark: some[mark] for mark, lot in found.items() if lot is None}
        stored |= found | (_loaded(moved) if moved else {})
    return stored


def _loaded(some: Mapping[str, Lot]) -> dict[str, Lot | None]:
    try:
        return store.retried(store.load_imported)(some)
    except Busy as error:
        raise CannotRunError("the table is busy: run it again") from error


def _add_all(new: Sequence[Row], now: datetime) -> None:
    for place in _counted(range(len(new)), "rows imported"):
        try:
            lots.add(new[place], now)
        except AlreadyGranted:
            continue  # another run of the command is at it
        except Busy as error:
            line = new[place].line
            raise CannotRunError(f"line {line}: {error.detail}; run it again, which imports only the rest") from error


def _counted(numbers: range, what: str) -> Iterator[int]:
    """The numbers, with a line of progress about every second."""
    shown = time.monotonic()
    for number in numbers:
        if time.monotonic() - shown > PROGRESS_EVERY:
            shown = time.monotonic()
            print(f"… {number} of {numbers.stop} {what}", file=sys.stderr, flush=True)
        yield number
