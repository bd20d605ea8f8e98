"""Bring the records of each user, or of each payment, together: on disk, because there may be more than memory holds.

DuckDB splits the rows into parts by their owner. Each part is small enough to be sorted alone, by any process.
"""

import json
from collections.abc import Callable, Iterable, Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import duckdb

ROWS_PER_PART = 150_000  # some 100 MB
MOST_PARTS = 512
SPLIT_MEMORY = "2GB"
SORT_MEMORY = "700MB"  # of each process
PROGRESS_EVERY = 1.0  # seconds
LAST = "~"  # begins the ranks of entries: what is said of lots and holds is known when they come

# The lines of an export: what a record belongs to, its rank among the records of that, and its text.
CREDITS = """
    SELECT owner, CASE WHEN starts_with(record, $entry) THEN $last ELSE '' END || record AS rank, text
    FROM (
        SELECT json ->> '$.Item.user_id.S' AS owner, json ->> '$.Item.record.S' AS record, json::VARCHAR AS text
        FROM read_ndjson_objects($files, compression = 'gzip')
    )
    WHERE NOT (starts_with(record, $campaign) OR starts_with(record, $marker))
"""
ORDERS = """
    SELECT json ->> '$.Item.payment_id.S' AS owner, json ->> '$.Item.record.S' AS rank, json::VARCHAR AS text
    FROM read_ndjson_objects($files, compression = 'gzip')
    UNION ALL
    SELECT owner, '' AS rank, text
    FROM read_json($ledgers, format = 'newline_delimited', columns = {owner: 'VARCHAR', text: 'VARCHAR'})
"""


@dataclass(frozen=True)
class Parts:
    """Rows with an owner, a rank and a text, split by their owners."""

    folder: Path
    count: int

    def __iter__(self) -> Iterator[Path]:
        """The folder of each part that has rows."""
        return (path for number in range(self.count) if (path := self._part(number)).exists())

    def of(self, owner: str) -> list[tuple[str, str]]:
        """The rank and the text of each of an owner's rows."""
        with closing(_connect(SORT_MEMORY, 1, self.folder)) as database:
            [(number,)] = database.execute("SELECT hash($1) % $2", [owner, self.count]).fetchall()
            if not self._part(number).exists():
                return []
            query = "SELECT rank, text FROM read_parquet($1) WHERE owner = $2 ORDER BY rank"
            return database.execute(query, [_files(self._part(number)), owner]).fetchall()

    def _part(self, number: int) -> Path:
        return self.folder / f"part={number}"


def split(query: str, parameters: dict[str, Any], rows: int, folder: Path, progress: Callable[[float], None]) -> Parts:
    """Split the rows of a query, about so many, into parts below a new folder; `progress` is told how many percent."""
    parts = Parts(folder, min(MOST_PARTS, rows // ROWS_PER_PART + 1))
    folder.mkdir()
    selected = f"SELECT *, hash(owner) % {parts.count} AS part FROM ({query})"  # noqa: S608  # a query of this module
    copy = f"COPY ({selected}) TO '{folder}' (FORMAT parquet, PARTITION_BY (part))"
    with closing(_connect(SPLIT_MEMORY, None, folder)) as database, ThreadPoolExecutor(1) as thread:
        running = thread.submit(database.execute, copy, parameters)
        while True:
            try:
                running.result(PROGRESS_EVERY)
            except TimeoutError:
                progress(database.query_progress())
            else:
                return parts


def rows_of(part: Path) -> Iterator[tuple[str, str, str]]:
    """The owner, the rank and the text of each row of a part: one owner's after another's, and by their ranks."""
    with closing(_connect(SORT_MEMORY, 1, part)) as database:
        query = "SELECT owner, rank, text FROM read_parquet($1) ORDER BY owner, rank"
        result = database.execute(query, [_files(part)])
        while rows := result.fetchmany(1_000):
            yield from rows


def write_ledger(file: Any, owner: str, value: Any) -> None:
    """Write one row for `$ledgers`."""
    file.write(json.dumps({"owner": owner, "text": json.dumps(value)}) + "\n")


def files_of(paths: Iterable[Path]) -> Sequence[str]:
    return [str(path) for path in paths]


def _files(part: Path) -> str:
    return str(part / "*.parquet")


def _connect(memory: str, threads: int | None, near: Path) -> duckdb.DuckDBPyConnection:
    config: dict[str, Any] = {"memory_limit": memory, "temp_directory": str(near.parent / "spilled")}
    config |= {"threads": threads} if threads else {}
    database = duckdb.connect(config={**config, "preserve_insertion_order": "false"})
    # The progress is asked for, not printed.
    database.execute("SET enable_progress_bar = true")
    database.execute("SET enable_progress_bar_print = false")
    return database
