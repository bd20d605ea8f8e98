"""A model of the credits in plain arithmetic, written from the rules and without any of the product's code.

A lot is known by its order's id, one without an order by its own, and a reversal by its own. The test says what
happened; the model adds and subtracts.
"""

from collections import Counter
from dataclasses import dataclass, field
from datetime import datetime, timedelta

# Refunds and disputes never go back in these lists, nor from one status to another of the same entry.
REFUND = ("in_flight", "refused", "pending", "succeeded", "failed canceled")
DISPUTE = (
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "appeal_needs_response",
    "appeal_under_review",
    "lost",
    "won prevented",
)
MONEY_IS_GONE = {
    *("in_flight", "pending", "succeeded"),
    *("needs_response", "under_review", "appeal_needs_response", "appeal_under_review", "lost"),
}


def rank(status: str) -> int:
    return next(n for line in (REFUND, DISPUTE) for n, names in enumerate(line) if status in names.split())


@dataclass
class Reversed:
    """A refund or a dispute: its amount, its status, and what had expired when it last began to reverse money."""

    amount: int
    status: str
    expired_before: int = 0

    @property
    def gone(self) -> int:
        return self.amount if self.status in MONEY_IS_GONE else 0


@dataclass
class Out:
    """Credits that are out from a lot, and the life that it had left when they went (None: without end)."""

    lot: str
    credits: int
    life: timedelta | None


