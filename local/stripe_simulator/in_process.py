"""The official client without a network: `stripe.StripeClient(key, http_client=InProcessStripe(simulator))`."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import httpx
import stripe

from local.stripe_simulator.core.errors import NoResponse
from local.stripe_simulator.simulator import Simulator


class InProcessStripe(stripe.HTTPClient):
    """Passes each call to the simulator. A call without a response raises what a timeout raises."""

    name = "in_process"

    def __init__(self, simulator: Simulator) -> None:
        super().__init__()
        self._simulator = simulator

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        parts = urlsplit(url)
        target = f"{parts.path}?{parts.query}" if parts.query else parts.path
        body = post_data.encode() if isinstance(post_data, str) else post_data or b""
        try:
            status, response_headers, response = self._simulator.request(method, target, headers or {}, body)
        except NoResponse:
            raise timed_out() from None
        # The client looks up headers in different cases, which `requests` allows.
        return response.decode(), status, httpx.Headers(response_headers)

    def close(self) -> None:
        """Nothing is open."""


def timed_out() -> stripe.APIConnectionError:
    return stripe.APIConnectionError("Request timed out", should_retry=True)  # type: ignore[no-untyped-call]
