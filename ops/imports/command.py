"""`import`: read a file, say what is wrong with it, and add what is not there yet; then read all of it back.

The file is read once, row by row, into a temporary database: no more of it than a batch is ever in memory.
"""

import sys
import time
from argparse import Namespace
from collections import Counter
from collections.abc import Callable, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime
from pathlib import Path
from typing import Generic, TypeVar

from ops import opened
from ops.errors import CannotRunError
from ops.imports import lots, rows
from ops.imports.rows import BadRow, Row
from ops.imports.staging import AT_ONCE, Staged, State, staged
from topup import store
from topup.domain.errors import AlreadyGranted, Busy
from topup.domain.lots import Lot
from topup.domain.money import to_text
from topup.store import patience

MOST_SHOWN = 100  # bad rows, or lines
PROGRESS_EVERY = 1.0  # seconds

One = TypeVar("One")


@dataclass
class Totals:
    """What some rows add up to, those of each user together."""

    rows: int = 0
    users: int = 0
    credits: int = 0
    free: int = 0
    paid_minor: Counter[str] = field(default_factory=Counter)

    @classmethod
    def of(cls, counted: Iterable[Row]) -> "Totals":
        totals, user_id = cls(), ""
        for row in counted:
            totals.rows += 1
            totals.users += row.user_id != user_id
            user_id = row.user_id
            totals.credits += row.credits
            totals.free += row.credits if row.currency is None else 0
            if row.currency:
                totals.paid_minor[row.currency] += row.paid_minor
        return totals

    def __str__(self) -> str:
        paid = [f"{to_text(minor, currency)} {currency}" for currency, minor in sorted(self.paid_minor.items())]
        counted = f"{self.rows} rows of {self.users} users: {self.credits} credits"
        return f"{counted}, {self.free} of them free, paid {', '.join(paid) or 'nothing'}"


@dataclass
class Some(Generic[One]):
    """How many there are of something, and the first of them."""

    number: int = 0
    first: list[One] = field(default_factory=list)

    def add(self, one: One) -> None:
        self.number += 1
        if len(self.first) < MOST_SHOWN:
            self.first.append(one)

    @property
    def others(self) -> int:
        """How many there are besides the first."""
        return self.number - len(self.first)


@dataclass
class Result:
    """What to print, and whether all is well."""

    lines: list[str] = field(default_factory=list)
    is_well: bool = True

    def add(self, what: str, counted: Iterable[Row]) -> None:
        self.lines.append(f"{what:<18}{Totals.of(counted)}")


def _refused(bad: Some[BadRow]) -> Result:
    more = [f"… and {bad.others} more"] if bad.others else []
    return Result([*map(str, bad.first), *more, f"{bad.number} bad rows: nothing was imported"], is_well=False)


def run(options: Namespace) -> int:
    with staged() as file:
        bad = read(_lines(options.file), file)
        if bad.number:
            result = _refused(bad)
        else:
            with opened.stack(options, with_stripe=False) as clock:
                result = take_over(file, clock, is_dry=options.dry_run)
    print("\n".join(result.lines))
    return 0 if result.is_well else 1


def _lines(file: str | None) -> Iterator[str]:
    if not file:
        raise CannotRunError("FILE is missing (make: FILE=): name a file of CSV or of JSON lines")
    try:
        with Path(file).open(encoding="utf-8-sig") as text:
            yield from text
    except (OSError, UnicodeDecodeError) as error:
        raise CannotRunError(f"{file}: {getattr(error, 'strerror', None) or error}") from error


def read(lines: Iterable[str], file: Staged) -> Some[BadRow]:
    """Keep the rows of these lines; what is wrong with them."""
    bad = Some[BadRow]()
    for row in rows.read(lines):
        if wrong := row if isinstance(row, BadRow) else file.add(row):
            bad.add(wrong)
    return bad