@dataclass
class Model:
    """`left`, `lost`, `money`, `granted` and `expires` per lot; `out`, `owed` and `reversed` per order.

    `paid` is the price of each order; `money` is what was paid for each lot. `continues` says of a lot that brought
    credits of an expired lot back which order's lot that was, in the end.
    """

    now: datetime
    paid: dict[str, int] = field(default_factory=dict)
    money: dict[str, int] = field(default_factory=dict)
    granted: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    expires: dict[str, datetime | None] = field(default_factory=dict)
    continues: dict[str, str] = field(default_factory=dict)
    out: dict[str, list[Out]] = field(default_factory=dict)
    owed: Counter[str] = field(default_factory=Counter)
    reversed: dict[str, dict[str, Reversed]] = field(default_factory=dict)
    earned: int = 0

    @property
    def debt(self) -> int:
        return self.owed.total()

    # ------------------------------------------------------------------------------------------------ coming and going

    def buy(self, lot: str, credits_: int, price: int, expires_at: datetime | None) -> None:
        self.paid[lot], self.out[lot], self.reversed[lot] = price, [], {}
        self.grant(lot, credits_, price, expires_at)

    def grant(self, lot: str, credits_: int, price: int, expires_at: datetime | None) -> None:
        self.earned += credits_
        self.adjust(lot, credits_, expires_at, price)

    def adjust(self, lot: str, credits_: int, expires_at: datetime | None, price: int = 0) -> None:
        self.money[lot], self.granted[lot], self.expires[lot] = price, credits_, expires_at
        self.lost[lot] = 0
        self.left[lot] = credits_ - self.pay(lot, credits_, self.life(lot))

    def pay(self, lot: str, credits_: int, life: timedelta | None) -> int:
        """What of these credits of a lot goes to orders that owe, one after the other; it is out from that lot."""
        paid = 0
        for order in sorted(self.owed):
            part = min(credits_ - paid, self.owed[order])
            if part:
                self.owed[order] -= part
                self.out[order].append(Out(lot, part, life))
                paid += part
        return paid

    def life(self, lot: str) -> timedelta | None:
        expires_at = self.expires[lot]
        return None if expires_at is None else expires_at - self.now

    def lives(self, lot: str) -> bool:
        expires_at = self.expires[lot]
        return expires_at is None or expires_at > self.now

    def open_lots(self) -> list[str]:
        """Soonest expiry first, and last those that never expire."""
        return sorted(
            filter(self.lives, self.left), key=lambda lot: (self.expires[lot] is None, str(self.expires[lot]), lot)
        )

    def take(self, amount: int, lots: list[str]) -> tuple[list[Out], int]:
        """What was taken from which lots, in their order, and what was not found."""
        taken = []
        for lot in lots:
            drawn = min(self.left[lot], amount)
            if drawn:
                self.left[lot] -= drawn
                taken.append(Out(lot, drawn, self.life(lot)))
            amount -= drawn
        return taken, amount

    def expire(self, lot: str) -> None:
        self.lost[lot], self.left[lot] = self.lost[lot] + self.left[lot], 0

    def still_stands_for(self, lot: str) -> int:
        """The money that its credits still stand for: their share, rounded up, so that all of it is used in the end."""
        return -(-self.money[lot] * self.left[lot] // self.granted[lot])

    # ------------------------------------------------------------------------------------------------ refunds, disputes

    def taken(self, order: str) -> int:
        return sum(out.credits for out in self.out[order]) + self.owed[order]

    def share(self, order: str, money: int) -> int:
        return self.granted[order] * min(money, self.paid[order]) // self.paid[order]

    def due(self, order: str) -> int:
        """How many of its credits must have left the user."""
        return self.share(order, sum(one.gone for one in self.reversed[order].values()))

    def own_lots(self, order: str) -> list[str]:
        return [lot for lot in self.left if self.continues.get(lot, lot) == order]

    def expired(self, order: str) -> int:
        """What expiry has taken of the order's credits, also of those that had come back."""
        return sum(self.lost[lot] + (0 if self.lives(lot) else self.left[lot]) for lot in self.own_lots(order))

    def reverse(self, order: str, reversal: str, amount: int, status: str) -> list[tuple[str, int, datetime | None]]:
        """The new lots that it brings: the expired lot that each continues, its credits, and its expiry."""
        known = self.reversed[order].get(reversal)
        if known and rank(status) <= rank(known.status):
            return []
        before = known or Reversed(amount, "refused")
        now = Reversed(amount, status, self.expired(order) if before.gone == 0 else before.expired_before)
        self.reversed[order][reversal] = now
        more = self.wanted(order) - self.taken(order)
        if more < 0:
            assert now.gone < before.gone, "a reversal that takes money gives credits"
            return self.give_back(order, -more)
        assert more == 0 or now.gone > before.gone, "a reversal that came to nothing takes credits"
        own = [lot for lot in self.open_lots() if lot in self.own_lots(order)]
        others = [lot for lot in self.open_lots() if lot not in own]
        taken, missing = self.take(more, own + others)
        self.out[order] += taken
        self.owed[order] += missing
        return []

    def wanted(self, order: str) -> int:
        """What its reversals must have taken: at each one's time what was due until then, less what had expired."""
        standing = [one for one in self.reversed[order].values() if one.gone]
        wanted = [0]
        for last in standing:
            by_then = sum(one.gone for one in standing if one.expired_before <= last.expired_before)
            wanted.append(self.share(order, by_then) - last.expired_before)
        return max(wanted)

    def give_back(self, order: str, amount: int) -> list[tuple[str, int, datetime | None]]:
        cancelled = min(amount, self.owed[order])
        self.owed[order] -= cancelled
        amount -= cancelled
        new: Counter[tuple[str, datetime | None]] = Counter()
        while amount:
            last = self.out[order].pop()
            part = min(amount, last.credits)
            if part < last.credits:
                self.out[order].append(Out(last.lot, last.credits - part, last.life))
            amount -= part
            if last.lot in self.left and self.lives(last.lot):
                self.left[last.lot] += part - self.pay(last.lot, part, self.life(last.lot))
            else:
                expires_at = self.later(last.life)
                new[last.lot, expires_at] += part - self.pay(last.lot, part, last.life)
        return [(lot, credits_, expires_at) for (lot, expires_at), credits_ in new.items() if credits_]

    def later(self, life: timedelta | None) -> datetime | None:
        """So much later than now, on a whole second."""
        if life is None:
            return None
        moment = self.now + life
        return moment if not moment.microsecond else moment.replace(microsecond=0) + timedelta(seconds=1)

    def bring(self, lot: str, origin: str, credits_: int, expires_at: datetime | None) -> None:
        """A new lot with credits of an expired one, and that one's money for them."""
        known = origin in self.money
        self.money[lot] = self.money[origin] * credits_ // self.granted[origin] if known else 0
        self.granted[lot], self.left[lot], self.lost[lot], self.expires[lot] = credits_, credits_, 0, expires_at
        root = self.continues.get(origin, origin)
        if root in self.paid:
            self.continues[lot] = root
