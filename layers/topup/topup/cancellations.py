"""End a payment that its buyer no longer wants: its session at Stripe, so that nobody can pay it, and the order."""

from datetime import datetime

from topup import fulfilment, payment_status, store, stripe_gateway
from topup.domain import order_updates
from topup.domain.errors import NotCancellable, PaymentNotFound, Refusal, StripeFailed
from topup.domain.orders import Order, Status
from topup.domain.payments import Payment
from topup.fulfilment import Outcome
from topup.runtime.telemetry import count, logger, pseudonym

ENDED = frozenset({Status.EXPIRED, Status.FAILED, Status.SUCCEEDED})


@store.retried
def cancel(payment_id: str, user_id: str, now: datetime) -> tuple[Payment, bool]:
    """The user's payment after its end, and whether it has ended just now; if it was paid meanwhile, it is fulfilled.

    A payment that had ended before stays as it was. Raises PaymentNotFound, NotCancellable, StripeFailed, Busy.
    """
    payment = payment_status.find(payment_id)
    if payment.order.user_id != user_id:
        raise PaymentNotFound
    _check(payment.order)
    if payment.order.status in ENDED:
        return payment, False
    outcome = _end(payment.order, now)
    _check(outcome.order)
    if outcome.order.is_unfinished:
        raise store.LostRace("its session was opened while the order was to end")
    if not outcome.order.is_settled:
        _report(outcome.order)
    # Read again where it was paid, and refunded since: then its refunds belong to the answer.
    return payment_status.find(payment_id) if outcome.order.has_reversals else Payment(outcome.order, ()), True


def _check(order: Order) -> None:
    """Raise NotCancellable for a payment whose money is here or on its way."""
    if order.is_under_review:
        raise NotCancellable("The buyer has paid, and somebody checks this payment")
    if order.status is Status.PROCESSING:
        raise NotCancellable("The buyer has paid by a method that settles later: the money is on its way")


def _end(order: Order, now: datetime) -> Outcome:
    if order.provider_order_id is None:
        return fulfilment.apply(order_updates.abandoned(order), now)
    state = _end_session(order)
    if state is None or state.update is None:
        raise StripeFailed("Stripe does not know how this checkout ended; please retry")
    return payment_status.apply(state.update, state.reversals, now)


def _end_session(order: Order) -> stripe_gateway.SessionState | None:
    """The order's session, which nobody can pay any more. Raises StripeFailed, Busy."""
    try:
        return stripe_gateway.end_session(order)
    except StripeFailed as error:
        if error.refusal is Refusal.OF_ACCESS:
            raise
        # The buyer may have paid at this very moment, or Stripe's answer was lost: its state tells.
        state = stripe_gateway.read_session(order)
        if state is None or state.is_open:
            raise
        return state


def _report(order: Order) -> None:
    count("CheckoutCancelled")
    logger.info("checkout cancelled", payment_id=order.payment_id, user=pseudonym(order.user_id))
