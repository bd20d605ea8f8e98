"""Stripe in process: the real library in front, the simulated account behind its HTTP client, and faults between."""

import random
from collections.abc import Callable, Mapping
from datetime import timedelta
from typing import Any

from local.stripe_simulator import Fault as SimulatorFault
from local.stripe_simulator import Simulator
from local.stripe_simulator.in_process import InProcessStripe, timed_out
from tests.simulation import faults
from tests.simulation.faults import Fault, Faults
from tests.simulation.invocations import Crash, Running
from tests.simulation.scheduler import Scheduler
from topup.stripe_gateway import client as stripe_client

SHORTEST, LONGEST = 0.05, 0.6  # seconds that a call takes, there and back
LATE = (0.01, 20.0)  # seconds after which a request that was given up is carried out
KEYS_KEPT = timedelta(hours=24)
ANSWERS = {Fault.STRIPE_409: "409", Fault.STRIPE_429: "429", Fault.STRIPE_500: "500"}


class StripeSide(InProcessStripe):
    """What the functions' Stripe client talks to."""

    def __init__(
        self, simulator: Simulator, scheduler: Scheduler, running: Running, struck: Faults, chance: random.Random
    ) -> None:
        super().__init__(simulator)
        self._scheduler, self._running, self._faults, self._chance = scheduler, running, struck, chance
        self._first_sent: dict[str, float] = {}
        self.calls = 0  # boundaries crossed, for the sweep
        self.strike_at: tuple[int, Fault] | None = None
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
        self._alive()
        self._pause()
        self._note_key((headers or {}).get("Idempotency-Key"))
        fault = self._fault()
        self._before(fault, lambda: self._ask(method, url, headers, post_data))
        answer = self._ask(method, url, headers, post_data)
        if fault is Fault.CRASH_AFTER:
            self._die()
        if fault is Fault.TIMEOUT_AFTER:
            raise self._given_up()
        self._pause()
        return answer

    def _alive(self) -> None:
        """A function that has died, or has run too long, asks nobody any more."""
        invocation = self._running.current
        if invocation is not None:
            invocation.is_dead |= self._scheduler.seconds - invocation.begun > invocation.timeout
            if invocation.is_dead:
                raise Crash

    def _before(self, fault: Fault | None, ask: Callable[[], Any]) -> None:
        """What goes wrong before Stripe has done it."""
        if fault is Fault.CRASH_BEFORE:
            self._die()
        if fault is Fault.TIMEOUT_BEFORE:
            raise self._given_up()
        if fault is Fault.LATE_COMMIT:
            self._scheduler.start(ask, self._chance.uniform(*LATE))
            raise self._given_up()
        if fault in ANSWERS:
            # The simulator's own fault: the next call of this kind is this one.
            self._simulator.set_faults([SimulatorFault(path="/v1/*", do=ANSWERS[fault])])  # type: ignore[arg-type]

    def _fault(self) -> Fault | None:
        self.calls += 1
        if self.strike_at:
            return self.strike_at[1] if self.strike_at[0] == self.calls else None
        return self._faults.of(faults.OF_STRIPE)

    def _ask(
        self, method: str, url: str, headers: Mapping[str, str] | None, post_data: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        answer = super().request(method, url, headers, post_data)
        self.traced(f"{method} {url}", str(post_data).encode(), answer[0].encode())
        return answer

    def _note_key(self, key: str | None) -> None:
        if key is None:
            return
        first = self._first_sent.setdefault(key, self._scheduler.seconds)
        if self._scheduler.seconds - first >= KEYS_KEPT.total_seconds():
            self.hit("Stripe has forgotten an idempotency key that is used again")

    def _die(self) -> None:
        invocation = self._running.current
        if invocation is not None:
            invocation.is_dead = True
        raise Crash

    def _pause(self) -> None:
        self._scheduler.pause(self._chance.uniform(SHORTEST, LONGEST) / 2)

    def _given_up(self) -> Exception:
        self._scheduler.pause(stripe_client.READ_TIMEOUT)
        return timed_out()
