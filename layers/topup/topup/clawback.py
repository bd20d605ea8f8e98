"""Apply a refund's or dispute's update: the order's figures and the claw-back of its credits change together.

Nothing else claws credits back or restores them. A reversal is a refund or a dispute.
"""

from dataclasses import replace
from datetime import datetime

from topup import fulfilment, store, stripe_gateway
from topup.domain import expiries, payments, refundable
from topup.domain.errors import OrderUnsettled
from topup.domain.orders import Order
from topup.domain.payments import Payment, ReversalChange, SettledPayment
from topup.domain.reversals import Reversal, ReversalStatus
from topup.domain.updates import ReversalUpdate
from topup.runtime.telemetry import count, logger, pseudonym

NOT_MADE = frozenset({ReversalStatus.FAILED, ReversalStatus.CANCELED})


@store.retried
def apply(update: ReversalUpdate, now: datetime) -> bool:
    """Apply a refund's or dispute's update, once, however often it is delivered; True if it changed anything.

    Stripe is asked again where the update is about another payment intent than the order's, or where only Stripe can
    say whether it is a late one. Raises OrderMissing, OrderUnsettled, StripeFailed, Busy.
    """
    payment = _load(update.payment_id)
    if update.transaction_id in payment.order.given_back_intents:
        return _of_given_back(update, payment.order)
    if not payment.order.is_settled:
        if not _settle_first(update, now):
            return False
        payment = _load(update.payment_id)
    if not _is_of_its_intent(update, payment.order):
        return _apply_where_it_belongs(update, payment.order, now)
    return _apply_to(payment, update, now)


def _apply_to(payment: Payment, update: ReversalUpdate, now: datetime, *, is_all_known: bool = False) -> bool:
    """Apply an update to the payment that it is about; `is_all_known`: what stands at Stripe has been recorded."""
    is_current, current = _news(update, payment)
    if current is None:
        return False
    settled = store.load_settled_payment(payment, now)
    if not is_all_known and payments.is_unheard_end(settled, reported(current)):
        _record_what_stands(payment.order, now)
        # Stripe is asked anew: that took a while, and the bank may have opened the case again.
        return _apply_to(_load(payment.order.payment_id), update, now, is_all_known=True)
    change = payments.decide(settled, reported(current), now, is_current=is_current)
    if change:
        commit(settled, change, now)
    else:
        order, stripe_id = payment.order, current.reversal.stripe_id
        logger.info(
            "nothing to change", payment_id=order.payment_id, user=pseudonym(order.user_id), stripe_id=stripe_id
        )
    return change is not None


def _news(update: ReversalUpdate, payment: Payment) -> tuple[bool, ReversalUpdate | None]:
    """Whether Stripe was asked, after the payment was read here, and what it says; None if that is of another payment.

    It is asked where only it can say whether the update is a late one.
    """
    if not payments.is_ambiguous(*payments.matched(payment.order, payment.reversals, reported(update))):
        return False, update
    current = stripe_gateway.read_reversal(update)
    return True, current if current and _is_of_its_intent(current, payment.order) else None


def _record_what_stands(order: Order, now: datetime) -> None:
    """Record the order's reversals that stand at Stripe: only what the ledger has beyond them came to nothing."""
    for update in stripe_gateway.reversals_of(str(order.transaction_id)):
        if update.reversal.reversed_minor:
            apply(update, now)


def reported(update: ReversalUpdate) -> Reversal:
    """The update's refund or dispute, in the currency that Stripe names."""
    return replace(update.reversal, currency=update.currency)


def commit(settled: SettledPayment, change: ReversalChange, now: datetime) -> None:
    """Write what was decided for a reversal of the payment; raises LostRace."""
    _sweep(settled, now)
    store.record_reversal(change)
    _report(change)
    _report_holds(settled, change, now)


def _load(payment_id: str) -> Payment:
    payment = store.load_payment(payment_id)
    if payment is None:
        raise fulfilment.missing(payment_id)
    return payment


