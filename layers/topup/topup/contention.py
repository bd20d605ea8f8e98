"""Trying again after a lost race: a bounded number of times, each a little later, at random."""

import random
import time
from collections.abc import Iterator

from topup.domain.errors import Busy

TRIES = 12
FIRST_PAUSE = 0.02  # seconds; twice as long each time
LONGEST_PAUSE = 0.8  # seconds
LAST_TRY = 6.0  # seconds after the first; a function has 29, and a caller's patience less


def tries() -> Iterator[int]:
    """0, 1, 2 … with a pause before each but the first; raises Busy when the last one was lost too."""
    begun = time.monotonic()
    for number in range(TRIES):
        if number:
            if time.monotonic() - begun > LAST_TRY:
                break
            # The whole pause is random: those who lost the same race must not meet again.
            time.sleep(random.uniform(0, min(LONGEST_PAUSE, FIRST_PAUSE * 2**number)))  # noqa: S311 - no secret
        yield number
    raise Busy("Too many requests are changing this at once; please retry")
