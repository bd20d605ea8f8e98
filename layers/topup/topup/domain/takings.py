"""What claw-backs have out: credits that were taken from lots, and credits that are still owed."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from topup.domain.lots import Lot

# An order's record of them must fit into an item of 400 KB, with some to come: each takes about 100 bytes.
MOST_TAKINGS = 3_000


@dataclass(frozen=True, kw_only=True)
class Taking:
    """Credits that a claw-back took from one lot, which expires at `expires_at`.

    `life` is how long the lot still had when they were taken, None where it never expires: credits that come back after
    the lot has expired live as long.
    """

    lot_id: str
    expires_at: datetime | None
    credits: int
    life: timedelta | None

    @classmethod
    def of(cls, lot: Lot, credits_: int, now: datetime) -> "Taking":
        """So many credits of the lot, taken now."""
        life = lot.expires_at - now if lot.expires_at else None
        return cls(lot_id=lot.lot_id, expires_at=lot.expires_at, credits=credits_, life=life)


def joined(takings: tuple[Taking, ...]) -> tuple[Taking, ...]:
    """The same credits in at most MOST_TAKINGS; where there are more, the oldest ones are joined."""
    if len(takings) <= MOST_TAKINGS:
        return takings
    return with_oldest_joined(takings, len(takings) - MOST_TAKINGS + 1)


def with_oldest_joined(takings: tuple[Taking, ...], number: int) -> tuple[Taking, ...]:
    """The same credits, with so many of the oldest takings in one, of no lot, with the longest life of them."""
    oldest, latest = takings[:number], takings[number:]
    lives = [taking.life for taking in oldest if taking.life is not None]
    life = max(lives) if len(lives) == len(oldest) else None
    rest = Taking(lot_id="", expires_at=None, credits=sum(taking.credits for taking in oldest), life=life)
    return (rest, *latest)


@dataclass(frozen=True, kw_only=True)
class ClawbackAddition:
    """What a change of credits adds to the claw-back of another order, without reading it.

    `repaid` is what that order owed and lots have paid now; it is out from these lots from now on. `continued_by` are
    new lots (id → expiry) with credits of the order's own lot, which has expired.
    """

    payment_id: str
    repaid: tuple[Taking, ...] = ()
    continued_by: Mapping[str, datetime | None] = field(default_factory=dict)

    @property
    def credits(self) -> int:
        """How much less the order owes."""
        return sum(taking.credits for taking in self.repaid)


@dataclass(frozen=True, kw_only=True)
class Clawback:
    """What the reversals of one order have out: `takings`, oldest first, and what is `owed` because too few were left.

    `continued_by` are the lots in which credits of the order's own lot came back after that had expired: id → expiry.
    `reversed_minor` is how much of the order's money has gone back, as the entries of the ledger say; None where an
    earlier version took the credits, which did not count it.
    `is_whole` is False where an earlier version may have taken credits, which kept no record: see `clawbacks.assumed`.
    """

    payment_id: str
    takings: tuple[Taking, ...] = ()
    owed: int = 0
    continued_by: Mapping[str, datetime | None] = field(default_factory=dict)
    reversed_minor: int | None = None
    is_whole: bool = True

    @property
    def credits(self) -> int:
        """All that is out."""
        return sum(taking.credits for taking in self.takings) + self.owed

    def without(self, credits_: int) -> tuple["Clawback", list[Taking]]:
        """The same without so many of the credits that were taken last, and what these are, the last ones first."""
        kept, returned = list(self.takings), []
        while credits_:
            last = kept.pop()
            part = min(credits_, last.credits)
            returned.append(replace(last, credits=part))
            if part < last.credits:
                kept.append(replace(last, credits=last.credits - part))
            credits_ -= part
        return replace(self, takings=tuple(kept)), returned

    def with_addition(self, addition: ClawbackAddition) -> "Clawback":
        """The same after a change of credits has added to it."""
        return replace(
            self,
            takings=self.takings + addition.repaid,
            owed=self.owed - addition.credits,
            continued_by={**self.continued_by, **addition.continued_by},
        )
