"""What goes wrong in a run: each seed picks its own few kinds of faults, and how often each strikes."""

import random
from collections.abc import Mapping, Sequence
from enum import StrEnum


class Fault(StrEnum):
    """A kind of fault, as plans and reports name it."""

    # A call of DynamoDB or of Stripe
    CRASH_BEFORE = "crash before the call"
    CRASH_AFTER = "crash after the call"
    TIMEOUT_BEFORE = "time-out before the commit"
    TIMEOUT_AFTER = "time-out after the commit"
    LATE_COMMIT = "commit after the caller has given up"
    # DynamoDB
    THROTTLE = "throttled"
    ERROR_AFTER = "500 after the commit"
    CONFLICT = "transaction conflict"
    STALE_READ = "stale read"
    PARTIAL_ANSWER = "batch answered in part"
    # Stripe
    STRIPE_409 = "Stripe 409"
    STRIPE_429 = "Stripe 429"
    STRIPE_500 = "Stripe 500, stored"
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


# Which of them can strike a call, in the order in which they are drawn.
OF_ANY_CALL = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.TIMEOUT_BEFORE, Fault.TIMEOUT_AFTER, Fault.LATE_COMMIT)
OF_A_WRITE = (*OF_ANY_CALL, Fault.THROTTLE, Fault.ERROR_AFTER, Fault.CONFLICT)
OF_A_READ = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.TIMEOUT_BEFORE, Fault.THROTTLE)
OF_A_BATCH_READ = (*OF_A_READ, Fault.PARTIAL_ANSWER)
OF_AN_INDEX_READ = (*OF_A_READ, Fault.STALE_READ)
OF_STRIPE = (*OF_ANY_CALL, Fault.STRIPE_409, Fault.STRIPE_429, Fault.STRIPE_500)
OF_A_WEBHOOK = (Fault.WEBHOOK_LOST, Fault.WEBHOOK_DELAYED, Fault.WEBHOOK_REORDERED, Fault.WEBHOOK_DUPLICATED)
OF_A_RECORD = (Fault.RECORD_LOST, Fault.RECORD_DELAYED, Fault.RECORD_DUPLICATED)

RATES = (0.02, 0.06, 0.2)
CALM = 0.08  # of the seeds have no fault at all: what breaks there breaks by concurrency alone


def swarm(chance: random.Random) -> dict[Fault, float]:
    """The faults of a seed and how often each strikes: a random half of them finds more than all of them at once."""
    if chance.random() < CALM:
        return {}
    return {fault: chance.choice(RATES) for fault in Fault if chance.random() < 0.4}


class Faults:
    """Which call is struck by what."""

    def __init__(self, rates: Mapping[Fault, float], chance: random.Random) -> None:
        self._rates = dict(rates)
        self._suspended: dict[Fault, float] = {}
        self._chance = chance
        self.hits: dict[str, int] = {}

    def end(self) -> None:
        """From now on nothing goes wrong."""
        self._rates, self._suspended = {}, {}

    def suspend(self) -> None:
        """Nothing goes wrong until `resume`."""
        self._suspended, self._rates = self._rates, {}

    def resume(self) -> None:
        if self._suspended:
            self._rates, self._suspended = self._suspended, {}

    def of(self, kinds: Sequence[Fault]) -> Fault | None:
        """What strikes a call of this kind, if anything does."""
        if not self._rates:
            return None
        for kind in kinds:
            rate = self._rates.get(kind)
            if rate is not None and self._chance.random() < rate:
                self.hits[kind] = self.hits.get(kind, 0) + 1
                return kind
        return None

    def strikes(self, kind: Fault) -> bool:
        return self.of((kind,)) is kind
