"""Rules about quotes: a refund does what its quote has said, or nothing."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from tests.simulation.faults import MOST_SKEW
from tests.simulation.rules import Violation
from topup.domain.audit import Account
from topup.domain.credits import Entry
from topup.domain.lots import Lot
from topup.domain.orders import Order


@dataclass(frozen=True)
class Quoted:
    """A quote: what it said, the last commit before it was asked for, and when that was."""

    says: Mapping[str, Any]
    commit: int
    time: datetime

    def may_be_stale(self, account: Account, now: datetime) -> bool:
        """Whether something of the account may have ended since, by one of the clocks."""
        ends = [lot.expires_at for lot in account.lots] + [hold.ends_at for hold in account.holds]
        skew = timedelta(seconds=2 * MOST_SKEW)
        return any(end is not None and self.time - skew <= end <= now + skew for end in ends)


def check_begun(quoted: Quoted, amount_minor: int, before: Order, after: Order) -> None:
    """The refund that begins has the amount of its quote, and takes as many credits."""
    taken = after.clawed_back - before.clawed_back
    said = (round(quoted.says["amount"] * 100), quoted.says["credits_refunded"])
    if (amount_minor, taken) != said:
        raise Violation(f"payment {after.payment_id}: a refund of {amount_minor} took {taken}, its quote said {said}")


def check_taken(quoted: Quoted, entry: Entry, lots: Mapping[str, Lot]) -> None:
    """It takes them from where its quote said."""
    own = sum(-moved for lot, moved in entry.moves.items() if lots[lot].payment_id == entry.payment_id)
    others = -sum(entry.moves.values()) - own
    said = tuple(quoted.says[name] for name in ("from_own_lot", "from_other_lots", "debt"))
    if (own, others, entry.debt_change) != said:
        took = (own, others, entry.debt_change)
        raise Violation(f"user {entry.user_id}: a refund took {took} of its own, of others and as debt, quoted: {said}")
