"""What becomes of refunds and disputes: the one way in which news of one, from wherever, moves money and credits."""

from datetime import datetime

from topup import contention, payments, store
from topup.domain import credits, reversals
from topup.domain.errors import OrderUnsettled
from topup.domain.news import ReversalNews
from topup.domain.orders import Order
from topup.domain.reversals import Books, Reversal, ReversalChange
from topup.telemetry import count, logger


def apply(news: ReversalNews, now: datetime) -> bool:
    """Bring the order's refunds and disputes up to date, once; whether that changed anything.

    Raises OrderMissing, OrderUnsettled, Busy.
    """
    for _ in contention.tries():
        payment = store.load_payment(news.payment_id)
        if payment is None:
            raise payments.missing(news.payment_id)
        if not payment.order.is_settled:
            if not _settled_first(news, now):
                return False
            continue
        if news.currency != payment.order.currency:
            return _unbelievable(news, payment.order)
        try:
            return record(store.load_books(payment, now), Reversal.told(news), now) is not None
        except store.LostRace as race:
            logger.info("lost a race", payment_id=news.payment_id, reason=str(race))
    raise AssertionError("Bug! tries() ends by raising Busy")


def record(books: Books, news: Reversal, now: datetime) -> ReversalChange | None:
    """Decide over one reversal of a settled order and write that; None if nothing changes. Raises LostRace."""
    change = reversals.decide(books, news, now)
    if change is not None:
        _sweep(books, now)
        store.record_reversal(change)
        _report(change)
    return change


def _sweep(books: Books, now: datetime) -> None:
    """Take what a lot past its expiry has left, before its loss counts; raises LostRace when there was any.

    A spend that was received a moment before the expiry, and comes to its turn only now, would find it there otherwise.
    """
    if expired := credits.expire(books.wallet, books.own_lot, now):
        store.record_expiry(books.own_lot, expired)
        raise store.LostRace("the order's lot had to be swept first")


def _settled_first(news: ReversalNews, now: datetime) -> bool:
    """Money went back before we heard that it had come: grant the credits, to take them back in the next breath.

    False where the payment is not believed: it granted nothing, so that nothing is to be taken. Raises OrderUnsettled.
    """
    if news.payment is None:
        raise OrderUnsettled
    order = payments.apply(news.payment, now).order
    if not order.is_settled and order.quarantine_reason:
        logger.warning("reversal of a quarantined payment", payment_id=order.payment_id, stripe_id=news.stripe_id)
        return False
    return True


def _unbelievable(news: ReversalNews, order: Order) -> bool:
    count("PaymentQuarantined")
    logger.error("reversal in another currency", payment_id=order.payment_id, stripe_id=news.stripe_id)
    return False


def _report(change: ReversalChange) -> None:
    after = change.after
    logger.info(
        "reversal moved",
        payment_id=after.payment_id,
        reversal_id=after.reversal_id,
        kind=after.kind.value,
        standing=after.standing.value,
        credits=change.credits.entry.amount if change.credits else 0,
    )
    count(f"{after.kind.capitalize()}Moved")
    if debt := max(0, reversals.debt_of(change)):
        count("DebtIncurred", debt)
