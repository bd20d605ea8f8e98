"""Reversals: money that goes back by refund or by dispute, and the status of each one."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum


class Kind(StrEnum):
    """Who takes the money back: we (or a person in Stripe's Dashboard), or the card holder through the bank."""

    REFUND = "refund"
    DISPUTE = "dispute"


class ReversalStatus(StrEnum):
    """The status of a refund or a dispute: Stripe's own words, and three of ours.

    IN_FLIGHT: Stripe has not answered yet. REFUSED: Stripe refused our first try, so no refund was made. UNKNOWN:
    Stripe says a word that this version does not know.
    """

    UNKNOWN = "unknown"
    IN_FLIGHT = "in_flight"
    REFUSED = "refused"
    PENDING = "pending"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    CANCELED = "canceled"
    WARNING_NEEDS_RESPONSE = "warning_needs_response"
    WARNING_UNDER_REVIEW = "warning_under_review"
    WARNING_CLOSED = "warning_closed"
    NEEDS_RESPONSE = "needs_response"
    UNDER_REVIEW = "under_review"
    APPEAL_NEEDS_RESPONSE = "appeal_needs_response"
    APPEAL_UNDER_REVIEW = "appeal_under_review"
    LOST = "lost"
    WON = "won"
    PREVENTED = "prevented"


# Updates arrive out of order: one of a lower rank is late, and one of a higher rank counts. A refund may fail after it
# succeeded, an inquiry may become a dispute, and the bank may change its mind about a lost one. Our own REFUSED gives
# way to every word of Stripe's: only Stripe knows what became of a refund that it may have made.
RANK: Mapping[ReversalStatus, int] = {
    ReversalStatus.UNKNOWN: -1,
    ReversalStatus.IN_FLIGHT: 0,
    ReversalStatus.REFUSED: 1,
    ReversalStatus.PENDING: 2,
    ReversalStatus.SUCCEEDED: 3,
    ReversalStatus.FAILED: 4,
    ReversalStatus.CANCELED: 4,
    ReversalStatus.WARNING_NEEDS_RESPONSE: 0,
    ReversalStatus.WARNING_UNDER_REVIEW: 1,
    ReversalStatus.WARNING_CLOSED: 2,
    ReversalStatus.NEEDS_RESPONSE: 3,
    ReversalStatus.UNDER_REVIEW: 4,
    ReversalStatus.APPEAL_NEEDS_RESPONSE: 5,
    ReversalStatus.APPEAL_UNDER_REVIEW: 6,
    ReversalStatus.LOST: 7,
    ReversalStatus.WON: 8,
    ReversalStatus.PREVENTED: 8,
}
# In one of these, the money is gone or may go. Inquiries (warnings) take no money.
REVERSES = frozenset(
    {
        ReversalStatus.IN_FLIGHT,
        ReversalStatus.PENDING,
        ReversalStatus.SUCCEEDED,
        ReversalStatus.NEEDS_RESPONSE,
        ReversalStatus.UNDER_REVIEW,
        ReversalStatus.APPEAL_NEEDS_RESPONSE,
        ReversalStatus.APPEAL_UNDER_REVIEW,
        ReversalStatus.LOST,
    }
)
# Of a dispute: the bank has decided, and may decide anew. An appeal may come before the decision or after it.
DECIDED = frozenset(
    {
        ReversalStatus.WARNING_CLOSED,
        ReversalStatus.APPEAL_NEEDS_RESPONSE,
        ReversalStatus.APPEAL_UNDER_REVIEW,
        ReversalStatus.LOST,
        ReversalStatus.WON,
        ReversalStatus.PREVENTED,
    }
)


@dataclass(frozen=True, kw_only=True)
class Reversal:
    """One refund or dispute of an order: `amount_minor` in minor units of `currency` (None: the order's).

    `net_minor` is how much of the money it reverses now, where Stripe's records of the money say it; else its status
    does. `live_minor` is how much of that it reversed while the order's lot had not expired, and `lost_before` is
    how many of the order's credits had expired when it reversed the rest (None: not known).
    `reversal_id` is our own id for a refund made here, and Stripe's for all others; `stripe_id` is Stripe's, once
    known. `stripe_status` is Stripe's word where this version does not know it. `clawed_back` is how many credits it
    took; no decision goes by it. `attempt` counts the tries to make a refund that had a key of their own at Stripe, and
    `tried_at` is when the latest of them began. `tries` counts all of them, and `tried_last_at` is when the latest
    began (None: the refund has been tried once, or by a version that did not count).
    """

    kind: Kind
    reversal_id: str
    payment_id: str
    amount_minor: int
    status: ReversalStatus
    created_at: datetime
    currency: str | None = None
    net_minor: int | None = None
    live_minor: int | None = None
    lost_before: int | None = None
    reason: str | None = None
    stripe_id: str | None = None
    stripe_status: str | None = None
    clawed_back: int = 0
    requested_by: str | None = None
    request_fingerprint: str | None = None
    attempt: int = 1
    tried_at: datetime | None = None
    tries: int = 1
    tried_last_at: datetime | None = None

    @property
    def last_try_at(self) -> datetime:
        """When the latest try to make it began."""
        return self.tried_last_at or self.tried_at or self.created_at

    @property
    def reversed_minor(self) -> int:
        """How much of the money it reverses now, in minor units of `currency`."""
        if self.net_minor is not None:
            return self.net_minor
        return self.amount_minor if self.status in REVERSES else 0


def reversed_by(kind: Kind, reversals: Iterable[Reversal]) -> int:
    """How much of the money those of one kind reverse now, in minor units: what the order says, at every moment."""
    return sum(known.reversed_minor for known in reversals if known.kind is kind)
