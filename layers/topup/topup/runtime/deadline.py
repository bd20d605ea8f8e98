"""The time that this invocation has left, so that it answers before Lambda ends it.

What carries requests to AWS or Stripe asks for the longest time that a request may take, before anything is sent.
"""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any

from topup.domain.errors import Busy

# Seconds for what follows the last request: the answer and its logs. API Gateway counts the cold start too, and waits
# one second longer than Lambda.
MARGIN = 1.0

# Each thread, and each task, has its own.
_milliseconds_left: ContextVar[Callable[[], float] | None] = ContextVar("milliseconds_left", default=None)


@contextmanager
def of(context: Any) -> Iterator[None]:
    """Inside the block, the deadline of Lambda's `context`; none where that does not say one."""
    token = _milliseconds_left.set(getattr(context, "get_remaining_time_in_millis", None))
    try:
        yield
    finally:
        _milliseconds_left.reset(token)


def allows(seconds: float) -> bool:
    """Whether something that takes so long ends in time."""
    milliseconds_left = _milliseconds_left.get()
    return milliseconds_left is None or seconds + MARGIN <= milliseconds_left() / 1000


def require(seconds: float) -> None:
    """Raise Busy unless something that takes so long, at the most, ends in time."""
    if not allows(seconds):
        raise Busy("There is no time left for this; please retry")
