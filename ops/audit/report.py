"""What an audit has read and found, and its progress."""

import time
from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import TextIO

PROGRESS_EVERY = 1.0  # seconds


@dataclass
class Audit:
    """How much was read, and every violation that was found, one sentence each.

    `busy` names the users and payments that changed at every try to read them: they were not judged, and that is no
    violation. `compared` is how many of Stripe's payments, refunds and disputes were held against ours.
    """

    users: int = 0
    entries: int = 0
    lots: int = 0
    payments: int = 0
    compared: int = 0
    findings: list[str] = field(default_factory=list)
    busy: list[str] = field(default_factory=list)

    def add(self, other: "Audit") -> None:
        """Add what was read and found elsewhere."""
        self.users += other.users
        self.entries += other.entries
        self.lots += other.lots
        self.payments += other.payments
        self.findings += other.findings

    def lines(self) -> Iterator[str]:
        """The findings, and then those who were not judged."""
        yield from self.findings
        for name in self.busy:
            yield f"{name}: busy, not judged: it changed at every try to read it; audit again at a quieter hour"

    def __str__(self) -> str:
        counted = f"{self.users} users, {self.entries} entries, {self.lots} lots, {self.payments} payments"
        compared = f", {self.compared} objects of Stripe's" if self.compared else ""
        found = f"{len(self.findings) or 'no'} violation{'' if len(self.findings) == 1 else 's'}"
        busy = f", {len(self.busy)} busy, not judged" if self.busy else ""
        return f"{counted}{compared}: {found}{busy}"


class Progress:
    """Prints a line about every second."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next = time.monotonic() + PROGRESS_EVERY

    def __call__(self, audit: Audit) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PROGRESS_EVERY
            self.say(str(audit))

    def say(self, text: str) -> None:
        """Print a line now."""
        print(f"… {text}", file=self._stream, flush=True)
