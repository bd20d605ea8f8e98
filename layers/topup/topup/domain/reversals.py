"""Reversals: money that goes back by refund or by dispute, and the status of each one."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """Who takes the money back: we (or a person in Stripe's Dashboard), or the card holder through the bank."""

    REFUND = "refund"
    DISPUTE = "dispute"


class ReversalStatus(StrEnum):
    """The status of a refund or a dispute: Stripe's own words, and IN_FLIGHT before Stripe has answered."""

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


# Updates arrive out of order: a reversal never goes to a lower rank, nor to another status of the same rank. A refund
# may fail after it succeeded, an inquiry may become a dispute, and the bank may change its mind about a lost one.
RANK: Mapping[ReversalStatus, int] = {
    ReversalStatus.IN_FLIGHT: 0,
    ReversalStatus.PENDING: 1,
    ReversalStatus.SUCCEEDED: 2,
    ReversalStatus.FAILED: 3,
    ReversalStatus.CANCELED: 3,
    ReversalStatus.WARNING_NEEDS_RESPONSE: 0,
    ReversalStatus.WARNING_UNDER_REVIEW: 1,
    ReversalStatus.WARNING_CLOSED: 2,
    ReversalStatus.NEEDS_RESPONSE: 3,
    ReversalStatus.UNDER_REVIEW: 4,
    ReversalStatus.LOST: 5,
    ReversalStatus.WON: 6,
    ReversalStatus.PREVENTED: 6,
}
# In one of these, the money is gone or may go. Inquiries (warnings) take no money.
REVERSES = frozenset(
    {
        ReversalStatus.IN_FLIGHT,
        ReversalStatus.PENDING,
        ReversalStatus.SUCCEEDED,
        ReversalStatus.NEEDS_RESPONSE,
        ReversalStatus.UNDER_REVIEW,
        ReversalStatus.LOST,
    }
)


@dataclass(frozen=True, kw_only=True)
class Reversal:
    """One refund or dispute of an order: `amount_minor` in minor units of the order's currency.

    `reversal_id` is our own id for a refund made here, and Stripe's for all others; `stripe_id` is Stripe's, once
    known. `clawed_back` is how many credits it has taken and not given back.
    """

    kind: Kind
    reversal_id: str
    payment_id: str
    amount_minor: int
    status: ReversalStatus
    created_at: datetime
    reason: str | None = None
    stripe_id: str | None = None
    clawed_back: int = 0
    requested_by: str | None = None
    request_fingerprint: str | None = None

    @property
    def reversed_minor(self) -> int:
        """How much of the money it reverses in its present status."""
        return self.amount_minor if self.status in REVERSES else 0
