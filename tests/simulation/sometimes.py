"""What must happen at least once in a run of many seeds: a race that never happens proves nothing."""

from collections.abc import Mapping

from tests.simulation.faults import Fault
from tests.simulation.linearizability import RACES
from tests.simulation.variations import Variation

# With fewer seeds, some of it may not happen.
ENOUGH_SEEDS = 3000

RARE = (
    "the same spend twice at once",
    "the same refund twice at once",
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
    "credits come back as a new lot, because theirs has lapsed",
    "a refund fails after it had succeeded",
    "the sweep expires a lot that the stream has lost",
    "reconcile finishes a refund in flight",
    "refunds that span an expiry fail one after the other",
    "a grant pays debt",
    "a grant is requested again after its expiry",
    "a campaign gives a user nothing more",
    "credits that never expire are taken",
    "credits come back to a lot that was used up",
    "a spend takes more lots than one transaction holds",
    "an adjustment takes more lots than one transaction holds",
    "a claw-back takes more lots than one transaction holds",
    "a change of many lots is finished by another request",
    "the next change finishes one that was interrupted",
    "a query has more than one page",
    "a list of Stripe's has more than one page",
    "a payment is refunded many times",
    "a user has more than a hundred lots",
    "a dispute is won after the expiry of what it disputed",
    "the endpoint is missing: disabled",
    "the endpoint is missing: deleted",
    "the endpoint is missing: lacks refunds",
    "the endpoint is missing: lacks disputes",
    "the endpoint is missing: lacks payments",
    "a refund is requested again",
    "a refund is requested again a day later",
    "a dispute in the same currency",
    "a dispute in another currency",
    "a dispute becomes needs_response",
    "a dispute becomes under_review",
    "a dispute becomes appeal_needs_response",
    "a dispute becomes won",
    "a dispute becomes lost",
    "a dispute becomes prevented",
    "a dispute becomes warning_closed",
    "a dispute becomes frozen_by_the_network",
    "an order is paid twice",
    "a foreign object of another system",
    "a foreign object of another stack",
    "a foreign object of our name on it",
    "a refund names another order than its payment intent does",
    "the key of the other mode",
    "a checkout is opened with the key of the other mode",
    "the table of orders is restored alone",
    "the orders are restored to what they were before a payment",
    "a checkout is opened anew",
    "an event of another account (account)",
    "an event of another account (context)",
    "the stack has another name",
    "money goes back that was paid under the stack's old name",
    "a newer version has written to the tables",
    "reconcile runs out of time",
    "two runs of reconcile at once",
)
ALL = (*Fault, *Variation, *(name for _, name in RACES.values()), *RARE)


def missed(hits: Mapping[str, int]) -> list[str]:
    """What did not happen once."""
    return [name for name in ALL if not hits.get(name)]
