"""How much of a payment can be refunded without taking credits that are spent or held."""

from collections.abc import Sequence
from datetime import datetime

from topup.domain import clawbacks, holds
from topup.domain.lots import LotChange
from topup.domain.payments import ReversalChange, SettledPayment


def debt_of(change: ReversalChange) -> int:
    """How many credits the user would owe because of it."""
    return change.credits.entry.debt_change if change.credits else 0


def taken_from_holds(payment: SettledPayment, change: ReversalChange, now: datetime) -> int:
    """How many of the credits that open holds reserve it takes."""
    return _taken_from_holds(payment, change.credits.lots, now) if change.credits else 0


def _taken_from_holds(payment: SettledPayment, taken: Sequence[LotChange], now: datetime, owed: int = 0) -> int:
    after = {one.after.lot_id: one.after for one in taken}
    left = [after.get(lot.lot_id, lot) for lot in payment.lots]
    known = holds.uncovered(payment.lots, payment.holds, now, owed)
    return max(0, holds.uncovered(left, payment.holds, now, owed) - known)


def largest(payment: SettledPayment, now: datetime) -> int:
    """The largest further refund, in minor units, whose claw-back finds all of its credits, and none that are held."""
    order = payment.order
    due_at_most = payment.out.credits + _takeable(payment, now) + payment.lost_to_expiry(now)
    if due_at_most >= order.credits_purchased:
        return order.refundable_minor
    # The largest r with floor(credits × r / charged) ≤ due_at_most.
    reversible = -(-(due_at_most + 1) * order.charged_minor // order.credits_purchased) - 1
    return max(0, min(order.refundable_minor, reversible - order.reversed_minor))


def _takeable(payment: SettledPayment, now: datetime) -> int:
    """How many credits a claw-back may take that pay no debt, without making any or uncovering a hold."""
    owed = payment.wallet.debt
    least, most = 0, max(0, sum(lot.remaining for lot in payment.lots if lot.is_open(now)) - owed)
    if not payment.holds:
        return most
    while least < most:
        middle = (least + most + 1) // 2
        if _taken_from_holds(payment, clawbacks.drawn_from(payment.own_lots, payment.lots, middle, now), now, owed):
            most = middle - 1
        else:
            least = middle
    return least
