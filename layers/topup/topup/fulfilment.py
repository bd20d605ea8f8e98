"""Apply a payment update. Nothing else changes an order's status or grants credits."""

from dataclasses import dataclass
from datetime import datetime

from topup import store
from topup.domain import order_updates, releases
from topup.domain.errors import OrderMissing
from topup.domain.orders import Change, Order, Settlement
from topup.domain.updates import PaymentUpdate
from topup.runtime import config
from topup.runtime.telemetry import count, logger, pseudonym


@dataclass(frozen=True)
class Outcome:
    """An order after an update, and whether the update changed it."""

    order: Order
    is_changed: bool


@store.retried
def apply(update: PaymentUpdate, now: datetime) -> Outcome:
    """Apply a payment update, once, however often it is delivered; raises OrderMissing, OrderUnsettled, Busy."""
    order, wallet = store.load_order_and_wallet(update.payment_id, update.user_id)
    if order is None:
        raise missing(update.payment_id)
    if order_updates.is_price_unknown(order, update):
        update = _with_price(update)
    change = order_updates.decide(order, wallet, update, now, config.settings().expire_after_months)
    if change:
        _warn_of_quarantine(change)
        change = _record(change)
    _report(update, change)
    return Outcome(change.after if change else order, is_changed=change is not None)


def _with_price(update: PaymentUpdate) -> PaymentUpdate:
    """The payment as the Checkout Session that made it has it: with its price, tax and discount; one Stripe call."""
    # Imported here: most status reads never call Stripe and need not load the gateway.
    from topup import stripe_gateway  # noqa: PLC0415

    return stripe_gateway.payment_of_intent(str(update.transaction_id)) or update


def _record(change: Change) -> Change:
    """Write a decision; what was written."""
    try:
        store.record_order_change(change)
    except store.LotExists as existing:
        return _record_grant_before(change, existing.expires_at)
    return change


def _record_grant_before(change: Change, expires_at: datetime | None) -> Change:
    """The orders table has been restored, or this order by hand: its credits are there, and only it does not know."""
    granted = order_updates.granted_before(change, expires_at)
    store.record_order_change(granted)
    count("GrantedBefore")
    after = change.after
    logger.error(
        "the order's credits had been granted before", payment_id=after.payment_id, user=pseudonym(after.user_id)
    )
    return granted


def reopen(order: Order, intent: str, refund_id: str) -> bool:
    """Quarantine an order again whose refused payment's refund has failed; True if it was not, yet. Raises LostRace."""
    change = releases.undone(order, intent, refund_id)
    if change is None:
        return False
    _warn_of_quarantine(change)
    store.record_order_change(change)
    return True


def missing(payment_id: str) -> OrderMissing:
    """The error for an update of an order that should exist: Stripe must send it again, and a person must look."""
    count("OrderMissing")
    logger.error("update of an order that does not exist", payment_id=payment_id)
    return OrderMissing()


def _report(update: PaymentUpdate, change: Change | None) -> None:
    if change is None:
        logger.info(
            "nothing to change",
            payment_id=update.payment_id,
            user=pseudonym(update.user_id),
            update=type(update).__name__,
        )
        return
    after, granted = change.after, change.after.credits_purchased if isinstance(change, Settlement) else 0
    logger.info(
        "order changed",
        payment_id=after.payment_id,
        user=pseudonym(after.user_id),
        update=type(update).__name__,
        status=after.status.value,
        quarantine_reason=after.quarantine_reason,
        credits=granted,
    )
    if granted:
        count("CreditsGranted", granted)
        count("PaymentSettled")


def _warn_of_quarantine(change: Change) -> None:
    """Before the write: where its response is lost, the next try finds nothing to change, and nobody would be told."""
    before, after = change.before, change.after
    waiting = [(after.rejected_intent, after.quarantine_reason)] if after.quarantine_reason else []
    waiting += [(one.intent, one.reason) for one in after.refused_besides]
    known = {(before.rejected_intent, before.quarantine_reason)}
    known |= {(one.intent, one.reason) for one in before.refused_besides}
    for intent, reason in waiting:
        if (intent, reason) in known:
            continue
        count("PaymentQuarantined")
        logger.error(
            "payment quarantined",
            payment_id=after.payment_id,
            user=pseudonym(after.user_id),
            payment_intent=intent,
            reason=reason,
        )
