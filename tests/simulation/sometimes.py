"""What a run of many seeds must have met at least once: a window that is never reached proves nothing."""

from collections.abc import Mapping

from tests.simulation.faults import Fault
from tests.simulation.linearizability import WINDOWS

# Fewer seeds than this need not meet everything.
ENOUGH = 3000

RARE = (
    "the same spend twice at once",
    "a dispute while a refund runs",
    "a purchase pays debt",
    "a claw-back takes from other lots",
    "something in the very second of an expiry",
    "a refund before its grant",
    "a webhook replayed after 30 days",
    "a leap of the clock",
    "a catalogue edit",
    "a secret rotation",
    "a stream record was given up",
    "a request that was given up changes something after all",
    "a transaction meets another's lock",
    "a signature is refused, and Stripe signs again",
    "Stripe has forgotten an idempotency key that is used again",
    "credits come back to a lot that has expired",
    "a refund fails after it had succeeded",
    "the sweep expires a lot that the stream has lost",
    "reconcile finishes a refund in flight",
)
ALL = (*Fault, *(name for _, name in WINDOWS.values()), *RARE)


def never(hits: Mapping[str, int]) -> list[str]:
    """What was not met once."""
    return [name for name in ALL if not hits.get(name)]
