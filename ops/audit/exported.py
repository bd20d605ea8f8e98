"""Audit an export: the checks of the tables, on files, with as many processes as there are cores.

Both tables are as of one moment, so nothing is read again. A process holds one user's records in memory at a time, of
the entries only one, and one payment alike.
"""

import gc
import json
import multiprocessing
import tempfile
from collections.abc import Callable, Iterator, Mapping
from concurrent.futures import BrokenExecutor, Executor, ProcessPoolExecutor, as_completed
from contextlib import contextmanager
from dataclasses import asdict
from datetime import datetime
from functools import partial
from itertools import chain, groupby
from operator import itemgetter
from pathlib import Path
from typing import Any

import duckdb
from pydantic_core import from_json

from ops.audit import parts
from ops.audit.parts import Parts
from ops.audit.report import Audit
from ops.audit.tables import wrong
from ops.errors import CannotRunError
from ops.export.files import Export
from topup.domain.audit import Account, PaymentLedger, StoredPayment, audit_account, history_of, payment_ledgers
from topup.domain.payments import Payment
from topup.store import accounts, credit_items

Say = Callable[[str], None]


class ExportedTables:
    """An export while it is audited, sorted in a temporary directory."""

    def __init__(self, export: Export, directory: Path, found: Audit, say: Say, processes: int) -> None:
        self._export = export
        self._directory = directory
        self._found = found
        self._say = say
        self._processes = processes
        self._orders: Parts | None = None

    def audit(self, progress: Callable[[Audit], None], each: Callable[[Payment], None] | None = None) -> None:
        """Audit all users and then all payments; `each` gets every payment as it comes up."""
        ledgers = self._directory / "ledgers"
        ledgers.mkdir()
        (ledgers / "none.jsonl").touch()
        judge = partial(judge_users, ledgers=ledgers, taken_at=self._export.taken_at)
        self._judge(self._split_credits(), judge, progress, self._processes)
        self._orders = self._split_orders(ledgers)
        self._judge(self._orders, partial(judge_payments, each=each), progress, 1 if each else self._processes)

    def load_payment(self, payment_id: str) -> Payment | None:
        """A payment as it was, with its refunds and disputes."""
        assert self._orders, "Bug! the payments are sorted by the audit"
        rows = self._orders.of(payment_id)
        stored = accounts.payment_of(payment_id, [_item(text) for rank, text in rows if rank])
        return stored.payment if stored else None

    def _split_credits(self) -> Parts:
        table = self._export.credits
        prefixes = {"entry": credit_items.ENTRY, "campaign": credit_items.CAMPAIGN, "marker": credit_items.MARKER}
        parameters = {"files": parts.files_of(table.files), "last": parts.LAST, **prefixes}
        return parts.split(parts.CREDITS, parameters, table.items, self._directory / "users", self._sorting("credits"))

    def _split_orders(self, ledgers: Path) -> Parts:
        table = self._export.orders
        parameters = {"files": parts.files_of(table.files), "ledgers": str(ledgers / "*.jsonl")}
        rows = 2 * table.items
        return parts.split(parts.ORDERS, parameters, rows, self._directory / "payments", self._sorting("orders"))

    def _sorting(self, table: str) -> Callable[[float], None]:
        return lambda percent: self._say(f"sorting the {table}: {max(percent, 0.0):.0f} %")

    def _judge(
        self, of: Parts, judge: Callable[[Path], Audit], progress: Callable[[Audit], None], processes: int
    ) -> None:
        with _in_processes(processes) as results:
            for judged in results(judge, of):
                self._found.add(judged)
                progress(self._found)


Results = Callable[[Callable[[Path], Audit], Parts], Iterator[Audit]]


@contextmanager
def _in_processes(processes: int) -> Iterator[Results]:
    """What judges every part: here, or in so many processes."""
    if processes == 1:
        yield map
        return
    context = multiprocessing.get_context("spawn")
    with ProcessPoolExecutor(processes, context, initializer=gc.disable) as pool:  # nothing here is in cycles
        yield partial(_as_they_come, pool)


def _as_they_come(pool: Executor, judge: Callable[[Path], Audit], of: Parts) -> Iterator[Audit]:
    for future in as_completed([pool.submit(judge, part) for part in of]):
        yield future.result()


@contextmanager
def opened(export: Export, found: Audit, say: Say, processes: int) -> Iterator[ExportedTables]:
    """The export, with room for sorting it in TMPDIR; raises CannotRunError where it cannot be sorted."""
    with tempfile.TemporaryDirectory(prefix="topup-audit-") as directory:
        try:
            yield ExportedTables(export, Path(directory), found, say, processes)
        except duckdb.Error as error:
            says = " ".join(str(error).split())
            raise CannotRunError(
                f"the export could not be sorted in {tempfile.gettempdir()} (TMPDIR): {says}"
            ) from error
        except BrokenExecutor as error:
            raise CannotRunError("a process of the audit was killed: is there too little memory?") from error


def judge_users(part: Path, ledgers: Path, taken_at: datetime) -> Audit:
    """Audit the users of a part, and write down what their ledgers record about each payment."""
    found = Audit()
    with (ledgers / f"{part.name}.jsonl").open("w", encoding="utf-8") as file:
        for user_id, rows in groupby(parts.rows_of(part), itemgetter(0)):
            account = _account(user_id, rows)
            history = history_of(account)
            found.users += 1
            found.entries += history.count
            found.lots += len(account.lots)
            found.findings += audit_account(account, taken_at, history)
            for payment_id, ledger in payment_ledgers(account, taken_at, history).items():
                parts.write_ledger(file, payment_id, [user_id, asdict(ledger)])
    return found


def _account(user_id: str, rows: Iterator[tuple[str, str, str]]) -> Account:
    """The account of a user's rows: the entries come last, and are not read before they are asked for."""
    gathered = accounts.Parts(user_id)
    for _, rank, text in rows:
        item = _item(text)
        if rank.startswith(parts.LAST):
            items = chain([item], (_item(text) for _, _, text in rows))
            return gathered.account(more=accounts.entries_of(items, gathered.faults))
        gathered.add(item)
    return gathered.account()


def judge_payments(part: Path, each: Callable[[Payment], None] | None = None) -> Audit:
    """Audit the payments of a part, by what the users' ledgers record about them."""
    found = Audit()
    for payment_id, rows in groupby(parts.rows_of(part), itemgetter(0)):
        stored, recorded = _payment(payment_id, rows)
        found.payments += stored is not None
        if stored or recorded:
            found.findings += wrong(payment_id, stored, recorded)
        if each and stored and stored.payment:
            each(stored.payment)
    return found


def _payment(
    payment_id: str, rows: Iterator[tuple[str, str, str]]
) -> tuple[StoredPayment | None, Mapping[str, PaymentLedger]]:
    items: list[Any] = []
    recorded: dict[str, PaymentLedger] = {}
    for _, rank, text in rows:
        if rank:
            items.append(_item(text))
        else:
            user_id, ledger = json.loads(text)
            recorded[user_id] = PaymentLedger(**ledger)
    return accounts.payment_of(payment_id, items), recorded


def _item(text: str) -> Any:
    # In half of the time that json takes. An audit spends a quarter of its time here.
    return from_json(text)["Item"]
