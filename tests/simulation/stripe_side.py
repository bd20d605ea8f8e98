"""Stripe in this process: the real library, a simulated account behind its HTTP client, and faults between them."""

import json
import random
import re
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from local.stripe_simulator import Fault as SimulatorFault
from local.stripe_simulator import Simulator
from local.stripe_simulator.in_process import InProcessStripe, timed_out
from tests.simulation import faults
from tests.simulation.faults import Fault, Faults
from tests.simulation.invocations import Crash, Invocations
from tests.simulation.scheduler import Scheduler
from topup.stripe_gateway import client as stripe_client

SHORTEST, LONGEST = 0.05, 0.6  # seconds that a call takes, both ways
LATE = (0.01, 20.0)  # seconds after which an abandoned request is carried out
KEYS_KEPT = timedelta(hours=24)
STATUSES = {Fault.STRIPE_409: "409", Fault.STRIPE_429: "429", Fault.STRIPE_500: "500"}
# Stripe refuses these before it looks at the request or at its key: they say nothing about an earlier one.
REFUSALS = {
    Fault.STRIPE_400: (400, "idempotency_error", "Keys for idempotent requests need the same parameters."),
    Fault.STRIPE_401: (401, "invalid_request_error", "Invalid API Key provided."),
    Fault.STRIPE_403: (403, "invalid_request_error", "The provided key does not have the required permissions."),
    Fault.STRIPE_404: (404, "invalid_request_error", "No such payment_intent."),
}
LIMIT = re.compile(r"\blimit=(\d+)")


class StripeSide(InProcessStripe):
    """What the functions' Stripe client talks to."""

    def __init__(
        self, simulator: Simulator, scheduler: Scheduler, invocations: Invocations, injected: Faults, rng: random.Random
    ) -> None:
        super().__init__(simulator)
        self._scheduler, self._invocations, self._faults, self._rng = scheduler, invocations, injected, rng
        self._first_sent: dict[str, float] = {}
        self.calls = 0  # counted for the sweep
        self.inject_at: tuple[int, Fault] | None = None
        self.planned: list[tuple[str, str, Fault]] = []  # the next call with this method and path has the fault
        self.page: int | None = None  # at most so many objects on a page of a list
        self.slowness = 0.0  # seconds that each call takes in addition
        self.traced: Callable[[str, bytes, bytes], None] = lambda _what, _sent, _answer: None
        self.hit: Callable[[str], None] = lambda _: None

    def request(
        self,
        method: str,
        url: str,
        headers: Mapping[str, str] | None,
        post_data: Any = None,
        *,
        _usage: list[str] | None = None,
    ) -> tuple[str, int, Mapping[str, str]]:
        self._stop_if_dead()
        self._pause()
        key = (headers or {}).get("Idempotency-Key")
        self._note_key(key)
        fault = self._fault(method, url, is_write=key is not None)
        if fault in REFUSALS:
            return self._refused(fault)
        self._before(fault, lambda: self._ask(method, url, headers, post_data))
        response = self._ask(method, url, headers, post_data)
        if fault is Fault.CRASH_AFTER:
            self._die()
        if fault is Fault.TIMEOUT_AFTER:
            raise self._timed_out()
        self._pause()
        return response

    def _stop_if_dead(self) -> None:
        """Stop a function that has died or run too long."""
        invocation = self._invocations.current
        if invocation is not None:
            invocation.is_dead |= self._scheduler.seconds - invocation.begun > invocation.timeout
            if invocation.is_dead:
                raise Crash

    def _before(self, fault: Fault | None, ask: Callable[[], Any]) -> None:
        """Inject the faults that happen before Stripe has carried the request out."""
        if fault is Fault.CRASH_BEFORE:
            self._die()
        if fault is Fault.TIMEOUT_BEFORE:
            raise self._timed_out()
        if fault is Fault.LATE_COMMIT:
            self._scheduler.start(ask, self._rng.uniform(*LATE))
            raise self._timed_out()
        if fault in STATUSES:
            # The simulator injects it into its next call, which is this one.
            self._simulator.set_faults([SimulatorFault(path="/v1/*", do=STATUSES[fault])])  # type: ignore[arg-type]

    def _fault(self, method: str, url: str, *, is_write: bool) -> Fault | None:
        self.calls += 1
        if self.inject_at:
            return self.inject_at[1] if self.inject_at[0] == self.calls else None
        for planned in self.planned:
            if method.upper() == planned[0] and planned[1] in url:
                self.planned.remove(planned)
                return planned[2]
        return self._faults.of(faults.OF_A_STRIPE_WRITE if is_write else faults.OF_STRIPE)

    def _refused(self, fault: Fault) -> tuple[str, int, Mapping[str, str]]:
        status, kind, message = REFUSALS[fault]
        body = json.dumps({"error": {"type": kind, "message": message}})
        self.traced(f"refused {status}", b"", body.encode())
        self._pause()
        return body, status, {}

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        if self.page and method.upper() == "GET":
            smaller = LIMIT.sub(self._fewer, url)
            response = super().request(method, smaller, headers, post_data)
            if smaller != url and '"has_more": true' in response[0]:
                self.hit("a list of Stripe's has more than one page")
        else:
            response = super().request(method, url, headers, post_data)
        self.traced(f"{method} {url}", str(post_data).encode(), response[0].encode())
        return response

    def _fewer(self, limit: re.Match[str]) -> str:
        return f"limit={min(int(limit[1]), self.page or 100)}"

    def use(self, simulator: Simulator) -> None:
        """Call another account from now on: the same one in its other mode."""
        self._simulator = simulator

    def _note_key(self, key: str | None) -> None:
        if key is None:
            return
        first = self._first_sent.setdefault(key, self._scheduler.seconds)
        if self._scheduler.seconds - first >= KEYS_KEPT.total_seconds():
            self.hit("Stripe has forgotten an idempotency key that is used again")

    def _die(self) -> None:
        invocation = self._invocations.current
        if invocation is not None:
            invocation.is_dead = True
        raise Crash

    def _pause(self) -> None:
        self._scheduler.pause(self._rng.uniform(SHORTEST, LONGEST) / 2 + self.slowness)

    def _timed_out(self) -> Exception:
        self._scheduler.pause(stripe_client.READ_TIMEOUT)
        return timed_out()
