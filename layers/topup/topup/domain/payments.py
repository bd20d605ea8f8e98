"""A payment with its refunds and disputes, and the credits that go back with its money.

All reversals of an order count together: `Order.reversed_minor` of its `amount_minor` is reversed, and the same share
of its credits (rounded down, all of them at the end) must have left the user: clawed back, or lost to expiry before.
So rounding leaves no residue, and a refund and a dispute of the same money never claw back twice.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from topup.domain import credits
from topup.domain.credits import STRIPE, Cause, CreditChange, TransactionType, Wallet
from topup.domain.lots import Lot
from topup.domain.orders import Order
from topup.domain.reversals import RANK, Kind, Reversal


@dataclass(frozen=True)
class Payment:
    """An order with its refunds and disputes, oldest first."""

    order: Order
    reversals: Sequence[Reversal]


@dataclass(frozen=True, kw_only=True)
class SettledPayment:
    """A settled payment with its user's wallet and lots: all that a decision about one of its reversals needs.

    `lots` are the user's lots that are not past their expiry; `own_lot` is the one that the order granted.
    """

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
    """A reversal that changes, the order's figures, and the credits that go or come back: one transaction."""

    order_before: Order
    order_after: Order
    before: Reversal | None
    after: Reversal
    credits: CreditChange | None


def decide(payment: SettledPayment, update: Reversal, now: datetime) -> ReversalChange | None:
    """What a refund's or dispute's update changes; None if nothing."""
    before = payment.find(update.reversal_id)
    after = _merged(before, update)
    if after == before:
        return None
    order = _with_figures(payment.order, before, after)
    due = order.credits_due_back - payment.order.credits_due_back
    change = (
        _claw_back(payment, before, after, due, now)
        if due > 0
        else _restore(payment, before, after, -due, now)
        if due < 0
        else None
    )
    clawed_back = -change.entry.amount if change else 0
    return ReversalChange(
        order_before=payment.order,
        order_after=replace(order, clawed_back=order.clawed_back + clawed_back),
        before=before,
        after=replace(after, clawed_back=max(0, after.clawed_back + clawed_back)),
        credits=change,
    )


def confirm(order: Order, before: Reversal, update: Reversal) -> ReversalChange | None:
    """What an update changes that moves neither money nor credits, and so needs no reading; None for any other."""
    after = _merged(before, update)
    if after == before or after.reversed_minor != before.reversed_minor:
        return None
    return ReversalChange(order_before=order, order_after=order, before=before, after=after, credits=None)


def debt_of(change: ReversalChange) -> int:
    """How many credits the user would owe because of it."""
    return change.credits.entry.debt_change if change.credits else 0


def largest_without_debt(payment: SettledPayment, now: datetime) -> int:
    """The largest further refund, in minor units, whose claw-back finds all of its credits."""
    order = payment.order
    absorbed = order.credits_due_back - order.clawed_back
    takeable = max(0, credits.open_balance(payment.lots, payment.wallet, now))
    due_at_most = order.credits_due_back + takeable + max(0, payment.own_lot.lost_to_expiry(now) - absorbed)
    if due_at_most >= order.credits_purchased:
        return order.refundable_minor
    # The largest r with floor(credits × r / amount) ≤ due_at_most.
    reversible = -(-(due_at_most + 1) * order.amount_minor // order.credits_purchased) - 1
    return max(0, min(order.refundable_minor, reversible - order.reversed_minor))


def _merged(before: Reversal | None, update: Reversal) -> Reversal:
    if before is None:
        return update
    known = replace(before, stripe_id=before.stripe_id or update.stripe_id)
    return replace(known, status=update.status) if RANK[update.status] > RANK[before.status] else known


def _with_figures(order: Order, before: Reversal | None, after: Reversal) -> Order:
    more = after.reversed_minor - (before.reversed_minor if before else 0)
    if after.kind is Kind.REFUND:
        return replace(order, refunded_minor=order.refunded_minor + more)
    return replace(order, disputed_minor=order.disputed_minor + more)


def _claw_back(
    payment: SettledPayment, before: Reversal | None, after: Reversal, due: int, now: datetime
) -> CreditChange | None:
    # What expiry has taken already counts as taken, once.
    absorbed = payment.order.credits_due_back - payment.order.clawed_back
    absorbed_now = min(due, max(0, payment.own_lot.lost_to_expiry(now) - absorbed))
    if absorbed_now == due:
        return None
    why = TransactionType.REFUNDED if after.kind is Kind.REFUND else TransactionType.DISPUTED
    cause = _cause(why, payment.order, before, after, after.kind.capitalize())
    return credits.claw_back(payment.wallet, payment.own_lot, payment.lots, due - absorbed_now, cause, now)


def _restore(
    payment: SettledPayment, before: Reversal | None, after: Reversal, due: int, now: datetime
) -> CreditChange | None:
    # In this order: what this reversal took and no other one's end has given back; what it did not take because expiry
    # had; what another one took that has ended since, while this one still reversed the same money.
    absorbed = payment.order.credits_due_back - payment.order.clawed_back
    own = min(due, payment.order.clawed_back, before.clawed_back if before else 0)
    returned = due - min(due - own, absorbed)
    if returned == 0:
        return None
    is_refund = after.kind is Kind.REFUND
    why = TransactionType.REFUND_REVERSED if is_refund else TransactionType.DISPUTE_REVERSED
    cause = _cause(why, payment.order, before, after, f"{after.kind.capitalize()} {after.status.value}")
    return credits.restore(payment.wallet, payment.own_lot, returned, cause, now)


def _cause(why: TransactionType, order: Order, before: Reversal | None, after: Reversal, what: str) -> Cause:
    """Who took the credits or gave them back: the administrator who began the refund, or Stripe."""
    is_begun_here = before is None and after.requested_by is not None
    return Cause(
        transaction_type=why,
        actor=f"admin:{after.requested_by}" if is_begun_here else STRIPE,
        description=f"{what}: {order.package_name}",
        reason=after.reason,
        payment_id=order.payment_id,
        package=order.package_id,
        money_minor=(before.reversed_minor if before else 0) - after.reversed_minor,
        currency=order.currency,
    )
