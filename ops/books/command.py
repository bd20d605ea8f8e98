"""`books`: add up a month of every user's ledger, print its summary, and write what an accountant needs."""

import sys
import time
from argparse import Namespace
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path

from ops import opened
from ops.books import documents, exported
from ops.books.ledger import Records
from ops.books.month import Books
from ops.errors import CannotRunError
from ops.export import files
from topup import store
from topup.domain.errors import Busy
from topup.domain.times import months_later

PROGRESS_EVERY = 1.0  # seconds
# A request that was received before the month's end may be written after it, but not later than this.
LATE_WRITES = timedelta(hours=1)


def run(options: Namespace) -> int:
    books = Books(options.month)
    with _ledgers(options) as (ledgers, read_at):
        if read_at < _end_of(options.month) + LATE_WRITES:
            print(f"warning: {options.month} (UTC) is not over: these figures will change", file=sys.stderr)
        _add_all(books, ledgers)
    print(documents.summary(books), end="")
    if options.out:
        _write(books, Path(options.out))
    return 0


@contextmanager
def _ledgers(options: Namespace) -> Iterator[tuple[Iterable[tuple[str, Records]], datetime]]:
    """Every user's ledger, and when it was read."""
    if directory := vars(options)["from"]:
        export = files.read(Path(directory))
        yield exported.ledgers(export), export.taken_at
        return
    with opened.stack(options, with_stripe=False) as now:
        yield store.all_ledgers(), now()


def _add_all(books: Books, ledgers: Iterable[tuple[str, Records]]) -> None:
    shown = time.monotonic()
    try:
        for user_id, records in ledgers:
            books.add(user_id, records)
            if time.monotonic() - shown > PROGRESS_EVERY:
                shown = time.monotonic()
                print(f"… {books.users} users, {books.entries} entries", file=sys.stderr, flush=True)
    except Busy as error:
        raise CannotRunError(str(error.detail)) from error
    except ValueError as error:
        raise CannotRunError(f"{error}: `make audit` says what is wrong") from error


def _end_of(month: str) -> datetime:
    return months_later(datetime.strptime(month, "%Y-%m").replace(tzinfo=UTC), 1)


def _write(books: Books, folder: Path) -> None:
    texts = {
        f"books-{books.month}.md": documents.summary(books),
        f"journal-{books.month}.csv": documents.journal_csv(books),
        f"outstanding-{books.month}.csv": documents.outstanding_csv(books),
    }
    try:
        folder.mkdir(parents=True, exist_ok=True)
        for name, text in texts.items():
            (folder / name).write_text(text, encoding="utf-8")
            print(f"wrote {folder / name}", file=sys.stderr)
    except OSError as error:
        raise CannotRunError(f"{folder}: {error}") from error
