"""A model of the credits in plain arithmetic, written from the rules and without any of the product's code.

A lot is known by its order's id, one without an order by its own, and a reversal by its own. The test says what
happened; the model adds and subtracts.
"""

from dataclasses import dataclass, field

# Refunds and disputes never go back in these lists, nor from one status to another of the same entry.
REFUND = ("in_flight", "pending", "succeeded", "failed canceled")
DISPUTE = (
    "warning_needs_response",
    "warning_under_review",
    "warning_closed",
    "needs_response",
    "under_review",
    "lost",
    "won prevented",
)
MONEY_IS_GONE = {"in_flight", "pending", "succeeded", "needs_response", "under_review", "lost"}


def rank(status: str) -> int:
    return next(n for line in (REFUND, DISPUTE) for n, names in enumerate(line) if status in names.split())


@dataclass
class Model:
    """`left`, `lost` and `money` per lot, `taken` per order and per reversal, each reversal's amount and status.

    `paid` is the price of each order; `money` is what was paid for each lot, with an order or without.
    """

    paid: dict[str, int] = field(default_factory=dict)
    money: dict[str, int] = field(default_factory=dict)
    granted: dict[str, int] = field(default_factory=dict)
    left: dict[str, int] = field(default_factory=dict)
    lost: dict[str, int] = field(default_factory=dict)
    taken: dict[str, int] = field(default_factory=dict)
    reversed: dict[str, dict[str, tuple[int, str]]] = field(default_factory=dict)
    debt: int = 0
    earned: int = 0

    def buy(self, lot: str, credits_: int, price: int) -> None:
        self.paid[lot], self.taken[lot], self.reversed[lot] = price, 0, {}
        self.grant(lot, credits_, price)

    def grant(self, lot: str, credits_: int, price: int) -> None:
        self.earned += credits_
        self.adjust(lot, credits_, price)

    def adjust(self, lot: str, credits_: int, price: int = 0) -> None:
        self.money[lot], self.granted[lot], self.lost[lot], self.left[lot] = price, credits_, 0, 0
        self.give(lot, credits_)

    def owed(self, lot: str) -> int:
        """The money that its credits still stand for: their share, rounded up, so that all of it is used in the end."""
        return -(-self.money[lot] * self.left[lot] // self.granted[lot])

    def give(self, lot: str, amount: int) -> None:
        settled = min(self.debt, amount)
        self.debt -= settled
        self.left[lot] += amount - settled

    def take(self, amount: int, open_lots: list[str]) -> None:
        for lot in open_lots:
            drawn = min(self.left[lot], amount)
            self.left[lot] -= drawn
            amount -= drawn
        self.debt += amount

    def expire(self, lot: str) -> None:
        self.lost[lot], self.left[lot] = self.lost[lot] + self.left[lot], 0

    def due(self, order: str) -> int:
        """How many of its credits must have left the user."""
        gone = sum(amount for amount, status in self.reversed[order].values() if status in MONEY_IS_GONE)
        return self.granted[order] * min(gone, self.paid[order]) // self.paid[order]

    def reverse(self, order: str, reversal: str, amount: int, status: str, open_lots: list[str], past: bool) -> None:
        """`open_lots` are the other ones, soonest expiry first; `past`: the order's own lot has expired."""
        known, before, absorbed = self.reversed[order].get(reversal), self.due(order), self._absorbed(order)
        if known and rank(status) <= rank(known[1]):
            return
        self.reversed[order][reversal] = (amount, status)
        expired = self.lost[order] + (self.left[order] if past else 0)
        change = self.due(order) - before
        if change > 0:  # credits lost to expiry count as taken
            more = max(0, self.due(order) - expired - self.taken[order])
            self.take(more, [*([] if past else [order]), *open_lots])
            self._taken(order, reversal, more)
        else:  # what it took comes back, but not what expiry has taken instead
            own = min(self.taken.get(reversal, 0), self.taken[order])  # the end of another one may have given some back
            back = max(min(-change, own), -change - absorbed)
            self.give(order, back)
            self._taken(order, reversal, -back)

    def _absorbed(self, order: str) -> int:
        return self.due(order) - self.taken[order]

    def _taken(self, order: str, reversal: str, more: int) -> None:
        self.taken[order] += more
        self.taken[reversal] = max(0, self.taken.get(reversal, 0) + more)
