"""Measured requests, retried with the same key until there is a response, as a careful client retries them."""

import time
from typing import Any

import httpx

from tools.load.stats import Stats

PATIENCE = 15.0  # seconds for one response
HANGS_UP_AFTER = 0.02  # seconds, for a caller whose connection breaks before the response
MOST_TRIES = 40
RETRY_ON = (500, 502, 503)  # nothing is final: the same request may be sent again with the same key


class NoResponseError(Exception):
    """Forty tries, and no response."""


class MeasuredSend:
    """Sends requests for `local.client`, from any thread."""

    def __init__(self, http: httpx.Client, stats: Stats) -> None:
        self._http = http
        self._stats = stats

    def __call__(
        self,
        method: str,
        url: str,
        *,
        kind: str = "",
        hangs_up: bool = False,
        retry_on: tuple[int, ...] = RETRY_ON,
        **request: Any,
    ) -> httpx.Response:
        """A request without a `kind` is neither measured nor retried. Raises NoResponseError."""
        if not kind:
            return self._http.request(method, url, **request)
        for attempt in range(MOST_TRIES):
            timeout = HANGS_UP_AFTER if hangs_up and attempt == 0 else PATIENCE
            began = time.perf_counter()
            try:
                response = self._http.request(method, url, timeout=timeout, **request)
            except httpx.TimeoutException:
                self._stats.retried(kind, "without a response")
                continue
            self._stats.took(kind, time.perf_counter() - began, response.status_code)
            if response.status_code not in retry_on:
                return response
            self._stats.retried(kind, f"after {response.status_code}")
            time.sleep(float(response.headers.get("retry-after", 0)))
        raise NoResponseError(f"{method} {url}")
