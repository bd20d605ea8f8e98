"""Refunds and disputes: whose doing they are, and where one stands."""

from collections.abc import Mapping
from enum import StrEnum


class Kind(StrEnum):
    """Who takes the money back: we (or somebody in Stripe's Dashboard), or the card holder through the bank."""

    REFUND = "refund"
    DISPUTE = "dispute"


class Standing(StrEnum):
    """Where a refund or a dispute stands: Stripe's own words, and IN_FLIGHT before Stripe has answered."""

    IN_FLIGHT = "in_flight"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    LOST = "lost"
    WON = "won"
    PREVENTED = "prevented"


# News arrives out of order: a reversal never goes to a rank below its own, nor sideways. A refund may fail after it
# succeeded, an inquiry may become a dispute, and the bank may change its mind about a lost one.
RANK: Mapping[Standing, int] = {
    Standing.IN_FLIGHT: 0,
    Standing.PENDING: 1,
    Standing.SUCCEEDED: 2,
    Standing.FAILED: 3,
    Standing.CANCELED: 3,
    Standing.WARNING_NEEDS_RESPONSE: 0,
    Standing.WARNING_UNDER_REVIEW: 1,
    Standing.WARNING_CLOSED: 2,
    Standing.NEEDS_RESPONSE: 3,
    Standing.UNDER_REVIEW: 4,
    Standing.LOST: 5,
    Standing.WON: 6,
    Standing.PREVENTED: 6,
}
# While it stands so, the money is gone or may go. Inquiries (warnings) take no money.
REVERSES = frozenset(
    {
        Standing.IN_FLIGHT,
        Standing.PENDING,
        Standing.SUCCEEDED,
        Standing.NEEDS_RESPONSE,
        Standing.UNDER_REVIEW,
        Standing.LOST,
    }
)
