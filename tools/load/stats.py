"""What a load run measured: the seconds of each kind of request, and counters."""

import threading
from collections import Counter, defaultdict
from collections.abc import Mapping
from statistics import quantiles
from textwrap import fill

# In the order in which a user meets them; "paid → credits" is from the payment until the buyer's page shows it.
KINDS = (
    "create",
    "paid → credits",
    "status",
    "spend",
    "hold",
    "capture",
    "grant",
    "credits",
    "transactions",
    "payments",
    "refund",
)
PERCENTILES = (50, 95, 99)
HEAD = ("", "responses", "a second", "p50 ms", "p95 ms", "p99 ms", "max ms", "retries", "503")

Summary = dict[str, dict[str, float]]


class Stats:
    """Filled by many threads at once."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._seconds: dict[str, list[float]] = defaultdict(list)
        self._retries: Counter[str] = Counter()
        self._busy: Counter[str] = Counter()
        self._answers: Counter[str] = Counter()
        self.counts: dict[str, Counter[str]] = defaultdict(Counter)

    def took(self, kind: str, seconds: float, status: int | None = None) -> None:
        """`status` is that of the response; None = it took several requests."""
        with self._lock:
            if status:
                self._answers["all"] += 1
                self._answers["5xx"] += status >= 500
            self._seconds[kind].append(seconds)
            self._busy[kind] += status == 503

    def server_errors(self) -> dict[str, float]:
        """How many responses there were, how many of them were 5xx, and the share of these in percent."""
        answers, errors = self._answers["all"], self._answers["5xx"]
        return {"responses": answers, "5xx": errors, "percent": round(100 * errors / answers, 1) if answers else 0.0}

    def retried(self, kind: str, why: str) -> None:
        with self._lock:
            self._retries[kind] += 1
        self.count("retried", f"{kind} {why}")

    def count(self, of: str, name: str, more: int = 1) -> None:
        with self._lock:
            self.counts[of][name] += more

    def summary(self, seconds: float) -> Summary:
        """By kind; `seconds` are those of the whole run."""
        return {kind: self._summary(kind, seconds) for kind in KINDS if self._seconds[kind]}

    def _summary(self, kind: str, seconds: float) -> dict[str, float]:
        measured = self._seconds[kind]
        cuts = quantiles(measured * 2 if len(measured) == 1 else measured, n=100, method="inclusive")
        return {
            "responses": len(measured),
            "per_second": round(len(measured) / seconds, 1),
            **{f"p{percent}_ms": round(cuts[percent - 1] * 1000, 1) for percent in PERCENTILES},
            "max_ms": round(max(measured) * 1000, 1),
            "retries": self._retries[kind],
            "busy_503": self._busy[kind],
        }


def table(summary: Summary) -> str:
    """A Markdown table, as in docs/performance.md."""
    rows = [HEAD, ("---", *["---:"] * (len(HEAD) - 1))]
    rows += [(kind, *(_cell(value) for value in line.values())) for kind, line in summary.items()]
    return "\n".join(f"| {' | '.join(row)} |" for row in rows)


def _cell(value: float) -> str:
    return f"{value:,}" if isinstance(value, int) else f"{value:,.1f}" if value < 100 else f"{value:,.0f}"


def listed(counts: Mapping[str, Mapping[str, int]]) -> str:
    """The counters, a paragraph for each group."""
    lines = []
    for of, counted in sorted(counts.items()):
        numbers = ", ".join(f"{number:,} {name}" for name, number in counted.items() if number)
        lines.append(fill(f"{of}: {numbers or 'none'}", width=110, subsequent_indent="    "))
    return "\n".join(lines)
