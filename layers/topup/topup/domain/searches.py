"""What payments can be searched by."""

from enum import StrEnum


class State(StrEnum):
    """What a payment may wait for: a person's decision, money on its way, the outcome of a refund."""

    QUARANTINED = "quarantined"
    PROCESSING = "processing"
    IN_FLIGHT = "in_flight"