def take_over(file: Staged, clock: Callable[[], datetime], *, is_dry: bool) -> Result:
    """Import the rows that are not there yet, and read all of them back; raises CannotRunError, and may be repeated."""
    bad = _look_up(file, clock())
    if bad.number:
        return _refused(bad)
    result = Result()
    result.add("in the file", file.by_user())
    result.add("imported before", file.by_user(State.BEFORE))
    result.add("to import" if is_dry else "imported now", file.by_user(State.NEW))
    if is_dry:
        return result
    _add_all(file, clock)
    lacking = _read_back(file)
    result.add("in the table", file.by_user(State.THERE))
    if lacking.number:
        result.is_well = False
        more = f" and {lacking.others} more" if lacking.others else ""
        result.lines.append(f"not in the table as in the file: lines {', '.join(map(str, lacking.first))}{more}")
    return result


def _look_up(file: Staged, now: datetime) -> Some[BadRow]:
    """Mark the rows that were imported before; those that contradict it are bad, and new ones that have expired."""
    bad = Some[BadRow]()
    for batch, stored in _batches(file):
        before = [row for row in batch if lots.mark_of(row) in stored]
        file.mark(before, State.BEFORE)
        for row in batch:
            if reason := _contradiction(row, stored, now):
                bad.add(BadRow(row.line, reason))
    return bad


def _contradiction(row: Row, stored: Mapping[str, Lot | None], now: datetime) -> str:
    if lots.mark_of(row) not in stored:
        return "expires_at is past" if row.expires_at and row.expires_at <= now else ""
    difference = _difference(row, stored)
    return f"external_id {row.external_id} was imported before, and {difference}" if difference else ""


def _read_back(file: Staged) -> Some[int]:
    """Mark the rows that are in the table as the file has them; the others."""
    lacking = Some[int]()
    for batch, stored in _batches(file):
        there = [row for row in batch if lots.mark_of(row) in stored and not _difference(row, stored)]
        file.mark(there, State.THERE)
        for line in sorted({row.line for row in batch} - {row.line for row in there}):
            lacking.add(line)
    return lacking


def _difference(row: Row, stored: Mapping[str, Lot | None]) -> str:
    return lots.differences(row, stored[lots.mark_of(row)])


def _batches(file: Staged) -> Iterator[tuple[list[Row], dict[str, Lot | None]]]:
    """The rows, some at a time, with their lots that are in the table, by their marks."""
    progress = Progress(file.count(), "rows looked up")
    for batch in file.batches(store.AT_ONCE):
        some = {lots.mark_of(row): lots.lot_of(row) for row in batch}
        found = _loaded(some)
        # A lot that is used up moves to another place, which may have been read before.
        moved = {mark: some[mark] for mark, lot in found.items() if lot is None}
        yield batch, found | (_loaded(moved) if moved else {})
        progress.show(len(batch))


def _loaded(some: Mapping[str, Lot]) -> dict[str, Lot | None]:
    try:
        return patience.patiently(lambda: store.retried(store.load_imported)(some))
    except Busy as error:
        raise CannotRunError("the table is busy: run it again") from error


def _add_all(file: Staged, clock: Callable[[], datetime]) -> None:
    """Each entry has its own time: a month whose books are made does not get more of them later."""
    progress = Progress(file.count(State.NEW), "rows imported")
    for batch in file.batches(AT_ONCE, State.NEW):
        for row in batch:
            _add(row, clock)
            progress.show(1)


def _add(row: Row, clock: Callable[[], datetime]) -> None:
    def add() -> None:
        try:
            lots.add(row, clock())
        except Busy as error:
            print(f"… line {row.line}: {error.detail}; trying again", file=sys.stderr, flush=True)
            raise

    try:
        patience.patiently(add)
    except AlreadyGranted:
        return  # another run of the command is at it
    except Busy as error:
        raise CannotRunError(f"line {row.line}: {error.detail}; run it again, which imports only the rest") from error


class Progress:
    """A line of progress about every second."""

    def __init__(self, wanted: int, what: str) -> None:
        self._wanted, self._what = wanted, what
        self._done, self._shown = 0, time.monotonic()

    def show(self, more: int) -> None:
        """So many more are done."""
        self._done += more
        if time.monotonic() - self._shown > PROGRESS_EVERY:
            self._shown = time.monotonic()
            print(f"… {self._done} of {self._wanted} {self._what}", file=sys.stderr, flush=True)
