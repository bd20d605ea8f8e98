"""Who goes on: a greenlet for each caller, delivery and timer, and a clock that moves only from one to the next.

Every call to the outside is a pause. How long it takes is drawn from the seed, so the seed decides in which order the
calls of concurrent invocations meet.
"""

import heapq
import random
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Any

from greenlet import getcurrent, greenlet

SECOND = 1_000_000  # the clock counts whole microseconds: no rounding makes two runs differ


class Scheduler:
    """The clock and everybody who waits for it."""

    def __init__(self, start: datetime, chance: random.Random) -> None:
        self.micros = int(start.timestamp()) * SECOND
        self._chance = chance
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
        """Let something run, `after` seconds from now, beside everything else."""
        self._wait(greenlet(run, self._hub), after)

    def start_at(self, run: Callable[[], Any], moment: datetime) -> None:
        """Let something run at a moment, or at once if that has passed."""
        # A thousandth later: fractions of seconds are rounded, and nobody may come too early.
        self.start(run, max(0.0, moment.timestamp() - self.seconds) + 0.001)

    def pause(self, seconds: float) -> None:
        """Let others go on; called by whoever was started."""
        current = getcurrent()
        assert current is not self._hub, "Bug! the hub itself cannot wait"
        self._wait(current, seconds)
        self._hub.switch()

    def run_for(self, seconds: float) -> None:
        """Let time pass: everybody who is due in it goes on when it is their time."""
        end = self.micros + int(seconds * SECOND)
        while self._waiting and self._waiting[0][0] <= end:
            self._next()
        self.micros = max(self.micros, end)

    def run_while(self, condition: Callable[[], bool]) -> None:
        """Let time pass until the condition ends, or nobody waits."""
        while self._waiting and condition():
            self._next()

    def leap(self, seconds: float) -> None:
        """Move the clock without letting anybody go on: who was due in between is late."""
        self.micros += int(seconds * SECOND)

    def end(self) -> None:
        """Let go of everybody who still waits."""
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
        heapq.heappush(self._waiting, (due, self._chance.random(), self._number, waiting))
