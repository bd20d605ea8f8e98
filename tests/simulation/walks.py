"""Reconcile's walks through Stripe's lists: a run that ends in the middle of one is gone on with by the next run."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from tests.simulation.rules import Violation
from topup.domain import times
from topup.store import attributes

CURSOR = "CURSOR#"


@dataclass(frozen=True)
class _Unfinished:
    """A walk that has not come to its end, and since when the next run can know of it."""

    request: str
    started: datetime
    known_since: datetime


class Walks:
    """The walks that are unfinished, by their cursors."""

    def __init__(self) -> None:
        self._unfinished: dict[str, _Unfinished] = {}

    def forget(self) -> None:
        """The table has been replaced by an older copy."""
        self._unfinished.clear()

    def unfinished_of(self, first: datetime, last: datetime) -> Iterator[str]:
        """The walks that began between these times and have not come to their end since."""
        return (record for record, walk in self._unfinished.items() if first <= walk.started <= last)

    def check(self, records: Mapping[str, Any], now: datetime) -> None:
        """No run that could know of an unfinished walk begins another one instead; raises Violation."""
        for record, item in records.items():
            if record.startswith(CURSOR):
                self._check(record, attributes.from_item(item)["cursor"], now)

    def _check(self, record: str, cursor: Mapping[str, Any], now: datetime) -> None:
        if "second" not in cursor:
            self._unfinished.pop(record, None)
            return
        request, started = str(cursor["request"]), times.from_text(cursor["started"])
        known = self._unfinished.get(record)
        if known is None or known.request != request:
            self._unfinished[record] = _Unfinished(request, started, now)
        elif started > known.known_since:
            raise Violation(f"{record}: the walk of {known.started} is unfinished, and another one began at {started}")
