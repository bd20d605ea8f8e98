"""Refund a payment: claw the credits back, ask Stripe, record the outcome. A crash between any two is repaired.

Once the first write may have been done, no answer says "retry": a request without a key would make another refund.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta
from decimal import Decimal

from topup import clawback, payment_status, refund_outcomes, store
from topup.domain import idempotency, money, payments, refundable
from topup.domain.errors import (
    Busy,
    CreditsSpent,
    FieldError,
    IdempotencyConflict,
    NotRefundable,
    StripeFailed,
    TopupError,
    ValidationFailed,
)
from topup.domain.orders import Order
from topup.domain.payments import Payment, ReversalChange, SettledPayment
from topup.domain.reversals import Kind, Reversal, ReversalStatus
from topup.refund_outcomes import RefundResult
from topup.runtime import failures
from topup.runtime.failures import Failure
from topup.runtime.telemetry import count, count_misconfiguration, logger, pseudonym

# After this long the request that began a refund has ended, one way or the other: another one may resume it.
ABANDONED_AFTER = timedelta(seconds=30)
# A refund that has ended without giving the money back.
NOT_MADE = frozenset({ReversalStatus.REFUSED, ReversalStatus.FAILED, ReversalStatus.CANCELED})


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


def refund(request: RefundRequest, now: datetime) -> RefundResult:
    """Refund a payment; the same key and request make one refund. IN_FLIGHT while its outcome is not known.

    Raises PaymentNotFound, NotRefundable, CreditsSpent, ValidationFailed, IdempotencyConflict and Busy where nothing
    was written, StripeFailed and NotRefundable where Stripe has refused.
    """
    # Made before the first try: a later one must find what this request has written.
    refund_id = idempotency.id_from_key(f"refund:{request.payment_id}", request.idempotency_key)
    written: list[RefundResult] = []
    try:
        begun, is_new = _begin(request, refund_id, now, written)
    except Exception as error:
        is_refusal = isinstance(error, TopupError) and not isinstance(error, Busy)
        if is_refusal or not written:
            raise
        _report(written[-1], error)
        return replace(written[-1], is_recorded=False)
    return _checked(_outcome(begun, now, is_new=is_new))


def resume(payment: Payment, refund_in_flight: Reversal, now: datetime) -> RefundResult:
    """Resume a refund whose request ended early: Stripe may have made it, or may never have received it.

    A refusal of Stripe's is an outcome, and no error. Raises StripeFailed or Busy where Stripe cannot be asked.
    """
    return refund_outcomes.resume(RefundResult(order=payment.order, refund=refund_in_flight), now)


@store.retried
def _begin(
    request: RefundRequest, refund_id: str, now: datetime, written: list[RefundResult]
) -> tuple[RefundResult, bool]:
    """The first transaction: the refund in flight, the order's figures, the credits. Or the refund that exists.

    Returns also whether this call began it. `written` gets what a failed write may have written nevertheless.
    """
    payment = payment_status.find(request.payment_id)
    if existing := _existing(payment, refund_id, request, now):
        is_replay = request.idempotency_key is not None
        return RefundResult(order=payment.order, refund=existing, is_replay=is_replay), False
    new_refund = _new_refund(payment.order, refund_id, request, now)
    settled = store.load_settled_payment(payment, now)
    change = payments.decide(settled, new_refund, now)
    assert change, "Bug! a new refund always changes something"
    if not request.force:
        _check_debt(settled, change, now)
    begun = RefundResult(order=change.order_after, refund=change.after)
    try:
        clawback.commit(settled, change, now)
    except Exception as error:
        if store.may_be_written(error):
            written.append(begun)
        raise
    count("RefundBegun")
    return begun, True


def _outcome(begun: RefundResult, now: datetime, *, is_new: bool) -> RefundResult:
    """The refund after asking Stripe; in flight whatever fails, since nobody may be told to repeat it now."""
    if begun.refund.status is not ReversalStatus.IN_FLIGHT:
        return begun
    try:
        return (refund_outcomes.make if is_new else refund_outcomes.resume)(begun, now)
    except Exception as error:
        _report(begun, error)
        return begun


def _report(begun: RefundResult, error: Exception) -> None:
    passes = isinstance(error, TopupError) or failures.of(error) is not Failure.FINAL
    count_misconfiguration(error)
    if not passes:
        count("UnexpectedFailure")
    logger.warning(
        "refund left in flight",
        payment_id=begun.order.payment_id,
        user=pseudonym(begun.order.user_id),
        reason=failures.code_of(error),
        exc_info=not passes,
    )


def _checked(result: RefundResult) -> RefundResult:
    """The refund that was made or may be; raises NotRefundable or StripeFailed for one that was not."""
    if result.refund.status not in NOT_MADE:
        return result
    if result.refund.status is ReversalStatus.REFUSED:
        _check_refundable(result.order, result.refund.amount_minor)
    reason = f" ({result.stripe_code})" if result.stripe_code else ""
    raise StripeFailed(f"The refund failed{reason}, and the credits have been given back; use a new Idempotency-Key")


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
    amount_minor = _amount_minor(order, request.amount)
    _check_refundable(order, amount_minor)
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
        tried_at=now,
    )


def _check_refundable(order: Order, amount_minor: int) -> None:
    """Raise NotRefundable where the bank or other refunds have so much of the money that this is not left."""
    if order.disputed_minor:
        raise NotRefundable("The payment is disputed: the bank decides over its money")
    left = money.to_text(order.refundable_minor, order.currency)
    if order.refundable_minor == 0:
        raise NotRefundable("The payment has been refunded completely", largest_refundable=left)
    if amount_minor > order.refundable_minor:
        raise NotRefundable(f"At most {left} {order.currency} can still be refunded", largest_refundable=left)


def _amount_minor(order: Order, amount: Decimal | None) -> int:
    if amount is None:
        return order.refundable_minor
    try:
        return money.to_minor(amount, order.currency)
    except money.InvalidAmount as error:
        raise ValidationFailed(FieldError("amount", error.detail)) from None


def _check_debt(settled: SettledPayment, change: ReversalChange, now: datetime) -> None:
    """Raise CreditsSpent for a refund that would leave the user owing credits, or take some that are held."""
    if refundable.debt_of(change) > 0 or refundable.taken_from_holds(settled, change, now):
        largest = refundable.largest(settled, now)
        currency = settled.order.currency
        raise CreditsSpent(money.to_text(money.movable(largest, currency), currency))
