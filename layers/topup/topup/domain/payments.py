"""A payment with its refunds and disputes, and the credits that go back with its money.

What the reversals of an order take depends on which of them stand, not on the order in which they came or ended. All
of them count together: `Order.reversed_minor` of its `charged_minor` is reversed, and the same share of its credits
(rounded down, all of them at the end) is due. Credits that expired before a reversal count as taken: nobody owes them.
What expires later changes nothing: what reversals took stays taken as long as they stand.
"""

from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from datetime import datetime

from topup.domain import clawbacks, credits
from topup.domain.credits import STRIPE, Cause, CreditChange, TransactionType, Wallet
from topup.domain.holds import Hold
from topup.domain.lots import Lot
from topup.domain.orders import Order
from topup.domain.reversals import DECIDED, RANK, Kind, Reversal, ReversalStatus
from topup.domain.takings import Clawback


@dataclass(frozen=True)
class Payment:
    """An order with its refunds and disputes, oldest first."""

    order: Order
    reversals: Sequence[Reversal]


@dataclass(frozen=True, kw_only=True)
class SettledPayment:
    """A settled payment with its user's wallet and lots: all that a decision about one of its reversals needs.

    `lots` are the user's lots that are not past their expiry, `holds` those that nobody has ended. `own_lots` are the
    lot that the order granted and those that continue it; `out` is what the order's reversals have out, and
    `taken_lots` are the lots that it came from.
    """

    order: Order
    reversals: Sequence[Reversal]
    wallet: Wallet
    lots: Sequence[Lot]
    own_lots: Sequence[Lot]
    out: Clawback
    taken_lots: Sequence[Lot] = ()
    holds: Sequence[Hold] = ()

    def find(self, reversal_id: str) -> Reversal | None:
        """The order's reversal of that id, as it was read."""
        return next((known for known in self.reversals if known.reversal_id == reversal_id), None)

    def lost_to_expiry(self, now: datetime) -> int:
        """What expiry has taken of the order's own lots, or will take when they are swept."""
        return sum(lot.lost_to_expiry(now) for lot in self.own_lots)


@dataclass(frozen=True, kw_only=True)
class ReversalChange:
    """A reversal that changes, the order's figures, and the credits that go or come back: one transaction."""

    order_before: Order
    order_after: Order
    before: Reversal | None
    after: Reversal
    credits: CreditChange | None


def decide(
    payment: SettledPayment, update: Reversal, now: datetime, *, is_current: bool = False
) -> ReversalChange | None:
    """What a refund's or dispute's update changes; None if nothing.

    `is_current`: it was read from Stripe after the payment was read here, so it is no late one.
    """
    before, update = matched(payment.order, payment.reversals, update)
    after = _merged(before, update, is_current=is_current)
    if after == before:
        return None
    after = _dated(payment, before, after, now)
    order = _with_figures(payment.order, before, after)
    change = _move_credits(payment, order, before, after, now)
    taken = -change.entry.amount if change else 0
    return ReversalChange(
        order_before=payment.order,
        order_after=replace(order, clawed_back=payment.out.credits + taken),
        before=before,
        after=replace(after, clawed_back=max(0, after.clawed_back + taken) if after.reversed_minor else 0),
        credits=change,
    )


def matched(order: Order, reversals: Sequence[Reversal], update: Reversal) -> tuple[Reversal | None, Reversal]:
    """The reversal that the update is about, None if it is not known; and the update under that one's id.

    Stripe's id decides. Two refunds may carry the same id of ours, if Stripe made one of them twice: both count.
    """
    update = _in_currency_of(order, update)
    for known in reversals:
        if known.stripe_id is not None and known.stripe_id == update.stripe_id:
            return known, replace(update, reversal_id=known.reversal_id)
    known_by_id = next((known for known in reversals if known.reversal_id == update.reversal_id), None)
    if known_by_id and known_by_id.stripe_id and update.stripe_id:
        return None, replace(update, reversal_id=update.stripe_id)
    return known_by_id, update


