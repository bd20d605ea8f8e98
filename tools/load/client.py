"""Calls as a careful client makes them: measured, and repeated with the same key until there is an answer."""

import time
from collections.abc import Mapping
from contextlib import suppress
from typing import Any

import httpx

from local.launcher import Stack
from tools.load.stats import Figures

PATIENCE = 15.0  # seconds for one answer
HANGS_UP_AFTER = 0.02  # seconds, of a caller whose connection breaks before the answer
MOST_TRIES = 40
LATER = (500, 502, 503)  # nothing is final: the same request with the same key may be sent again


class GaveUpError(Exception):
    """Forty tries, and no answer."""


class Caller:
    """Shared by all threads; one connection for each."""

    def __init__(self, stack: Stack, figures: Figures, connections: int) -> None:
        self.stack = stack
        self._figures = figures
        limits = httpx.Limits(max_connections=connections + 2, max_keepalive_connections=connections + 2)
        self._client = httpx.Client(trust_env=False, timeout=PATIENCE, limits=limits)

    def close(self) -> None:
        self._client.close()

    def ask(
        self,
        kind: str,
        method: str,
        path: str,
        *,
        headers: Mapping[str, str],
        json: Any = None,
        hangs_up: bool = False,
        later: tuple[int, ...] = LATER,
    ) -> httpx.Response:
        """The answer of Topup's API, after as many tries as that takes. Raises GaveUpError."""
        for number in range(MOST_TRIES):
            if number:
                self._figures.retried(kind)
            patience = HANGS_UP_AFTER if hangs_up and number == 0 else PATIENCE
            answer = self._try(kind, method, path, headers, json, patience)
            if answer is None:
                continue
            if answer.status_code not in later:
                return answer
            self._figures.count("asked again", f"{kind} after {answer.status_code}")
            time.sleep(float(answer.headers.get("retry-after", 0)))  # what the answer asks for
        raise GaveUpError(f"{method} {path}")

    def _try(
        self, kind: str, method: str, path: str, headers: Mapping[str, str], json: Any, patience: float
    ) -> httpx.Response | None:
        """None where no answer came."""
        began = time.perf_counter()
        try:
            answer = self._client.request(
                method, self.stack.api_url + path, headers=dict(headers), json=json, timeout=patience
            )
        except httpx.TimeoutException:
            self._figures.count("asked again", f"{kind} without an answer")
            return None
        self._figures.answered(kind, time.perf_counter() - began, answer.status_code)
        return answer

    def steer(self, method: str, path: str, json: Any = None) -> Any:
        """What buyers, banks and networks do, by the simulator's own controls; unmeasured."""
        answer = self._client.request(method, f"{self.stack.stripe_url}/_sim{path}", json=json)
        return answer.raise_for_status().json()

    def steered(self, path: str, json: Any) -> Any | None:
        """The same, for what Stripe may refuse by now: None then."""
        answer = self._client.post(f"{self.stack.stripe_url}/_sim{path}", json=json)
        return None if 400 <= answer.status_code < 500 else answer.raise_for_status().json()

    def stripe(self, path: str, **query: Any) -> Any:
        """Stripe's own API, whatever fault strikes meanwhile; unmeasured."""
        key = {"authorization": f"Bearer {self.stack.values['STRIPE_SECRET_KEY']}"}
        for _ in range(MOST_TRIES):
            with suppress(httpx.HTTPError):
                answer = self._client.get(f"{self.stack.stripe_url}/v1{path}", headers=key, params=query, timeout=2)
                return answer.raise_for_status().json()
        raise GaveUpError(f"Stripe's {path}")

    def local(self, path: str, json: Any) -> Any:
        """The stack's own switches; unmeasured."""
        return self._client.post(f"{self.stack.api_url}/_local{path}", json=json, timeout=300).raise_for_status().json()
