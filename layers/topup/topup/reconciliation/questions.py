"""Ask Stripe several questions at once, no faster than it allows.

Only the question is asked in another thread, which reads from Stripe and does nothing else. What DynamoDB is asked
before, and what follows from the answer, is done by the caller, for one record after another.
"""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from contextlib import contextmanager
from contextvars import copy_context
from dataclasses import dataclass, field
from typing import TypeVar

from topup.domain.errors import Busy

AT_ONCE = 8
# Stripe allows 25 requests a second in test mode, and 100 in live mode, of which the API needs some (Stripe
# documentation, "Rate limits").
EVERY = 1 / 20  # seconds from one question to the next
PAUSE = 2.0  # seconds without a question after Stripe refused one because there were too many

Answer = TypeVar("Answer")


@dataclass
class Questions:
    """Questions that `executor` asks, up to `at_once` of them before the first answer is waited for."""

    executor: Executor
    at_once: int = AT_ONCE
    every: float = EVERY
    pause: float = PAUSE
    _next: float = field(default=0.0, init=False)  # not before then, by `time.monotonic`

    def ask(self, question: Callable[[], Answer]) -> Callable[[], Answer]:
        """Begin to ask as soon as the rate allows; returns what waits for the answer, and raises what asking raised."""
        now = time.monotonic()
        if self._next > now:
            time.sleep(self._next - now)
        self._next = max(self._next, now) + self.every
        asked = self.executor.submit(copy_context().run, question)  # with the deadline of this thread
        return lambda: self._answer(asked)

    def _answer(self, asked: "Future[Answer]") -> Answer:
        try:
            return asked.result()
        except Busy:
            self._next = time.monotonic() + self.pause
            raise


@contextmanager
def opened() -> Iterator[Questions]:
    """Questions in threads, which end with the block."""
    with ThreadPoolExecutor(AT_ONCE) as executor:
        yield Questions(executor)