def _in_currency_of(order: Order, update: Reversal) -> Reversal:
    """The update with its money in the order's currency.

    Stripe may report a dispute in the currency of the card. How much of the order's money that is cannot be known, and
    a dispute is nearly always about the whole payment: so it counts as the whole, or as that share of it that Stripe's
    records say.
    """
    if update.currency in (None, order.currency):
        return replace(update, currency=None)
    if update.status is ReversalStatus.UNKNOWN and update.net_minor is None:
        return update  # nothing is known of its money: what is recorded stays
    whole = max(1, update.amount_minor)
    return replace(update, net_minor=order.charged_minor * min(update.reversed_minor, whole) // whole)


def confirm(order: Order, before: Reversal, update: Reversal) -> ReversalChange | None:
    """What an update changes that moves neither money nor credits, and so needs no reading; None for any other."""
    after = _merged(before, _in_currency_of(order, update))
    if after == before or after.reversed_minor != before.reversed_minor:
        return None
    return ReversalChange(order_before=order, order_after=order, before=before, after=after, credits=None)


def is_ambiguous(before: Reversal | None, update: Reversal) -> bool:
    """Whether only Stripe can say if this is news: a bank decides anew and opens a case again, and amounts change."""
    if update.kind is not Kind.DISPUTE:
        return False
    if update.status is ReversalStatus.UNKNOWN:
        return before is not None and update.net_minor is not None and update.net_minor != before.reversed_minor
    if before is not None and before.stripe_status is not None:
        return True  # how its word and other ones follow each other is not known
    if before is not None and update.status is before.status:
        return (update.amount_minor, update.reversed_minor) != (before.amount_minor, before.reversed_minor)
    return update.status in DECIDED or (before is not None and before.status in DECIDED)


def is_unheard_end(payment: SettledPayment, update: Reversal) -> bool:
    """Whether a reversal came to nothing that is not known here, while the ledger has more money out than the order.

    The orders table is an older copy, put back: either this one took the rest, or others did that are not known yet.
    """
    before, update = matched(payment.order, payment.reversals, update)
    return before is None and update.reversed_minor == 0 and _unexplained_minor(payment.order, payment.out) > 0


def _unexplained_minor(order: Order, out: Clawback) -> int:
    """How much more of the order's money has gone back in the ledger than the order says."""
    return max(0, (out.reversed_minor or 0) - order.refunded_minor - order.disputed_minor)


def _merged(before: Reversal | None, update: Reversal, *, is_current: bool = False) -> Reversal:
    if before is None:
        return update
    known = replace(before, stripe_id=before.stripe_id or update.stripe_id)
    if update.status is ReversalStatus.UNKNOWN:
        # The money counts, where Stripe's records of it are there and no late ones.
        moved = is_current and update.net_minor is not None
        net_minor = update.net_minor if moved else known.net_minor
        return replace(known, stripe_status=update.stripe_status, net_minor=net_minor)
    if RANK[update.status] <= RANK[before.status] and not is_current:
        return known
    return _taken_over(known, update)


def _taken_over(known: Reversal, update: Reversal) -> Reversal:
    """What is known of it, with what Stripe says now."""
    return replace(
        known,
        status=update.status,
        amount_minor=update.amount_minor,
        currency=update.currency,
        net_minor=update.net_minor,
        stripe_status=update.stripe_status,
    )


def _with_figures(order: Order, before: Reversal | None, after: Reversal) -> Order:
    more = after.reversed_minor - (before.reversed_minor if before else 0)
    if before is not None and more == 0:
        return order
    order = replace(order, reversal_changes=order.reversal_changes + 1)
    if after.kind is Kind.REFUND:
        return replace(order, refunded_minor=order.refunded_minor + more)
    return replace(order, disputed_minor=order.disputed_minor + more)


def _dated(payment: SettledPayment, before: Reversal | None, after: Reversal, now: datetime) -> Reversal:
    """The reversal with how much it reversed while the order's lot lived, and what had expired before the rest."""
    own_lot, lost = payment.own_lots[0], payment.lost_to_expiry(now)
    # It may have been swept while this update, which was received before its expiry, was tried again.
    if not own_lot.is_expired(now) and not own_lot.expired_credits:
        return replace(after, live_minor=after.reversed_minor)
    lived = _lived(own_lot, before) if before else 0
    if before is None and payment.out.credits > _credits_to_take(payment, payment.reversals, now):
        # More is out than what is recorded has taken: the orders table was restored, and this one took its credits.
        lived = _lived(own_lot, after)
    has_grown = after.reversed_minor > (before.reversed_minor if before else 0)
    return replace(
        after,
        live_minor=min(after.reversed_minor, lived),
        lost_before=lost if has_grown else after.lost_before,
    )


def _lived(own_lot: Lot, known: Reversal) -> int:
    if known.live_minor is not None:
        return known.live_minor
    # An earlier version did not keep it.
    return 0 if own_lot.is_expired(known.created_at) else known.reversed_minor


def _move_credits(
    payment: SettledPayment, order: Order, before: Reversal | None, after: Reversal, now: datetime
) -> CreditChange | None:
    """Take what is due now and is not out yet, or give back what is out and no longer due.

    Money that goes back never gives credits, and money that stays never takes any. Where no credits move, the entry
    has the money alone: the books are made from the ledger.
    """
    more_money = after.reversed_minor - (before.reversed_minor if before else 0)
    if before is None and more_money == 0:
        more_money = -_unexplained_minor(payment.order, payment.out)  # see is_unheard_end: all that stands is known
    out, money_minor = _with_money(payment.order, order, payment.out, more_money)
    others = [known for known in payment.reversals if known.reversal_id != after.reversal_id]
    more = _credits_to_take(payment, [*others, after], now) - payment.out.credits
    cause = _cause(payment.order, before, after, money_minor, is_taken=more_money > 0)
    if more > 0 and more_money > 0:
        return clawbacks.claw_back(payment.wallet, out, payment.own_lots, payment.lots, more, cause, now)
    if more < 0 and more_money < 0:
        own = payment.own_lots[0]
        life = own.expires_at - order.paid_at if own.expires_at and order.paid_at else None
        out = clawbacks.still_owed(payment.wallet, out, life)
        lots = {lot.lot_id: lot for lot in (*payment.taken_lots, *payment.own_lots, *payment.lots)}
        return clawbacks.give_back(payment.wallet, out, lots, -more, cause, now)
    if money_minor:
        return replace(credits.change(payment.wallet, (), cause, now), clawback=out)
    return None


def _with_money(before: Order, after: Order, out: Clawback, more_money: int) -> tuple[Clawback, int]:
    """What the ledger will say of the order's money that has gone back, and how much of it comes or goes with this.

    The ledger may know more than the order does: the orders table is an older copy, put back, and hears again of what
    its refunds and disputes reversed, or of what came of them.
    """
    by_then, by_now = (order.refunded_minor + order.disputed_minor for order in (before, after))
    known = by_then if out.reversed_minor is None else out.reversed_minor
    reversed_minor = max(known, by_now) if more_money > 0 else max(known + more_money, min(known, by_now))
    return replace(out, reversed_minor=reversed_minor), known - reversed_minor


def _credits_to_take(payment: SettledPayment, reversals: Sequence[Reversal], now: datetime) -> int:
    """How many credits must be out while these reversals stand.

    For each number of credits that had expired at a reversal's time: what is due for all that was reversed by then,
    less that number. Nothing had expired while the order's lot lived.
    """
    own_lot, lost = payment.own_lots[0], payment.lost_to_expiry(now)
    parts: Counter[int] = Counter()  # of the money, by what had expired before
    for known in reversals:
        lived = _lived(own_lot, known)
        parts[0] += lived
        # An earlier version did not keep what had expired.
        parts[lost if known.lost_before is None else known.lost_before] += known.reversed_minor - lived
    taken = by_then = 0
    for expired in sorted(parts):
        by_then += parts[expired]
        taken = max(taken, payment.order.credits_due_for(by_then) - expired)
    return taken


def _cause(order: Order, before: Reversal | None, after: Reversal, money_minor: int, *, is_taken: bool) -> Cause:
    """Who took the credits or gave them back, and why: the administrator who began the refund, or Stripe."""
    is_refund = after.kind is Kind.REFUND
    if is_taken:
        why = TransactionType.REFUNDED if is_refund else TransactionType.DISPUTED
        what = after.kind.capitalize()
    else:
        why = TransactionType.REFUND_REVERSED if is_refund else TransactionType.DISPUTE_REVERSED
        what = f"{after.kind.capitalize()} {after.status.value}"
    is_begun_here = before is None and after.requested_by is not None
    return Cause(
        transaction_type=why,
        actor=f"admin:{after.requested_by}" if is_begun_here else STRIPE,
        description=f"{what}: {order.package_name}",
        reason=after.reason,
        payment_id=order.payment_id,
        package=order.package_id,
        money_minor=money_minor,
        currency=order.currency,
    )
