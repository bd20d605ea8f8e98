"""What must happen at least once in a run of many seeds: a race that never happens proves nothing."""

from collections.abc import Mapping

from tests.simulation.faults import Fault
from tests.simulation.linearizability import RACES

# With fewer seeds, some of it may not happen.
ENOUGH_SEEDS = 3000

RARE = (
    "the same spend twice at once",
    "a dispute while a refund runs",
    "a purchase pays debt",
    "a claw-back takes from other lots",
    "an action within a second of an expiry",
    "a refund before its grant",
    "a webhook replayed after 30 days",
    "a leap of the clock",
    "a catalogue edit",
    "a secret rotation",
    "a stream record is given up after its retries",
    "an abandoned request changes something later",
    "a transaction meets another's lock",
    "a signature is refused, and Stripe signs again",
    "Stripe has forgotten an idempotency key that is used again",
    "credits come back to a lot that has expired",
    "a refund fails after it had succeeded",
    "the sweep expires a lot that the stream has lost",
    "reconcile finishes a refund in flight",
    "refunds that span an expiry fail one after the other",
    "a grant pays debt",
    "a campaign gives a user nothing more",
    "credits that never expire are taken",
    "credits come back to a lot that was used up",
    "a spend takes more lots than one transaction holds",
    "an adjustment takes more lots than one transaction holds",
    "a claw-back takes more lots than one transaction holds",
    "a change of many lots is finished by another request",
    "the next change finishes one that was interrupted",
)
ALL = (*Fault, *(name for _, name in RACES.values()), *RARE)


def missed(hits: Mapping[str, int]) -> list[str]:
    """What did not happen once."""
    return [name for name in ALL if not hits.get(name)]
