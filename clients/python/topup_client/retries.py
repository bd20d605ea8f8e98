"""Repeat a request that may succeed later, where the contract allows it: with its key, never before `Retry-After`."""

import itertools
import random
import re
import time
from collections.abc import Callable
from dataclasses import dataclass

import httpx

from topup_client.errors import TopupError

# These act once without an Idempotency-Key: what they end is ended once, and each spend of a batch has its own key.
SAFE_WITHOUT_KEY = re.compile(r"/(cancel|release|refund/quote|spend/batch)$")


@dataclass(frozen=True)
class Retries:
    """How often a request is sent, and how long a caller is kept waiting between two attempts."""

    attempts: int = 5
    longest_wait: float = 30.0
    """Seconds. If the service asks for more, its error is raised at once."""
    sleep: Callable[[float], object] = time.sleep
    jitter: Callable[[], float] = random.random
    """Between 0 and 1: clients that failed together must not come back together."""

    def wait(self, error: TopupError, attempt: int) -> float:
        """How many seconds to wait after this attempt (1, 2, …): longer each time."""
        if error.retry_after is not None:
            return error.retry_after + self.jitter()
        return min(2.0 ** (attempt - 2), self.longest_wait) * (1 + self.jitter()) / 2


class RetryingTransport(httpx.BaseTransport):
    """Send a request until it is answered; raises the TopupError of the last attempt."""

    def __init__(self, inner: httpx.BaseTransport, retries: Retries) -> None:
        self._inner = inner
        self._retries = retries

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        in_doubt = False
        for attempt in itertools.count(1):
            try:
                return self._inner.handle_request(request)
            except TopupError as error:
                # An earlier attempt may have acted, whatever is wrong with this one.
                error.may_have_acted |= in_doubt and not error.is_refusal
                in_doubt = error.may_have_acted
                wait = self._retries.wait(error, attempt)
                is_last = attempt >= self._retries.attempts or wait > self._retries.longest_wait
                if is_last or not may_repeat(request, error):
                    raise
            self._retries.sleep(wait)
        raise AssertionError("Bug! The loop ends with an answer or an error")

    def close(self) -> None:
        self._inner.close()


def may_repeat(request: httpx.Request, error: TopupError) -> bool:
    """Whether sending the same request again may help, and cannot act twice."""
    return error.is_temporary and (is_safe(request) or not error.may_have_acted)


def is_safe(request: httpx.Request) -> bool:
    """Whether the request acts once, however often it is sent."""
    return (
        request.method in ("GET", "HEAD")
        or "idempotency-key" in request.headers
        or SAFE_WITHOUT_KEY.search(request.url.path) is not None
    )
