"""What a refund would do, for an administrator who decides whether to make it."""

from dataclasses import dataclass
from datetime import datetime

from topup.domain import idempotency, money, refundable
from topup.domain.payments import ReversalChange, SettledPayment


@dataclass(frozen=True, kw_only=True)
class Quote:
    """What `change`, decided for a refund of the payment that was read, does to the user's credits."""

    settled: SettledPayment
    change: ReversalChange
    now: datetime

    @property
    def credits(self) -> int:
        """How many credits it takes: of the lots, and as debt."""
        return self.from_own_lot + self.from_other_lots + self.debt

    @property
    def from_own_lot(self) -> int:
        """How many of them the payment itself has brought."""
        return self._taken(is_own=True)

    @property
    def from_other_lots(self) -> int:
        """How many of them have come in otherwise."""
        return self._taken(is_own=False)

    @property
    def debt(self) -> int:
        """How many credits the user would owe because of it."""
        return max(0, refundable.debt_of(self.change))

    @property
    def held(self) -> int:
        """How many of the credits that open holds reserve it takes."""
        return refundable.taken_from_holds(self.settled, self.change, self.now)

    @property
    def is_covered(self) -> bool:
        """Whether it takes no credits that are spent, held, or owed already."""
        return self.change.after.amount_minor <= refundable.largest(self.settled, self.now)

    @property
    def largest_refundable(self) -> str:
        """The largest amount without debt and without held credits, in major units."""
        currency = self.settled.order.currency
        return money.to_text(money.movable(refundable.largest(self.settled, self.now), currency), currency)

    @property
    def token(self) -> str:
        """What the refund must still be like to do what this quote says.

        The state of the payment's refunds and disputes, and what the refund takes from where. The wallet's version is
        none of it: a spend that changes nothing of this must not make the quote stale.
        """
        order = self.change.order_before
        reversed_minor = (order.refunded_minor, order.disputed_minor)
        state = (order.payment_id, *reversed_minor, order.clawed_back, order.reversal_changes)
        does = (self.change.after.amount_minor, self.from_own_lot, self.from_other_lots, self.debt, self.held)
        return idempotency.fingerprint("quote", *state, *does)

    def _taken(self, *, is_own: bool) -> int:
        own = {lot.lot_id for lot in self.settled.own_lots}
        lots = self.change.credits.lots if self.change.credits else ()
        return sum(-one.amount for one in lots if (one.before.lot_id in own) is is_own)
