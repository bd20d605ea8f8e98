"""The faults of a run: each seed picks some kinds of faults, and how often each occurs."""

import random
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from enum import StrEnum


class Fault(StrEnum):
    """A kind of fault, by its name in plans and reports."""

    # A call of DynamoDB or of Stripe
    CRASH_BEFORE = "crash before the call"
    CRASH_AFTER = "crash after the call"
    TIMEOUT_BEFORE = "time-out before the commit"
    TIMEOUT_AFTER = "time-out after the commit"
    LATE_COMMIT = "commit after the caller's time-out"
    # DynamoDB
    THROTTLE = "throttled"
    ERROR_AFTER = "500 after the commit"
    CONFLICT = "transaction conflict"
    STALE_READ = "stale read"
    PARTIAL_BATCH = "batch read in part"
    # Stripe
    STRIPE_409 = "Stripe 409"
    STRIPE_429 = "Stripe 429"
    STRIPE_500 = "Stripe 500, stored"
    STRIPE_400 = "Stripe 400, other parameters under this key"
    STRIPE_401 = "Stripe 401"
    STRIPE_403 = "Stripe 403"
    STRIPE_404 = "Stripe 404"
    # Webhooks
    WEBHOOK_DUPLICATED = "webhook duplicated"
    WEBHOOK_REORDERED = "webhook reordered"
    WEBHOOK_DELAYED = "webhook delayed"
    WEBHOOK_LOST = "webhook lost"
    WEBHOOK_NEVER_SENT = "webhook never sent"
    # Expiry
    TTL_LATE = "TTL late"
    RECORD_DUPLICATED = "stream record duplicated"
    RECORD_DELAYED = "stream record delayed"
    RECORD_LOST = "stream record lost"
    # Clocks
    CLOCK_SKEW = "clock skew"


# The faults that each kind of call can have, in the order in which they are drawn.
OF_ANY_CALL = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.TIMEOUT_BEFORE, Fault.TIMEOUT_AFTER, Fault.LATE_COMMIT)
OF_A_WRITE = (*OF_ANY_CALL, Fault.THROTTLE, Fault.ERROR_AFTER, Fault.CONFLICT)
OF_A_READ = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.TIMEOUT_BEFORE, Fault.THROTTLE)
OF_A_BATCH_READ = (*OF_A_READ, Fault.PARTIAL_BATCH)
OF_AN_INDEX_READ = (*OF_A_READ, Fault.STALE_READ)
OF_STRIPE = (
    *(*OF_ANY_CALL, Fault.STRIPE_409, Fault.STRIPE_429, Fault.STRIPE_500),
    *(Fault.STRIPE_401, Fault.STRIPE_403),
)
OF_A_STRIPE_WRITE = (*OF_STRIPE, Fault.STRIPE_400, Fault.STRIPE_404)
OF_A_WEBHOOK = (Fault.WEBHOOK_LOST, Fault.WEBHOOK_DELAYED, Fault.WEBHOOK_REORDERED, Fault.WEBHOOK_DUPLICATED)
OF_A_RECORD = (Fault.RECORD_LOST, Fault.RECORD_DELAYED, Fault.RECORD_DUPLICATED)

MOST_SKEW = 1.0  # seconds by which a host's clock may be wrong
RATES = (0.02, 0.06, 0.2)
FAULTLESS = 0.08  # the share of seeds without any fault: what fails there fails by concurrency alone


def swarm(rng: random.Random) -> dict[Fault, float]:
    """The faults of a seed and their rates: a random selection of faults finds more than all of them at once."""
    if rng.random() < FAULTLESS:
        return {}
    return {fault: rng.choice(RATES) for fault in Fault if rng.random() < 0.4}


class Faults:
    """Decides which call has which fault."""

    def __init__(self, rates: Mapping[Fault, float], rng: random.Random) -> None:
        self._rates = dict(rates)
        self._without = 0  # of those who want no faults at the moment
        self._rng = rng
        self.hits: dict[str, int] = {}

    def end(self) -> None:
        """Inject no more faults."""
        self._rates = {}

    @contextmanager
    def suspended(self, are_none: bool = True) -> Iterator[None]:
        """Inject no faults while the caller, or anybody else who wants none, is at it."""
        self._without += are_none
        try:
            yield
        finally:
            self._without -= are_none

    def of(self, kinds: Sequence[Fault]) -> Fault | None:
        """The fault of a call that can have these kinds; most often None."""
        if not self._rates or self._without:
            return None
        for kind in kinds:
            rate = self._rates.get(kind)
            if rate is not None and self._rng.random() < rate:
                self.hits[kind] = self.hits.get(kind, 0) + 1
                return kind
        return None

    def occurs(self, kind: Fault) -> bool:
        return self.of((kind,)) is kind
