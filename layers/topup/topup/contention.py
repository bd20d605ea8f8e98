"""Trying again after a lost race: a bounded number of times, each a little later, at random."""

import random
import time
from collections.abc import Iterator

from topup.domain.errors import Busy

TRIES = 8
FIRST_PAUSE = 0.02  # seconds; twice as long each time, so that all tries together pause at most 2.6 s
LONGEST_PAUSE = 1.0  # seconds


def tries() -> Iterator[int]:
    """0, 1, 2 … with a pause before each but the first; raises Busy when the last one was lost too."""
    for number in range(TRIES):
        if number:
            # The whole pause is random: those who lost the same race must not meet again.
            time.sleep(random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**number)))  # noqa: S311 - no secret
        yield number
    raise Busy("Too many requests are changing this at once; please retry")
