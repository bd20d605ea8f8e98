"""Refunding a payment: take the credits back, ask Stripe, note the outcome. A crash between any two is repaired."""

import hashlib
import json
from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from topup import contention, payments, reversals, store, stripe_gateway
from topup.domain import money, orders
from topup.domain.errors import (
    Busy,
    CreditsSpent,
    FieldError,
    IdempotencyConflict,
    NotRefundable,
    StripeFailed,
    ValidationFailed,
)
from topup.domain.orders import Order
from topup.domain.reversal_kinds import REVERSES, Kind, Standing
from topup.domain.reversals import Books, Payment, Reversal, confirm, debt_of, decide, largest_without_debt
from topup.telemetry import count, logger

# After this long the request that began a refund has ended, one way or the other: another one may carry it on.
ABANDONED_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What an administrator asks for: `amount` in major units of the payment's currency, None for all that is left."""

    payment_id: str
    amount: Decimal | None
    reason: str | None
    force: bool
    idempotency_key: str | None
    admin_id: str

    @property
    def fingerprint(self) -> str:
        """What makes two requests the same."""
        amount = None if self.amount is None else str(self.amount.normalize())
        return hashlib.sha256(json.dumps([self.payment_id, amount, self.reason, self.force]).encode()).hexdigest()


@dataclass(frozen=True)
class Refunded:
    """A refund as it stands after a request, and the order that it is of."""

    order: Order
    refund: Reversal


def refund(asked: Asked, now: datetime) -> Refunded:
    """Refund a payment; the same key and request make one refund. IN_FLIGHT when Stripe's answer is not known (yet).

    Raises PaymentNotFound, NotRefundable, CreditsSpent, ValidationFailed, IdempotencyConflict, StripeFailed, Busy.
    """
    begun = _begin(asked, now)
    refunded = carry_out(begun, now) if begun.refund.standing is Standing.IN_FLIGHT else begun
    if refunded.refund.standing not in REVERSES:
        raise StripeFailed("The refund failed, and the credits have been given back; use a new Idempotency-Key")
    return refunded


def carry_out(begun: Refunded, now: datetime) -> Refunded:
    """Ask Stripe for a refund that is in flight, and note the outcome; however often, Stripe makes it once."""
    try:
        news = stripe_gateway.create_refund(begun.order, begun.refund)
    except Busy:
        return begun
    except StripeFailed as error:
        if not error.is_refusal:
            logger.warning("refund left in flight", payment_id=begun.order.payment_id, reason=error.detail)
            return begun
        _note(begun, replace(begun.refund, standing=Standing.FAILED), now)
        raise
    # Whatever the answer says of itself: it is the answer to this refund.
    outcome = Reversal.told(replace(news, reversal_id=begun.refund.reversal_id, reason=begun.refund.reason))
    try:
        return _note(begun, outcome, now)
    except Busy:
        # The refund is made: nobody may be told to try again. Its webhook, or reconcile, notes the outcome.
        return begun


def resume(payment: Payment, refund_in_flight: Reversal, now: datetime) -> Refunded:
    """Carry on a refund that somebody left in flight: it may have been made, or never have reached Stripe."""
    begun = Refunded(payment.order, refund_in_flight)
    found = stripe_gateway.find_refund(payment.order, refund_in_flight)
    return _note(begun, Reversal.told(found), now) if found else carry_out(begun, now)


def _begin(asked: Asked, now: datetime) -> Refunded:
    """The first transaction: the refund in flight, the order's figures, the credits. Or the refund that is there."""
    refund_id = orders.order_id(f"refund:{asked.payment_id}", asked.idempotency_key)
    for _ in contention.tries():
        payment = payments.find(asked.payment_id)
        if existing := _existing(payment, refund_id, asked, now):
            return Refunded(payment.order, existing)
        wanted = _wanted(payment.order, refund_id, asked, now)
        try:
            books = store.load_books(payment, now)
            _check_credits(books, wanted, asked, now)
            change = reversals.record(books, wanted, now)
        except store.LostRace as race:
            logger.info("lost a race", payment_id=asked.payment_id, reason=str(race))
            continue
        assert change, "Bug! a new refund always changes something"
        count("RefundBegun")
        return Refunded(change.order_after, change.after)
    raise AssertionError("Bug! tries() ends by raising Busy")


