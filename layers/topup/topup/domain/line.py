"""Spends of one user that wait in line: whose turn it is, and what one turn pays.

Spends that meet would lose race after race against each other. Those that wait are written together instead, in one
change, by the request that has waited longest.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from topup.domain import batches, receipts
from topup.domain.credits import Cause, CreditChange, UserCredits
from topup.domain.receipts import Receipt

MOST_AT_ONCE = 30  # each takes three items of a DynamoDB transaction, which holds 100
# Seconds that each place in line waits for the places before it, once nothing moves: three times as long as a turn
# takes, most often. So a request that has died holds the others up no longer, and they do not all follow it at once.
PATIENCE = 0.1
MOST_PATIENCE = 1.0  # of those far behind: however many have died before them, somebody leads in time
# A function has 29 seconds: after this, nobody waits any more.
LIFETIME = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class WaitingSpend:
    """A spend that any request of the same user's may write; `key` is its Idempotency-Key."""

    user_id: str
    key: str
    amount: int
    cause: Cause
    request_fingerprint: str
    received_at: datetime

    def is_over(self, now: datetime) -> bool:
        """Whether nobody waits for it any more: then it is not written."""
        return self.received_at + LIFETIME <= now


@dataclass(frozen=True, kw_only=True)
class Turn:
    """What one turn writes: who leaves the line, and the change and the receipts (by key) of those whom it pays.

    Who leaves the line without a receipt cannot be paid, and has to ask anew.
    """

    at: datetime
    leaving: Sequence[WaitingSpend]
    change: CreditChange | None
    receipts: Mapping[str, Receipt]


def line_of(user: UserCredits, now: datetime) -> Sequence[WaitingSpend]:
    """Those of the user's who wait still, in the order of their turns."""
    return [one for one in user.waiting if not one.is_over(now)]


def in_order(waiting: Sequence[WaitingSpend]) -> list[WaitingSpend]:
    """Those who wait, in the order of their turns: the same for whoever looks."""
    return sorted(waiting, key=lambda one: (one.received_at, one.key))


def place_of(key: str, waiting: Sequence[WaitingSpend]) -> int | None:
    """How many are before the spend with this key; None where it is not in line."""
    return next((place for place, one in enumerate(waiting) if one.key == key), None)


def may_lead(place: int, stalled: float) -> bool:
    """Whether it is the turn of this place: of the first at once, of others where the first has not moved for long.

    stalled: seconds since somebody was seen to leave the line.
    """
    return stalled >= min(place * PATIENCE, MOST_PATIENCE)


def take_turn(user: UserCredits, now: datetime) -> Turn:
    """Pay those who come first, one after the other, each who can be paid of what the ones before have left."""
    front = line_of(user, now)[:MOST_AT_ONCE]
    # The last of them must not be paid with credits that had expired when it came.
    at = max(one.received_at for one in front)
    left, paid = user.available(at), []
    for one in front:
        if one.amount <= left:
            left -= one.amount
            paid.append(one)
    change = batches.spend_all(user, [(one.amount, one.cause) for one in paid], at) if paid else None
    made = receipts.receipts_of_each(user, change, [one.request_fingerprint for one in paid], at) if change else ()
    if change and len(paid) > 1:  # one alone has met nobody: the next may try alone again
        change = replace(change, wallet=replace(change.wallet, spent_together_at=at))
    return Turn(at=at, leaving=front, change=change, receipts=dict(zip((one.key for one in paid), made, strict=True)))
