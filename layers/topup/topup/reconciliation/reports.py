"""What a run of reconcile reports, and the part of its time that each sweep gets."""

import sys
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import datetime
from enum import Enum, auto
from typing import Any

from topup.domain import times
from topup.runtime import clock
from topup.runtime.telemetry import count_misconfiguration, logger
from topup.store.cursors import Stuck


class Result(Enum):
    """What became of a record that a sweep looked at."""

    NOTHING_TO_DO = auto()
    REPAIRED = auto()  # it was wrong, and is right now
    ENDED = auto()  # nobody went on with it, as happens every day


@dataclass
class Tally:
    """How many records one sweep looked at, how many it repaired and how many it ended, and how often it failed."""

    found: int = 0
    repaired: int = 0
    ended: int = 0
    failed: int = 0


@dataclass
class Report:
    """What a run looked at, sweep by sweep in their order, what it could not repair, and whether it came to its end.

    `failures` counts what failed for the first time, and `stuck` lists every object of Stripe's that cannot be applied.
    `refunds_in_flight` are those whose outcome is still not known.
    """

    refunds: Tally = field(default_factory=Tally)
    payments: Tally = field(default_factory=Tally)
    lots: Tally = field(default_factory=Tally)
    events: Tally = field(default_factory=Tally)
    paid_events: Tally = field(default_factory=Tally)
    reversal_events: Tally = field(default_factory=Tally)
    stripe_refunds: Tally = field(default_factory=Tally)
    stripe_disputes: Tally = field(default_factory=Tally)
    fraud_warnings: Tally = field(default_factory=Tally)
    stuck: list[dict[str, Any]] = field(default_factory=list)
    refunds_in_flight: int = 0
    failures: int = 0
    complete: bool = True

    @property
    def repaired(self) -> int:
        """How many records were wrong and are right now."""
        return sum(tally.repaired for tally in self.sweeps.values())

    @property
    def ended(self) -> int:
        """How many records that nobody went on with have ended."""
        return sum(tally.ended for tally in self.sweeps.values())

    @property
    def sweeps(self) -> dict[str, Tally]:
        """What each sweep has done, by its name."""
        return {name: figures for name, figures in vars(self).items() if isinstance(figures, Tally)}

    def list_stuck(self, stuck: Stuck) -> None:
        """List an object that cannot be applied."""
        self.stuck.append(
            {
                "sweep": stuck.sweep,
                "id": stuck.object_id,
                "reason": stuck.reason,
                "first_seen": times.to_text(stuck.first_seen),
            }
        )


@dataclass
class Part:
    """One sweep's part of a run: its tally, and its share of the time.

    `begun_at` is when the run began. `seconds_left` is the time of the whole run; the sweep ends when no more than
    `reserved` seconds are left.
    """

    name: str
    begun_at: datetime
    report: Report
    seconds_left: Callable[[], float]
    reserved: float

    @property
    def now(self) -> datetime:
        """This moment. A run takes minutes, and when a refund was tried last decides who may try it again."""
        return clock.now()

    @property
    def tally(self) -> Tally:
        """What this sweep has done."""
        tally: Tally = getattr(self.report, self.name)
        return tally

    def has_time(self) -> bool:
        """Whether another record may be looked at, or another page read; where not, the run is not complete."""
        has_time = self.seconds_left() > self.reserved
        if not has_time:
            self.report.complete = False
        return has_time

    def count(self, result: Result) -> None:
        """Count a record that was looked at."""
        self.tally.found += 1
        self.tally.repaired += result is Result.REPAIRED
        self.tally.ended += result is Result.ENDED

    def failed(self) -> None:
        """Count the exception that is being handled."""
        logger.exception("could not be reconciled", step=self.name)
        count_misconfiguration(sys.exception())
        self.report.failures += 1
        self.tally.failed += 1

    def begin(self, begin: Callable[[], Callable[[], Result]]) -> Callable[[], Result] | None:
        """Begin to repair one record of ours; what ends the repair, None where it could not be begun."""
        try:
            return begin()
        except Exception:
            self.tally.found += 1
            self.failed()
            return None

    def look_at(self, repair: Callable[[], Result]) -> None:
        """Repair one record of ours; one that cannot be repaired must not stop the others."""
        try:
            self.count(repair())
        except Exception:
            self.tally.found += 1
            self.failed()
