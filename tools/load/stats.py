"""What a load run measured: answers and their seconds by kind, everything else by name."""

import math
import threading
from collections import Counter, defaultdict
from collections.abc import Mapping, Sequence
from textwrap import fill
from typing import Any

PERCENTILES = (50, 95, 99)
# In the order in which a user meets them; "paid → credits" is from the payment to the answer that tells of it.
KINDS = ("create", "paid → credits", "status", "spend", "credits", "transactions", "payments", "refund")


class Figures:
    """Filled by many threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._retries: Counter[str] = Counter()
        self._busy: Counter[str] = Counter()
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)

    def answered(self, kind: str, seconds: float, status: int) -> None:
        with self._lock:
            self._seconds[kind].append(seconds)
            self._busy[kind] += status == 503

    def took(self, kind: str, seconds: float) -> None:
        """Something that is not one request."""
        with self._lock:
            self._seconds[kind].append(seconds)

    def retried(self, kind: str) -> None:
        with self._lock:
            self._retries[kind] += 1

    def count(self, of: str, name: str, more: int = 1) -> None:
        """One more of a name, among the others of the same kind."""
        with self._lock:
            self.counts[of][name] += more

    def summary(self, seconds: float) -> dict[str, dict[str, float]]:
        """By kind: how many answers, how many of them a second of the whole run, and their milliseconds."""
        with self._lock:
            return {kind: self._summary(kind, seconds) for kind in KINDS if self._seconds[kind]}

    def _summary(self, kind: str, seconds: float) -> dict[str, float]:
        measured = sorted(self._seconds[kind])
        return {
            "answers": len(measured),
            "per_second": round(len(measured) / seconds, 1),
            **{f"p{percent}_ms": _milliseconds(percentile(measured, percent)) for percent in PERCENTILES},
            "max_ms": _milliseconds(measured[-1]),
            "retries": self._retries[kind],
            "busy_503": self._busy[kind],
        }


def percentile(ascending: Sequence[float], percent: int) -> float:
    """The smallest value that so many percent do not exceed (nearest rank)."""
    return ascending[max(0, math.ceil(len(ascending) * percent / 100) - 1)]


def _milliseconds(seconds: float) -> float:
    return round(seconds * 1000, 1)


def table(summary: dict[str, dict[str, float]]) -> str:
    """The summary for people, in columns."""
    head = ("", "answers", "per s", "p50 ms", "p95 ms", "p99 ms", "max ms", "retries", "503")
    rows = [head, *((kind, *(_cell(value) for value in line.values())) for kind, line in summary.items())]
    widths = [max(len(row[column]) for row in rows) for column in range(len(head))]
    return "\n".join(
        "  ".join(
            [row[0].ljust(widths[0]), *(cell.rjust(width) for cell, width in zip(row[1:], widths[1:], strict=True))]
        )
        for row in rows
    )


def _cell(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def as_json(summary: dict[str, dict[str, float]], counts: Mapping[str, Counter[str]], **more: Any) -> dict[str, Any]:
    """All that was measured and counted, what was counted most first."""
    return {**more, "kinds": summary, "counts": {of: dict(counted.most_common()) for of, counted in counts.items()}}


def listed(counts: Mapping[str, Mapping[str, int]]) -> str:
    """What was counted, for people: a paragraph for each kind."""
    lines = []
    for of, counted in sorted(counts.items()):
        told = ", ".join(f"{number:,} {name}" for name, number in counted.items() if number)
        lines.append(fill(f"{of}: {told or 'none'}", width=110, subsequent_indent="    "))
    return "\n".join(lines)
