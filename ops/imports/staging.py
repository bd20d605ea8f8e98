"""The rows of a file between their check and their import, in a temporary database on disk: none of them in memory."""

import sqlite3
from collections.abc import Iterable, Iterator
from contextlib import closing, contextmanager
from enum import IntEnum
from typing import Any

from ops.imports.rows import BadRow, Row
from topup.domain import times

_TABLE = """
CREATE TABLE rows (
    line INTEGER PRIMARY KEY, user_id TEXT, credits INTEGER, expires_at TEXT, paid_minor TEXT, currency TEXT,
    external_id TEXT UNIQUE, state INTEGER
)
"""
_COLUMNS = "line, user_id, credits, expires_at, paid_minor, currency, external_id"
AT_ONCE = 1000  # rows that are read together


class State(IntEnum):
    """How far a row is."""

    NEW = 0  # nothing of it is in the table
    BEFORE = 1  # an earlier run has imported it
    THERE = 2  # it is in the table as in the file


class Staged:
    """The rows of one file, in the order of their lines."""

    def __init__(self, database: sqlite3.Connection) -> None:
        self._database = database

    def add(self, row: Row) -> BadRow | None:
        """Keep a row; what is wrong where another one has its external id."""
        expires_at = times.to_text(row.expires_at) if row.expires_at else None
        # Money may be more than SQLite's integers hold.
        values = (row.line, row.user_id, row.credits, expires_at, str(row.paid_minor), row.currency, row.external_id)
        try:
            self._database.execute("INSERT INTO rows VALUES (?, ?, ?, ?, ?, ?, ?, 0)", values)
        except sqlite3.IntegrityError:
            query = "SELECT line FROM rows WHERE external_id = ?"
            [line] = self._database.execute(query, (row.external_id,)).fetchone()
            return BadRow(row.line, f"external_id {row.external_id} is in line {line} too")
        return None

    def mark(self, rows: Iterable[Row], state: State) -> None:
        """Note how far these rows are."""
        self._database.executemany("UPDATE rows SET state = ? WHERE line = ?", [(state, row.line) for row in rows])

    def count(self, state: State | None = None) -> int:
        """How many rows there are, in this state or in any."""
        [number] = self._database.execute(f"SELECT count(*) FROM rows WHERE {_where(state)}").fetchone()  # noqa: S608
        return int(number)

    def batches(self, size: int, state: State | None = None) -> Iterator[list[Row]]:
        """The rows by their lines, so many at a time; their state may change meanwhile."""
        last = 0
        query = f"SELECT {_COLUMNS} FROM rows WHERE line > ? AND {_where(state)} ORDER BY line LIMIT ?"  # noqa: S608
        while found := self._database.execute(query, (last, size)).fetchall():
            batch = [_row(*values) for values in found]
            last = batch[-1].line
            yield batch

    def by_user(self, state: State | None = None) -> Iterator[Row]:
        """The rows, those of each user together. Change nothing before all are read."""
        query = f"SELECT {_COLUMNS} FROM rows WHERE {_where(state)} ORDER BY user_id"  # noqa: S608
        with closing(self._database.cursor()) as found:
            yield from (_row(*values) for values in found.execute(query))


@contextmanager
def staged() -> Iterator[Staged]:
    """A place for the rows of a file; it is gone after the block. Only what is not in its cache is on disk."""
    with closing(sqlite3.connect("", isolation_level=None)) as database:
        database.execute(_TABLE)
        database.execute("BEGIN")
        yield Staged(database)


def _where(state: State | None) -> str:
    return "TRUE" if state is None else f"state = {int(state)}"


def _row(
    line: int, user_id: str, credits: int, expires_at: Any, paid_minor: str, currency: str | None, external_id: str
) -> Row:
    return Row(
        line=line,
        user_id=user_id,
        credits=credits,
        expires_at=times.from_text(expires_at) if expires_at else None,
        paid_minor=int(paid_minor),
        currency=currency,
        external_id=external_id,
    )
