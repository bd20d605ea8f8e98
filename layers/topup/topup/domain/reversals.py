"""Money that goes back, by refund or by dispute, and the credits that go back with it.

All reversals of an order count together: `Order.reversed_minor` of its `amount_minor` is reversed, and so the same
share of its credits (rounded down, all of them at the end) has to be gone from the user: clawed back, or lost to expiry
before that. So rounding leaves no residue, and a refund and a dispute of the same money never claw twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from topup.domain import credits
from topup.domain.credits import CreditChange, Lot, TransactionType, Wallet
from topup.domain.news import ReversalNews
from topup.domain.orders import Order
from topup.domain.reversal_kinds import RANK, REVERSES, Kind, Standing


@dataclass(frozen=True, kw_only=True)
class Reversal:
    """One refund or dispute of an order: `amount_minor` in minor units of the order's currency.

    `reversal_id` is our own id for a refund made here, and Stripe's for all others; `stripe_id` is Stripe's, once
    known. `clawed` is how many credits it has taken and not given back.
    """

    kind: Kind
    reversal_id: str
    payment_id: str
    amount_minor: int
    standing: Standing
    created_at: datetime
    reason: str | None = None
    stripe_id: str | None = None
    clawed: int = 0
    requested_by: str | None = None
    request_fingerprint: str | None = None

    @classmethod
    def told(cls, news: ReversalNews) -> "Reversal":
        """As Stripe tells of it."""
        return cls(
            kind=news.kind,
            reversal_id=news.reversal_id,
            payment_id=news.payment_id,
            amount_minor=news.amount_minor,
            standing=news.standing,
            created_at=news.created_at,
            reason=news.reason,
            stripe_id=news.stripe_id,
        )

    @property
    def reversed_minor(self) -> int:
        """How much of the money it reverses as it stands."""
        return self.amount_minor if self.standing in REVERSES else 0


@dataclass(frozen=True)
class Payment:
    """An order with its refunds and disputes, oldest first."""

    order: Order
    reversals: Sequence[Reversal]


@dataclass(frozen=True, kw_only=True)
class Books:
    """All that a decision about an order's reversals needs: `lots` are the user's that are not past their expiry."""

    order: Order
    reversals: Sequence[Reversal]
    wallet: Wallet
    lots: Sequence[Lot]
    own_lot: Lot

    def find(self, reversal_id: str) -> Reversal | None:
        """The order's reversal of that id, as it was read."""
        return next((known for known in self.reversals if known.reversal_id == reversal_id), None)


@dataclass(frozen=True, kw_only=True)
class ReversalChange:
    """A reversal that moves, the order's figures, and the credits that go or come back: one transaction."""

    order_before: Order
    order_after: Order
    before: Reversal | None
    after: Reversal
    credits: CreditChange | None


def decide(books: Books, news: Reversal, now: datetime) -> ReversalChange | None:
    """What news of a refund or dispute changes; None if nothing (any more)."""
    before = books.find(news.reversal_id)
    after = _merged(before, news)
    if after == before:
        return None
    order = _with_figures(books.order, before, after)
    due = order.credits_due_back - books.order.credits_due_back
    change = (
        _claw(books, after, due, now) if due > 0 else _restore(books, before, after, -due, now) if due < 0 else None
    )
    moved = -change.entry.amount if change else 0
    return ReversalChange(
        order_before=books.order,
        order_after=replace(
            order,
            clawed_back=order.clawed_back + moved,
            # Credits that return to a lot past its expiry have to be swept once more.
            credits_swept=order.credits_swept and moved >= 0,
        ),
        before=before,
        after=replace(after, clawed=max(0, after.clawed + moved)),
        credits=change,
    )


def confirm(order: Order, before: Reversal, news: Reversal) -> ReversalChange | None:
    """What news changes that moves neither money nor credits, which needs no reading; None for any other."""
    after = _merged(before, news)
    if after == before or after.reversed_minor != before.reversed_minor:
        return None
    return ReversalChange(order_before=order, order_after=order, before=before, after=after, credits=None)


def debt_of(change: ReversalChange) -> int:
    """How many credits the user would owe because of it."""
    return change.credits.entry.debt_change if change.credits else 0


def largest_without_debt(books: Books, now: datetime) -> int:
    """The largest further refund, in minor units, whose claw-back finds all of its credits."""
    order = books.order
    absorbed = order.credits_due_back - order.clawed_back
    takeable = max(0, credits.open_balance(books.lots, books.wallet, now))
    due_at_most = order.credits_due_back + takeable + max(0, books.own_lot.lost_to_expiry(now) - absorbed)
    if due_at_most >= order.credits_purchased:
        return order.refundable_minor
    # The largest r with floor(credits × r / amount) ≤ due_at_most.
    reversible = -(-(due_at_most + 1) * order.amount_minor // order.credits_purchased) - 1
    return max(0, min(order.refundable_minor, reversible - order.reversed_minor))


def _merged(before: Reversal | None, news: Reversal) -> Reversal:
    if before is None:
        return news
    known = replace(before, stripe_id=before.stripe_id or news.stripe_id)
    return replace(known, standing=news.standing) if RANK[news.standing] > RANK[before.standing] else known


def _with_figures(order: Order, before: Reversal | None, after: Reversal) -> Order:
    more = after.reversed_minor - (before.reversed_minor if before else 0)
    if after.kind is Kind.REFUND:
        return replace(order, refunded_minor=order.refunded_minor + more)
    return replace(order, disputed_minor=order.disputed_minor + more)


def _claw(books: Books, after: Reversal, due: int, now: datetime) -> CreditChange | None:
    # What expiry has taken already counts as taken, once.
    absorbed = books.order.credits_due_back - books.order.clawed_back
    absorbed_now = min(due, max(0, books.own_lot.lost_to_expiry(now) - absorbed))
    if absorbed_now == due:
        return None
    why = TransactionType.REFUNDED if after.kind is Kind.REFUND else TransactionType.DISPUTED
    description = f"{after.kind.capitalize()}: {books.order.package_name}"
    return credits.claw_back(books.wallet, books.own_lot, books.lots, due - absorbed_now, why, description, now)


def _restore(books: Books, before: Reversal | None, after: Reversal, due: int, now: datetime) -> CreditChange | None:
    # First what this very reversal took and no other one's end has given back; then what it did not take because expiry
    # had; then what another one took that has ended since, when this one still reversed the same money.
    absorbed = books.order.credits_due_back - books.order.clawed_back
    own = min(due, books.order.clawed_back, before.clawed if before else 0)
    returned = due - min(due - own, absorbed)
    if returned == 0:
        return None
    is_refund = after.kind is Kind.REFUND
    why = TransactionType.REFUND_REVERSED if is_refund else TransactionType.DISPUTE_REVERSED
    description = f"Refund {after.standing.value}" if is_refund else f"Dispute {after.standing.value}"
    return credits.restore(
        books.wallet, books.own_lot, returned, why, f"{description}: {books.order.package_name}", now
    )
