"""What a figure may be at most, and what it should come to one day. A command that finds one missed ends with an error.

Budgets are ratios to a yardstick of the same round, or CPU time, since machines differ. They belong to the benchmarks
alone: a test that measures time would fail on a busy machine.
"""

import sys
from collections.abc import Iterable
from dataclasses import dataclass


@dataclass(frozen=True)
class Budget:
    """`most` must not be exceeded; `stretch` is the aim."""

    most: float
    stretch: float


@dataclass(frozen=True)
class Figure:
    """A measured figure, as the table shows it; `what` names it in the message."""

    what: str
    value: float
    budget: Budget | None
    digits: int = 2

    @property
    def is_missed(self) -> bool:
        return self.budget is not None and round(self.value, self.digits) > self.budget.most

    def __str__(self) -> str:
        text = f"{self.value:.{self.digits}f}"
        return f"**{text}**" if self.is_missed else text


READ = Budget(0.80, 0.65)
WRITE = Budget(0.85, 0.65)
WEBHOOK = Budget(0.80, 0.65)
WITH_STRIPE = Budget(1.05, 0.80)
# The CPU time of a cold start, ÷ a handler that only makes a boto3 client. What runs in the background has no budget.
COLD = {
    **dict.fromkeys(("list_packages", "console", "no_route"), READ),
    **dict.fromkeys(("get_payment", "get_credits", "list_payments", "list_transactions", "list_holds"), READ),
    "find_payments": READ,
    **dict.fromkeys(("spend_credits", "spend_batch", "reverse_spend", "grant_credits", "adjust_credits"), WRITE),
    **dict.fromkeys(("open_hold", "capture_hold", "extend_hold", "release_hold"), WRITE),
    "quote_refund": WRITE,
    "stripe_webhook": WEBHOOK,
    **dict.fromkeys(("create_checkout", "cancel_checkout", "refund_payment", "release_payment"), WITH_STRIPE),
}
FIRST_REQUEST = Budget(25, 20)  # CPU milliseconds, after the initialisation
BYTES_READ = Budget(3.5, 2.5)  # MB, of the layers, but for the shared object of pydantic's validator (5 MB)
RECONNECT = Budget(4, 3)  # CPU milliseconds, for each connection that was closed
WARM = Budget(0.95, 0.85)  # ÷ the bare calls
UNZIPPED = Budget(36, 20)  # MB, both layers
ZIPPED = Budget(12.5, 7)  # MB, both layers
AUDITED = Budget(13.4, 6.7)  # CPU seconds for a million records: two processors audit 150,000 of them a second
AUDIT_MEMORY = Budget(4295, 4295)  # MB, of an audit with ten million entries: 4 GiB
BATCHED = Budget(1.0, 1.0)  # milliseconds for a spend, where 16 clients send batches: a thousand a second
BATCHES_REFUSED = Budget(0, 0)  # with 503, of these


def shown(budget: Budget | None) -> list[str]:
    """The two columns of a budget."""
    return [f"{budget.most:.2f}", f"{budget.stretch:.2f}"] if budget else ["", ""]


def missed(figures: Iterable[Figure]) -> list[str]:
    """What is above its budget, a line each."""
    return [
        f"{figure.what}: {figure.value:.{figure.digits}f}, budget {figure.budget.most:g}"
        for figure in figures
        if figure.budget and figure.is_missed
    ]


def exit_if_missed(figures: Iterable[Figure]) -> None:
    """End the command with an error that names every budget that is missed."""
    lines = missed(figures)
    if lines:
        sys.exit("\n".join(["", "Budgets missed:", *lines]))
