"""Lots: credits that came in together, where they came from, and how long they live."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from enum import StrEnum
from typing import Any

# Lots without an expiry are drawn last.
_NEVER = datetime.max.replace(tzinfo=UTC)


class Source(StrEnum):
    """How a lot's credits came in."""

    PURCHASE = "purchase"
    GRANT = "grant"
    ADJUSTMENT = "adjustment"
    RESTORED = "restored"
    IMPORT = "import"


class Funding(StrEnum):
    """Whether a lot's credits were paid for."""

    PAID = "paid"
    FREE = "free"


@dataclass(frozen=True, kw_only=True)
class Lot:
    """Credits that came in together, and how many of them are left until `expires_at` (a whole second, UTC).

    `expires_at` is None for a lot that never expires. `expired_credits` is what it has lost to expiry, which a later
    refund must not take again. `paid_minor` is what was paid for it, in minor units of `currency`, `package` the id of
    the package that was bought. `unknown` are stored attributes that this version does not know; they stay with the
    lot.
    """

    lot_id: str
    user_id: str
    source: Source
    funding: Funding
    name: str
    granted: int
    remaining: int
    expires_at: datetime | None
    expired_credits: int = 0
    payment_id: str | None = None
    paid_minor: int = 0
    currency: str | None = None
    package: str | None = None
    unknown: Mapping[str, Any] = field(default_factory=dict, repr=False, compare=False)

    def is_expired(self, now: datetime) -> bool:
        """Whether its expiry has come: from that second on, nothing of it may be spent."""
        return self.expires_at is not None and self.expires_at <= now

    def is_open(self, now: datetime) -> bool:
        """Whether it has credits that may still be spent."""
        return self.remaining > 0 and not self.is_expired(now)

    def lost_to_expiry(self, now: datetime) -> int:
        """What expiry has taken, or will take when the lot is swept."""
        return self.expired_credits + (self.remaining if self.is_expired(now) else 0)

    def money_gone_minor(self, gone: int) -> int:
        """What `gone` of its credits stand for: their share of what was paid, rounded down, all of it at the end."""
        return self.paid_minor * gone // self.granted


@dataclass(frozen=True, kw_only=True)
class LotChange:
    """A lot as it was read, and as it will be."""

    before: Lot
    after: Lot

    @property
    def amount(self) -> int:
        """How many credits it gains; negative where it loses some."""
        return self.after.remaining - self.before.remaining


def spendable(lots: Iterable[Lot], now: datetime) -> list[Lot]:
    """The open lots, soonest expiry first; ties in the fixed order of their ids."""
    return sorted((lot for lot in lots if lot.is_open(now)), key=_draw_order)


def in_draw_order(lot_ids: Iterable[str], lots: Mapping[str, Lot]) -> list[str]:
    """The ids in the order in which spends draw from these lots.

    A lot that is not there has expired, so those come first: they were drawn from before all that have not.
    """
    missing = sorted(lot_id for lot_id in lot_ids if lot_id not in lots)
    known = sorted((lots[lot_id] for lot_id in lot_ids if lot_id in lots), key=_draw_order)
    return [*missing, *(lot.lot_id for lot in known)]


def _draw_order(lot: Lot) -> tuple[datetime, str]:
    return lot.expires_at or _NEVER, lot.lot_id


def draw(lots: Iterable[Lot], amount: int) -> list[LotChange]:
    """Take up to `amount` credits from the lots in their order."""
    drawn, missing = [], amount
    for lot in lots:
        taken = min(lot.remaining, missing)
        if taken == 0:
            break
        drawn.append(LotChange(before=lot, after=replace(lot, remaining=lot.remaining - taken)))
        missing -= taken
    return drawn
