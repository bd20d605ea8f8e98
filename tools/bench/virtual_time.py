"""A clock that jumps from one event to the next: minutes of waiting take no time, and are the same on every machine."""

import heapq
from collections.abc import Callable
from typing import Any

from greenlet import getcurrent, greenlet


class VirtualTime:
    """Runs clients side by side, each until it waits. It has what a module needs of `time`."""

    def __init__(self) -> None:
        self._seconds = 0.0
        self._hub = getcurrent()
        self._waiting: list[tuple[float, int, greenlet]] = []
        self._number = 0  # who waited first runs first, of those that are due at once

    def monotonic(self) -> float:
        """Seconds since the start."""
        return self._seconds

    @property
    def is_running(self) -> bool:
        """Whether a client runs now, and not who started them."""
        return getcurrent() is not self._hub

    def sleep(self, seconds: float) -> None:
        """Let the other clients run until the time is over."""
        self._wait(getcurrent(), seconds)
        self._hub.switch()

    def start(self, client: Callable[[], Any]) -> None:
        self._wait(greenlet(client, self._hub), 0)

    def run(self) -> None:
        """Run everything to its end."""
        while self._waiting:
            self._seconds, _, client = heapq.heappop(self._waiting)
            client.switch()

    def _wait(self, client: greenlet, seconds: float) -> None:
        self._number += 1
        heapq.heappush(self._waiting, (self._seconds + seconds, self._number, client))
