"""Learn the outcome of a refund at Stripe, and record it.

The request that begins a refund makes it at once. Everybody else looks first whether Stripe has it, makes it if not,
and looks again if that failed: only what Stripe has says what became of a refund that was asked for before.

Several requests may try to make the same refund at once, and Stripe may refuse one of them and not another. So each
later try is counted before it is made, and a refusal ends the refund only where no other try can make it any more.
"""

from dataclasses import dataclass, replace
from datetime import datetime, timedelta

from topup import clawback, payment_status, store, stripe_gateway
from topup.domain import payments
from topup.domain.errors import Refusal, StripeFailed
from topup.domain.orders import Order
from topup.domain.reversals import Reversal, ReversalStatus
from topup.domain.updates import ReversalUpdate
from topup.runtime.telemetry import logger, pseudonym

# Stripe makes one refund for each idempotency key, as long as it remembers the key: for a day at least. So an attempt
# is only repeated while it is young; and the next one, under its own key, only begins when every request that repeats
# this one has ended and can be found at Stripe. In between nobody makes the refund.
REPEATED_FOR = timedelta(minutes=25)
NEXT_ATTEMPT_AFTER = timedelta(minutes=30)
# A request that tries to make a refund has ended after this long, one way or the other.
TRY_ENDS_AFTER = timedelta(seconds=30)


@dataclass(frozen=True, kw_only=True)
class RefundResult:
    """A refund after a request, and the order that it belongs to.

    `is_recorded` is False where the refund is what would be written, and it is not known whether it was. `is_replay`:
    an earlier request with the same key began it. `stripe_code` is Stripe's word for why it refused it just now.
    """

    order: Order
    refund: Reversal
    is_recorded: bool = True
    is_replay: bool = False
    stripe_code: str | None = None


def make(begun: RefundResult, now: datetime) -> RefundResult:
    """Make a refund that this very request has begun: nobody has asked Stripe for it before.

    A refusal ends it, unless another request tries to make it as well.

    Raises Busy where Stripe limits our requests, or the outcome cannot be recorded.
    """
    try:
        return _made(begun, now)
    except StripeFailed as error:
        return _refused(begun, error, now) if error.refusal else _left_in_flight(begun, error)


def resume(begun: RefundResult, now: datetime) -> RefundResult:
    """Learn what became of a refund in flight that another request has begun; make it if Stripe has not made it.

    A refusal is an outcome, and no error. Raises StripeFailed or Busy where Stripe cannot be asked, or the outcome not
    be recorded.
    """
    if found := stripe_gateway.find_refund(begun.order, begun.refund):
        return _record_made(begun, found, now)
    before = begun.refund
    try:
        current = _next_try(before, now)
    except store.LostRace as race:
        return _left_in_flight(begun, race)  # another request has begun the next try, and makes it
    if current is None:
        return begun
    begun = replace(begun, refund=current)
    try:
        return _made(begun, now)
    except StripeFailed as error:
        is_last = now - before.last_try_at >= TRY_ENDS_AFTER
        return _look_again(begun, error, now, is_last=is_last)


def _next_try(refund: Reversal, now: datetime) -> Reversal | None:
    """The refund with the try that may be made now, None while none may; raises LostRace."""
    age = now - (refund.tried_at or refund.created_at)
    if age >= NEXT_ATTEMPT_AFTER:
        return store.begin_try(refund, replace(refund, attempt=refund.attempt + 1, tried_at=now), now)
    return store.begin_try(refund, refund, now) if age < REPEATED_FOR else None


def _made(begun: RefundResult, now: datetime) -> RefundResult:
    return _record_made(begun, stripe_gateway.create_refund(begun.order, begun.refund), now)


def _look_again(begun: RefundResult, error: StripeFailed, now: datetime, *, is_last: bool) -> RefundResult:
    """After a later try failed: what Stripe has says whether any try made the refund.

    `is_last`: the tries before this one have ended.
    """
    if found := stripe_gateway.find_refund(begun.order, begun.refund):
        return _record_made(begun, found, now)
    if error.refusal in (None, Refusal.OF_ACCESS) or not is_last:
        return _left_in_flight(begun, error)
    return _refused(begun, error, now)


def _left_in_flight(begun: RefundResult, failure: Exception) -> RefundResult:
    order = begun.order
    logger.warning(
        "refund left in flight", payment_id=order.payment_id, user=pseudonym(order.user_id), reason=str(failure)
    )
    return begun


def _refused(begun: RefundResult, error: StripeFailed, now: datetime) -> RefundResult:
    """Record that Stripe has not made the refund. Where that is because our figures are old, update them first."""
    if error.refusal is Refusal.OF_FIGURES:
        for update in stripe_gateway.reversals_of(str(begun.order.transaction_id)):
            clawback.apply(update, now)
    refused = _record(begun, replace(begun.refund, status=ReversalStatus.REFUSED), now)
    return replace(refused, stripe_code=error.stripe_code)


def _record_made(begun: RefundResult, made: ReversalUpdate, now: datetime) -> RefundResult:
    # Keep our refund id: Stripe's answer may carry its own.
    refund = begun.refund
    return _record(begun, replace(made.reversal, reversal_id=refund.reversal_id, reason=refund.reason), now)


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
    except (store.LostRace, store.UnknownWrite):
        return None  # its webhook was faster, another refund came in between, or it may be written: reading shows it
    return RefundResult(order=change.order_after, refund=change.after)


@store.retried
def _record_after_reading(payment_id: str, outcome: Reversal, now: datetime) -> RefundResult:
    settled = store.load_settled_payment(payment_status.find(payment_id), now)
    known = settled.find(outcome.reversal_id)
    assert known, "Bug! a refund that was begun is there"
    is_tried_again = known.tries != outcome.tries and outcome.status is ReversalStatus.REFUSED
    change = None if is_tried_again else payments.decide(settled, outcome, now)
    if change is None:
        return RefundResult(order=settled.order, refund=known)
    clawback.commit(settled, change, now)
    return RefundResult(order=change.order_after, refund=change.after)
