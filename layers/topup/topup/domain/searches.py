"""What payments can be searched by."""

from enum import StrEnum


class State(StrEnum):
    """What a payment may wait for, which our own index knows: a person's decision, money, the outcome of a refund."""

    QUARANTINED = "quarantined"
    PROCESSING = "processing"
    IN_FLIGHT = "in_flight"


# With a dispute that the bank has not decided. Stripe lists those, also what an earlier version has recorded.
DISPUTED = "disputed"
STATES = (*State, DISPUTED)
