"""What becomes of a payment: the one way in which news of it, from wherever, changes an order and grants credits."""

from dataclasses import dataclass
from datetime import datetime, timedelta

from topup import config, contention, store
from topup.domain import orders
from topup.domain.errors import OrderMissing, PaymentNotFound
from topup.domain.news import News
from topup.domain.orders import Change, Order, Settlement
from topup.domain.reversals import Payment
from topup.telemetry import count, logger

# The webhook usually beats the buyer's return; only when it has not come by then is Stripe worth a question.
SYNC_AFTER = timedelta(seconds=5)
SYNC_INTERVAL = timedelta(seconds=5)


@dataclass(frozen=True)
class Outcome:
    """An order as it is after some news, and whether the news changed it."""

    order: Order
    is_changed: bool


def apply(news: News, now: datetime) -> Outcome:
    """Do what the news asks, once, however often and from wherever it comes; raises OrderMissing, Busy."""
    for _ in contention.tries():
        try:
            order, wallet = store.load_order_and_wallet(news.payment_id, news.user_id)
            if order is None:
                raise missing(news.payment_id)
            change = orders.decide(order, wallet, news, now, config.settings().expire_after_months)
            if change is not None:
                store.record(change)
        except store.LostRace as race:
            logger.info("lost a race", payment_id=news.payment_id, reason=str(race))
        else:
            _report(news, change)
            return Outcome(change.after if change else order, is_changed=change is not None)
    raise AssertionError("Bug! tries() ends by raising Busy")


def find(payment_id: str) -> Payment:
    """The order as it is stored, with its refunds and disputes; raises PaymentNotFound."""
    payment = store.load_payment(payment_id) if orders.is_order_id(payment_id) else None
    if payment is None:
        raise PaymentNotFound
    return payment


def up_to_date(order: Order, now: datetime, interval: timedelta = SYNC_INTERVAL) -> Order:
    """The order as it stands, after asking Stripe when its news is overdue, at most once per interval."""
    if not is_overdue(order, now, interval):
        return order
    try:
        return _synced(order, now) if store.claim_sync(order.payment_id, now, interval) else order
    except Exception:
        # Whatever keeps us from asking, the stored status is still true, if old: better than no answer.
        logger.exception("status not synchronised", payment_id=order.payment_id)
        count("SyncFailed")
        return order


def missing(payment_id: str) -> OrderMissing:
    """The error for news of an order that should exist: Stripe must send it again, and somebody must look."""
    count("OrderMissing")
    logger.error("news of an order that does not exist", payment_id=payment_id)
    return OrderMissing()


def brought_up_to_date(payment: Payment, now: datetime) -> Payment:
    """The payment with its order as it stands, and with the refunds and disputes that belong to it."""
    order = up_to_date(payment.order, now)
    if order.reversed_minor != payment.order.reversed_minor:
        # While we asked Stripe, others granted its credits and gave money back: one look has to tell of both.
        return find(order.payment_id)
    return Payment(order, payment.reversals)


def is_overdue(order: Order, now: datetime, interval: timedelta = SYNC_INTERVAL) -> bool:
    """Whether the order should have heard of its payment by now."""
    was_just_asked = order.synced_at is not None and now - order.synced_at < interval
    is_young = now - order.created_at < SYNC_AFTER
    return order.is_unfinished and order.provider_order_id is not None and not is_young and not was_just_asked


def _synced(order: Order, now: datetime) -> Order:
    # Loaded here, because reading a status needs Stripe's library only when it must ask Stripe.
    from topup import stripe_gateway  # noqa: PLC0415

    news = stripe_gateway.news_of_session(order)
    return apply(news, now).order if news else order


def _report(news: News, change: Change | None) -> None:
    if change is None:
        logger.info("nothing to change", payment_id=news.payment_id, news=type(news).__name__)
        return
    after = change.after
    logger.info("order changed", payment_id=after.payment_id, news=type(news).__name__, status=after.status.value)
    if isinstance(change, Settlement):
        count("CreditsGranted", after.credits_purchased)
        count("PaymentSettled")
    if after.quarantine_reason != change.before.quarantine_reason:
        count("PaymentQuarantined")
        logger.error("payment quarantined", payment_id=after.payment_id, reason=after.quarantine_reason)