def _sweep(settled: SettledPayment, now: datetime) -> None:
    """Expire what a lot past its expiry has left before its loss counts; raises LostRace when there was any.

    Otherwise a spend that was received before the expiry and is written after it would still find the credits.
    """
    for lot in settled.own_lots:
        if expired := expiries.expire(settled.wallet, lot, now):
            store.record_expiry(expired)
            raise store.LostRace("the order's lot had to be swept first")


def _settle_first(update: ReversalUpdate, now: datetime) -> bool:
    """Stripe reported the refund before the payment. Settle the order first, then claw back.

    False if the payment is quarantined: it granted nothing, so there is nothing to take. Raises OrderUnsettled.
    """
    known = update if update.payment else stripe_gateway.read_reversal(update)
    if known is None or known.payment is None:
        raise OrderUnsettled
    order = fulfilment.apply(known.payment, now).order
    if not order.is_settled and order.quarantine_reason:
        stripe_id = update.reversal.stripe_id
        logger.warning(
            "reversal of a quarantined payment",
            payment_id=order.payment_id,
            user=pseudonym(order.user_id),
            stripe_id=stripe_id,
        )
        return False
    return True


def _of_given_back(update: ReversalUpdate, order: Order) -> bool:
    """The payment granted nothing, so there is nothing to take; but if its refund fails, its money is here again."""
    if update.reversal.status not in NOT_MADE or order.release_under_way:
        return False
    money = stripe_gateway.read_intent_money(str(update.transaction_id))
    if money is None or money.is_back:
        return False
    return fulfilment.reopen(order, str(update.transaction_id), str(update.reversal.stripe_id))


def _is_of_its_intent(update: ReversalUpdate, order: Order) -> bool:
    """Whether the update is about the payment that settled the order, as far as both are known."""
    is_of_order = update.payment_id == order.payment_id
    # Of an order for nothing there is no intent: whatever was paid for it besides is another payment.
    own = order.transaction_id or (update.transaction_id if order.charged_minor else None)
    return is_of_order and update.transaction_id in (None, own)


def _apply_where_it_belongs(update: ReversalUpdate, order: Order, now: datetime) -> bool:
    """Apply an update whose payment intent is not the order's to the order that the intent itself names.

    A second payment of the same order was quarantined and granted nothing, so there is nothing to take.
    """
    current = stripe_gateway.read_reversal(update)
    if current is not None and current.payment_id != order.payment_id:
        return apply(current, now)
    stripe_id = update.reversal.stripe_id
    logger.warning(
        "reversal of another payment intent",
        payment_id=order.payment_id,
        user=pseudonym(order.user_id),
        stripe_id=stripe_id,
    )
    count("ReversalOfAnotherIntent")
    return False


def _report(change: ReversalChange) -> None:
    after, user_id = change.after, change.order_after.user_id
    logger.info(
        "reversal changed",
        payment_id=after.payment_id,
        user=pseudonym(user_id),
        reversal_id=after.reversal_id,
        kind=after.kind.value,
        status=after.status.value,
        credits=change.credits.entry.amount if change.credits else 0,
    )
    count(f"{after.kind.capitalize()}Changed")
    if after.currency and (change.before is None or change.before.currency != after.currency):
        logger.error(
            "reversal in another currency",
            payment_id=after.payment_id,
            user=pseudonym(user_id),
            reversal_id=after.reversal_id,
        )
        count("ReversalInAnotherCurrency")
    if debt := max(0, refundable.debt_of(change)):
        count("DebtIncurred", debt)


def _report_holds(settled: SettledPayment, change: ReversalChange, now: datetime) -> None:
    if taken := refundable.taken_from_holds(settled, change, now):
        user_id, payment_id = change.order_after.user_id, change.order_after.payment_id
        logger.warning("held credits were clawed back", payment_id=payment_id, user=pseudonym(user_id), credits=taken)
        count("HeldCreditsTaken", taken)
