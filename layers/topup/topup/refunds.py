"""Refund a payment: claw the credits back, ask Stripe, record the outcome. A crash between any two is repaired."""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from topup import clawback, payment_status, store, stripe_gateway
from topup.domain import idempotency, money, payments
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
from topup.domain.payments import Payment, ReversalChange, SettledPayment
from topup.domain.reversals import REVERSES, Kind, Reversal, ReversalStatus
from topup.runtime.telemetry import count, logger

# After this long the request that began a refund has ended, one way or the other: another one may resume it.
ABANDONED_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
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
        return idempotency.fingerprint(self.payment_id, amount, self.reason, self.force)


@dataclass(frozen=True)
class RefundResult:
    """A refund after a request, and the order that it belongs to."""

    order: Order
    refund: Reversal


def refund(request: RefundRequest, now: datetime) -> RefundResult:
    """Refund a payment; the same key and request make one refund. IN_FLIGHT while Stripe's answer is not known.

    Raises PaymentNotFound, NotRefundable, CreditsSpent, ValidationFailed, IdempotencyConflict, StripeFailed, Busy.
    """
    # Made before the first try: a later one must find what this request has written.
    refund_id = idempotency.id_from_key(f"refund:{request.payment_id}", request.idempotency_key)
    begun = _begin(request, refund_id, now)
    result = carry_out(begun, now) if begun.refund.status is ReversalStatus.IN_FLIGHT else begun
    if result.refund.status not in REVERSES:
        raise StripeFailed("The refund failed, and the credits have been given back; use a new Idempotency-Key")
    return result


def carry_out(begun: RefundResult, now: datetime) -> RefundResult:
    """Ask Stripe for a refund that is in flight, and record the outcome; Stripe makes it once, however often asked."""
    try:
        update = stripe_gateway.create_refund(begun.order, begun.refund)
    except Busy:
        return begun
    except StripeFailed as error:
        if not error.is_refusal:
            logger.warning("refund left in flight", payment_id=begun.order.payment_id, reason=error.detail)
            return begun
        _record(begun, replace(begun.refund, status=ReversalStatus.REFUSED), now)
        raise
    # Keep our refund id: Stripe's answer may carry its own.
    outcome = replace(update.reversal, reversal_id=begun.refund.reversal_id, reason=begun.refund.reason)
    try:
        return _record(begun, outcome, now)
    except Busy:
        # The refund is made, so the caller must not try again. Its webhook, or reconcile, records the outcome.
        return begun


def resume(payment: Payment, refund_in_flight: Reversal, now: datetime) -> RefundResult:
    """Resume a refund whose request ended early: Stripe may have made it, or may never have received it."""
    begun = RefundResult(payment.order, refund_in_flight)
    found = stripe_gateway.find_refund(payment.order, refund_in_flight)
    return _record(begun, found.reversal, now) if found else carry_out(begun, now)


@store.retried
def _begin(request: RefundRequest, refund_id: str, now: datetime) -> RefundResult:
    """The first transaction: the refund in flight, the order's figures, the credits. Or the refund that exists."""
    payment = payment_status.find(request.payment_id)
    if existing := _existing(payment, refund_id, request, now):
        return RefundResult(payment.order, existing)
    new_refund = _new_refund(payment.order, refund_id, request, now)
    settled = store.load_settled_payment(payment, now)
    change = payments.decide(settled, new_refund, now)
    assert change, "Bug! a new refund always changes something"
    if not request.force:
        _check_debt(settled, change, now)
    clawback.commit(settled, change, now)
    count("RefundBegun")
    return RefundResult(change.order_after, change.after)


def _existing(payment: Payment, refund_id: str, request: RefundRequest, now: datetime) -> Reversal | None:
    """The refund that this request made before; or an abandoned one in flight that has all that is left."""
    for known in payment.reversals:
        if known.reversal_id == refund_id:
            if known.request_fingerprint != request.fingerprint:
                raise IdempotencyConflict("This Idempotency-Key made another refund; use a new key for a new one")
            return known
    if request.idempotency_key is None and payment.order.refundable_minor == 0:
        abandoned = (known for known in payment.reversals if _is_abandoned(known, now))
        return next((known for known in abandoned if _has_amount(known, payment.order, request.amount)), None)
    return None


def _is_abandoned(known: Reversal, now: datetime) -> bool:
    return known.status is ReversalStatus.IN_FLIGHT and now - known.created_at >= ABANDONED_AFTER


def _has_amount(known: Reversal, order: Order, amount: Decimal | None) -> bool:
    return amount is None or _amount_minor(order, amount) == known.amount_minor


def _new_refund(order: Order, refund_id: str, request: RefundRequest, now: datetime) -> Reversal:
    """The requested refund; raises NotRefundable where the money does not allow it."""
    if not order.is_settled:
        raise NotRefundable(f"Only a paid payment can be refunded; this one is {order.status.value}")
    if order.disputed_minor:
        raise NotRefundable("The payment is disputed: the bank decides over its money")
    left = money.to_text(order.refundable_minor, order.currency)
    if order.refundable_minor == 0:
        raise NotRefundable("The payment has been refunded completely", largest_refundable=left)
    amount_minor = _amount_minor(order, request.amount)
    if amount_minor > order.refundable_minor:
        raise NotRefundable(f"At most {left} {order.currency} can still be refunded", largest_refundable=left)
    return Reversal(
        kind=Kind.REFUND,
        reversal_id=refund_id,
        payment_id=order.payment_id,
        amount_minor=amount_minor,
        status=ReversalStatus.IN_FLIGHT,
        created_at=now,
        reason=request.reason,
        requested_by=request.admin_id,
        request_fingerprint=request.fingerprint,
    )


def _amount_minor(order: Order, amount: Decimal | None) -> int:
    if amount is None:
        return order.refundable_minor
    try:
        return money.to_minor(amount, order.currency)
    except money.InvalidAmount as error:
        raise ValidationFailed(FieldError("amount", error.detail)) from None


def _check_debt(settled: SettledPayment, change: ReversalChange, now: datetime) -> None:
    """Raise CreditsSpent for a refund that would leave the user owing credits."""
    if payments.debt_of(change) > 0:
        largest = payments.largest_without_debt(settled, now)
        currency = settled.order.currency
        raise CreditsSpent(money.to_text(money.movable(largest, currency), currency))


def _record(begun: RefundResult, outcome: Reversal, now: datetime) -> RefundResult:
    """The last transaction: the refund as Stripe has it."""
    return _record_without_reading(begun, outcome) or _record_after_reading(begun.order.payment_id, outcome, now)


def _record_without_reading(begun: RefundResult, outcome: Reversal) -> RefundResult | None:
    """The usual outcome moves no credits, so it depends only on what was written before Stripe was asked."""
    change = payments.confirm(begun.order, begun.refund, outcome)
    if change is None:
        return None
    try:
        store.record_reversal(change)
    except store.LostRace:
        return None  # its webhook was faster, or another refund came in between
    return RefundResult(change.order_after, change.after)


@store.retried
def _record_after_reading(payment_id: str, outcome: Reversal, now: datetime) -> RefundResult:
    settled = store.load_settled_payment(payment_status.find(payment_id), now)
    change = payments.decide(settled, outcome, now)
    if change is None:
        known = settled.find(outcome.reversal_id)
        assert known, "Bug! a refund that was begun is there"
        return RefundResult(settled.order, known)
    clawback.commit(settled, change, now)
    return RefundResult(change.order_after, change.after)
