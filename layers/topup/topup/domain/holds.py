"""Holds: credits that are reserved until a time, and whether what is reserved will be there until then."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta
from enum import StrEnum
from typing import Any

from topup.domain.lots import Lot, spendable

MOST_OPEN = 50  # of one user; every spend reads them
# A capture that comes so long after the hold's end is still taken: measured usage is never lost.
CAPTURED_UNTIL = timedelta(hours=24)
MOST_TERMS = 20  # that a hold keeps: every spend reads them with it


class HoldStatus(StrEnum):
    """A hold is open, and then ends in one of the others: by a capture, by its release, or by itself."""

    OPEN = "open"
    CAPTURED = "captured"
    RELEASED = "released"
    EXPIRED = "expired"


class Overrun(StrEnum):
    """What a capture does about credits beyond those that are held."""

    AVAILABLE = "available"  # take what is available besides; the rest is a shortfall
    REFUSE = "refuse"  # refuse the capture
    DEBT = "debt"  # take what is available besides; the rest becomes debt


@dataclass(frozen=True, kw_only=True)
class Terms:
    """What a hold reserved, and until when it was to last, before the request at `until` changed that."""

    until: datetime
    left: int
    ends_at: datetime


@dataclass(frozen=True, kw_only=True)
class Hold:
    """Credits of a user that nothing else may take until `ends_at` (a whole second, UTC).

    `amount` are all that were reserved, `used` how many of them captures have used: the others are held while it is
    open. `captured` is what captures have taken in all, from lots or as debt, and `shortfall` what they could not take.
    `is_closed`: it takes no more captures. `earlier` are its terms before each of the last changes, oldest first.
    `unknown` are stored attributes that this version does not know.
    """

    hold_id: str
    user_id: str
    amount: int
    ends_at: datetime
    overrun: Overrun
    actor: str
    description: str
    created_at: datetime
    metadata: Mapping[str, str] = field(default_factory=dict)
    status: HoldStatus = HoldStatus.OPEN
    used: int = 0
    captured: int = 0
    shortfall: int = 0
    is_closed: bool = False
    earlier: tuple[Terms, ...] = ()
    unknown: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    @property
    def left(self) -> int:
        """How many of its credits no capture has used."""
        return self.amount - self.used

    def is_open(self, now: datetime) -> bool:
        """Whether it still reserves credits: from the second of `ends_at` on it does not, ended or not."""
        return self.status is HoldStatus.OPEN and self.ends_at > now

    def held(self, now: datetime) -> int:
        """How many credits it reserves."""
        return self.left if self.is_open(now) else 0

    def status_at(self, now: datetime) -> HoldStatus:
        """Its status, also where nobody has ended it yet."""
        is_over = self.status is HoldStatus.OPEN and not self.is_open(now)
        return HoldStatus.EXPIRED if is_over else self.status

    def may_be_captured(self, now: datetime) -> bool:
        """Whether a capture may take from it: while it is open, and late for a day after it has ended by itself."""
        if self.is_closed:
            return False
        is_late = self.status_at(now) is HoldStatus.EXPIRED and now < self.ends_at + CAPTURED_UNTIL
        return self.is_open(now) or is_late

    def ended(self, status: HoldStatus) -> "Hold":
        """The hold with its one end. What has ended by itself may still get late captures."""
        return replace(self, status=status, is_closed=self.is_closed or status is not HoldStatus.EXPIRED)

    def remembering(self, before: "Hold", now: datetime) -> "Hold":
        """With the terms that it had before a request changed them now."""
        terms = Terms(until=now, left=before.left, ends_at=before.ends_at)
        return replace(self, earlier=(*before.earlier, terms)[-MOST_TERMS:])


@dataclass(frozen=True, kw_only=True)
class HoldChange:
    """A hold as it was read (None where it is new), and as it will be."""

    before: Hold | None
    after: Hold


def held(holds: Iterable[Hold], now: datetime) -> int:
    """How many credits the holds reserve."""
    return sum(hold.held(now) for hold in holds)


def as_of(hold: Hold, moment: datetime) -> Hold | None:
    """The hold with what it reserved at an earlier moment, nothing where that was before it; None if that is not known.

    As for entries, what counts is the state before the first change that was received later.
    """
    then = replace(hold, earlier=(), captured=0, shortfall=0, used=0, is_closed=False)
    if moment < hold.created_at:
        return replace(then, amount=0)
    place, later = next(((n, terms) for n, terms in enumerate(hold.earlier) if terms.until > moment), (0, None))
    if later is None:
        has_ended_by_request = hold.status in (HoldStatus.CAPTURED, HoldStatus.RELEASED)
        if has_ended_by_request and not hold.earlier and moment < hold.ends_at:
            return None
        return replace(then, amount=0 if has_ended_by_request else hold.left, status=HoldStatus.OPEN)
    if place == 0 and len(hold.earlier) == MOST_TERMS:
        return None  # older terms may have been dropped
    return replace(then, amount=later.left, ends_at=later.ends_at, status=HoldStatus.OPEN)


def spare(lots: Iterable[Lot], holds: Iterable[Hold], now: datetime, until: datetime) -> int:
    """How many credits are not reserved, at the moment from now to `until` at which these are fewest.

    At each moment the lots that live beyond it must cover the holds that last beyond it. Lots lose credits only when
    they expire, and holds only free some, so these moments are now and every expiry before `until`. Below zero where
    holds are not covered.
    """
    reserving = [hold for hold in holds if hold.is_open(now)]
    open_lots = spendable(lots, now)
    there = sum(lot.remaining for lot in open_lots)
    least = there - sum(hold.left for hold in reserving)
    for lot in open_lots:
        if lot.expires_at is None or lot.expires_at >= until:
            break
        there -= lot.remaining
        least = min(least, there - sum(hold.left for hold in reserving if hold.ends_at > lot.expires_at))
    return least


def uncovered(lots: Iterable[Lot], holds: Iterable[Hold], now: datetime, owed: int = 0) -> int:
    """How many credits open holds reserve that will not be there: 0 but after a claw-back that took them.

    `owed` credits are not there for them.
    """
    reserving = [hold for hold in holds if hold.is_open(now)]
    if not reserving:
        return 0
    return max(0, owed - spare(lots, reserving, now, max(hold.ends_at for hold in reserving)))
