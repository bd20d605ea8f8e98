"""Refund a payment: claw the credits back, ask Stripe, record the outcome. A crash between any two is repaired.

Once the first write may have been done, no answer says "retry": a request without a key would make another refund.
"""

from dataclasses import replace
from datetime import datetime, timedelta
from decimal import Decimal

from topup import clawback, payment_status, refund_outcomes, store
from topup.domain import idempotency, payments, refund_requests
from topup.domain.errors import Busy, IdempotencyConflict, StripeFailed, TopupError
from topup.domain.orders import Order
from topup.domain.payments import Payment
from topup.domain.quotes import Quote
from topup.domain.refund_requests import RefundRequest
from topup.domain.reversals import Reversal, ReversalStatus
from topup.refund_outcomes import RefundResult
from topup.runtime import failures
from topup.runtime.failures import Failure
from topup.runtime.telemetry import count, count_misconfiguration, logger, pseudonym

# After this long the request that began a refund has ended, one way or the other: another one may resume it.
ABANDONED_AFTER = timedelta(seconds=30)
# A refund that has ended without giving the money back.
NOT_MADE = frozenset({ReversalStatus.REFUSED, ReversalStatus.FAILED, ReversalStatus.CANCELED})


def refund(request: RefundRequest, now: datetime) -> RefundResult:
    """Refund a payment; the same key and request make one refund. IN_FLIGHT while its outcome is not known.

    Raises PaymentNotFound, NotRefundable, QuoteStale, CreditsSpent, ValidationFailed, IdempotencyConflict and Busy
    where nothing was written, StripeFailed and NotRefundable where Stripe has refused.
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
    new_refund = refund_requests.requested_refund(payment.order, refund_id, request, now)
    settled = store.load_settled_payment(payment, now)
    change = payments.decide(settled, new_refund, now)
    assert change, "Bug! a new refund always changes something"
    refund_requests.check_consequences(request, Quote(settled=settled, change=change, now=now))
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
        refund_requests.check_refundable(result.order, result.refund.amount_minor)
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
    return amount is None or refund_requests.amount_minor(order, amount) == known.amount_minor
