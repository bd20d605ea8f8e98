"""Everybody at once: buyers, services that spend, administrators and banks, each job done by one of many threads."""

import random
import threading
import time
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass

from tools.load.expected import Purchase
from tools.load.workload import Buy, Job, Reversing


@dataclass(frozen=True)
class Reverse:
    """Money of a purchase goes back: found out only once it is paid."""

    purchase: Purchase
    bought: Buy
    how: Reversing


Work = Job | Reverse


class Crowd:
    """Hands out jobs until none is left, or the time is up; a job that is done may bring another."""

    def __init__(self, jobs: list[Job], seed: int, deadline: float) -> None:
        self._waiting: deque[Work] = deque(jobs)
        self._rng = random.Random(seed)  # noqa: S311 - no secret
        self._deadline = deadline
        self._running = 0
        self._changed = threading.Condition()
        self._failure: BaseException | None = None
        self.done = 0

    @property
    def left(self) -> int:
        return len(self._waiting)

    def run(self, do: Callable[[Work], list[Work]], threads: int, progress: Callable[["Crowd"], None]) -> None:
        """Raises what a job has raised."""
        workers = [threading.Thread(target=self._work, args=(do,)) for _ in range(threads)]
        for worker in workers:
            worker.start()
        try:
            for worker in workers:
                while worker.is_alive():
                    worker.join(timeout=1)
                    progress(self)
        finally:  # at a Ctrl-C too, nobody begins another job
            self._deadline = 0
            for worker in workers:
                worker.join()
        if self._failure:
            raise self._failure

    def _work(self, do: Callable[[Work], list[Work]]) -> None:
        while (job := self._take()) is not None:
            try:
                self._finish(do(job))
            except BaseException as error:
                self._failure = error
                self._finish([])

    def _take(self) -> Work | None:
        with self._changed:
            while not self._waiting and self._running and not self._is_stopped():
                self._changed.wait(timeout=1)
            if not self._waiting or self._is_stopped():
                return None
            self._running += 1
            return self._waiting.popleft()

    def _finish(self, more: list[Work]) -> None:
        with self._changed:
            self._running -= 1
            self.done += 1
            for job in more:
                self._waiting.insert(self._rng.randint(0, len(self._waiting)), job)
            self._changed.notify_all()

    def _is_stopped(self) -> bool:
        return self._failure is not None or time.monotonic() > self._deadline