def _existing(payment: Payment, refund_id: str, asked: Asked, now: datetime) -> Reversal | None:
    """The refund that this request made before; or one in flight that has all that is left, and was abandoned."""
    for known in payment.reversals:
        if known.reversal_id == refund_id:
            if known.request_fingerprint != asked.fingerprint:
                raise IdempotencyConflict("This Idempotency-Key made another refund; use a new key for a new one")
            return known
    if asked.idempotency_key is None and payment.order.refundable_minor == 0:
        abandoned = (known for known in payment.reversals if _is_abandoned(known, now))
        return next((known for known in abandoned if _is_for(known, payment.order, asked.amount)), None)
    return None


def _is_abandoned(known: Reversal, now: datetime) -> bool:
    return known.standing is Standing.IN_FLIGHT and now - known.created_at >= ABANDONED_AFTER


def _is_for(known: Reversal, order: Order, amount: Decimal | None) -> bool:
    return amount is None or _amount_minor(order, amount) == known.amount_minor


def _wanted(order: Order, refund_id: str, asked: Asked, now: datetime) -> Reversal:
    """The refund that is asked for, if the money allows it."""
    if not order.is_settled:
        raise NotRefundable(f"Only a paid payment can be refunded; this one is {order.status.value}")
    if order.disputed_minor:
        raise NotRefundable("The payment is disputed: the bank decides over its money")
    left = money.to_text(order.refundable_minor, order.currency)
    if order.refundable_minor == 0:
        raise NotRefundable("The payment has been refunded completely", largest_refundable=left)
    amount_minor = _amount_minor(order, asked.amount)
    if amount_minor > order.refundable_minor:
        raise NotRefundable(f"At most {left} {order.currency} can still be refunded", largest_refundable=left)
    return Reversal(
        kind=Kind.REFUND,
        reversal_id=refund_id,
        payment_id=order.payment_id,
        amount_minor=amount_minor,
        standing=Standing.IN_FLIGHT,
        created_at=now,
        reason=asked.reason,
        requested_by=asked.admin_id,
        request_fingerprint=asked.fingerprint,
    )


def _amount_minor(order: Order, amount: Decimal | None) -> int:
    if amount is None:
        return order.refundable_minor
    try:
        return money.to_minor(amount, order.currency)
    except money.InvalidAmount as error:
        raise ValidationFailed(FieldError("amount", error.detail)) from None


def _check_credits(books: Books, wanted: Reversal, asked: Asked, now: datetime) -> None:
    change = decide(books, wanted, now)
    if change and debt_of(change) > 0 and not asked.force:
        largest = largest_without_debt(books, now)
        raise CreditsSpent(money.to_text(largest, books.order.currency))


def _note_without_reading(begun: Refunded, outcome: Reversal) -> Refunded | None:
    """The usual outcome moves no credits: what was written before Stripe was asked is all that it depends on."""
    change = confirm(begun.order, begun.refund, outcome)
    if change is None:
        return None
    try:
        store.record_reversal(change)
    except store.LostRace:
        return None  # its webhook was faster, or another refund came in between
    return Refunded(change.order_after, change.after)


def _note(begun: Refunded, outcome: Reversal, now: datetime) -> Refunded:
    """The last transaction: the refund as Stripe has it."""
    if noted := _note_without_reading(begun, outcome):
        return noted
    for _ in contention.tries():
        payment = payments.find(begun.order.payment_id)
        try:
            change = reversals.record(store.load_books(payment, now), outcome, now)
        except store.LostRace as race:
            logger.info("lost a race", payment_id=payment.order.payment_id, reason=str(race))
            continue
        if change:
            return Refunded(change.order_after, change.after)
        known = next(known for known in payment.reversals if known.reversal_id == outcome.reversal_id)
        return Refunded(payment.order, known)
    raise AssertionError("Bug! tries() ends by raising Busy")
