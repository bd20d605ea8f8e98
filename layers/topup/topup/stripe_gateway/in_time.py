"""Ask Stripe only what it can answer before the invocation's deadline."""

from collections.abc import Callable
from typing import Any

import stripe

from topup.runtime import deadline


class InTime(stripe.HTTPClient):
    """Sends nothing, and raises Busy, where the answer could come after this invocation's deadline.

    `longest_request` says how many seconds a request takes at most, from the number of its retries.
    """

    name = "in_time"

    def __init__(self, sends: stripe.HTTPClient, longest_request: Callable[[int], float]) -> None:
        super().__init__()
        self._sends = sends
        self._longest_request = longest_request

    def request_with_retries(self, *request: Any, **options: Any) -> Any:
        # Of all tries at once: after a first try without an answer nobody could say that nothing was sent.
        deadline.require(self._longest_request(options.get("max_network_retries") or 0))
        return super().request_with_retries(*request, **options)

    def request(self, *request: Any, **options: Any) -> Any:
        return self._sends.request(*request, **options)

    def close(self) -> None:
        self._sends.close()  # type: ignore[no-untyped-call]
