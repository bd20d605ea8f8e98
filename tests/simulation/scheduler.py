"""Decides which greenlet runs next; each caller, delivery and timer has one. The clock moves only from one to the next.

Every call to AWS or Stripe is a pause. Its length is drawn from the seed, so the seed decides how the calls of
concurrent invocations interleave.
"""

import heapq
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from greenlet import getcurrent, greenlet

SECOND = 1_000_000  # the clock counts whole microseconds: no rounding makes two runs differ


class Scheduler:
    """The clock, and the greenlets that wait for it."""

    def __init__(self, start: datetime, rng: random.Random) -> None:
        self.micros = int(start.timestamp()) * SECOND
        self._rng = rng
        self._hub = getcurrent()
        self._waiting: list[tuple[int, float, int, greenlet]] = []
        self._number = 0

    @property
    def now(self) -> datetime:
        return datetime.fromtimestamp(self.micros // SECOND, UTC).replace(microsecond=self.micros % SECOND)

    @property
    def seconds(self) -> float:
        """Since the epoch."""
        return self.micros / SECOND

    def start(self, run: Callable[[], Any], after: float = 0.0) -> None:
        """Start something `after` seconds from now, concurrently with everything else."""
        self._wait(greenlet(run, self._hub), after)

    def start_at(self, run: Callable[[], Any], time: datetime) -> None:
        """Start something at a time, or at once if that has passed."""
        # A millisecond later: fractions of seconds are rounded, and it must not start too early.
        self.start(run, max(0.0, time.timestamp() - self.seconds) + 0.001)

    def pause(self, seconds: float) -> None:
        """Let other greenlets run; called within one that was started."""
        current = getcurrent()
        assert current is not self._hub, "Bug! the hub itself cannot wait"
        self._wait(current, seconds)
        self._hub.switch()

    def run_for(self, seconds: float) -> None:
        """Let time pass, and run everything that is due in it."""
        end = self.micros + int(seconds * SECOND)
        while self._waiting and self._waiting[0][0] <= end:
            self._next()
        self.micros = max(self.micros, end)

    def run_while(self, condition: Callable[[], bool]) -> None:
        """Let time pass until the condition is false or nothing waits."""
        while self._waiting and condition():
            self._next()

    def leap(self, seconds: float) -> None:
        """Move the clock without running anything: what was due in between runs late."""
        self.micros += int(seconds * SECOND)

    def end(self) -> None:
        """Stop everything that still waits."""
        while self._waiting:
            waiting = heapq.heappop(self._waiting)[3]
            if waiting:  # it has begun
                waiting.throw()

    def _next(self) -> None:
        due, _, _, waiting = heapq.heappop(self._waiting)
        self.micros = max(self.micros, due)
        waiting.switch()

    def _wait(self, waiting: greenlet, seconds: float) -> None:
        self._number += 1
        due = self.micros + int(seconds * SECOND)
        heapq.heappush(self._waiting, (due, self._rng.random(), self._number, waiting))
