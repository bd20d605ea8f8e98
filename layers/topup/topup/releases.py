"""End the quarantine of a payment, as an administrator decides: grant its credits, or give its money back.

What was decided stands in the order before Stripe is asked for anything, so two administrators cannot both decide. A
refund whose answer was lost is looked for: all of the payment's money goes back, so it is made once at most.
"""

from dataclasses import dataclass
from datetime import datetime

from topup import clawback, fulfilment, payment_status, store, stripe_gateway
from topup.domain import releases
from topup.domain.errors import Busy, NotReleasable, OrderUnsettled, Refusal, StripeFailed
from topup.domain.orders import Order, Release, ReleaseAction
from topup.domain.payments import Payment
from topup.domain.updates import PaymentProcessing, PaymentReceived, PaymentReleased
from topup.runtime import failures
from topup.runtime.telemetry import count, count_misconfiguration, logger, pseudonym


@dataclass(frozen=True, kw_only=True)
class ReleaseRequest:
    """How an administrator (`admin:…`) ends the quarantine of a payment, and why.

    `intent` names the payment intent where more than one payment of the order was refused.
    """

    payment_id: str
    action: ReleaseAction
    reason: str
    actor: str
    intent: str | None = None


@dataclass(frozen=True, kw_only=True)
class ReleaseResult:
    """The payment after a release; `is_known` is False while it is not known whether its money went back."""

    payment: Payment
    is_known: bool = True
    is_replay: bool = False


def release(request: ReleaseRequest, now: datetime) -> ReleaseResult:
    """End the quarantine; the same request again answers the same, and continues a refund whose outcome is not known.

    Raises PaymentNotFound, NotReleasable, StripeFailed, Busy.
    """
    if request.action is ReleaseAction.FULFIL:
        return _fulfil(request, now)
    begun, is_replay = _begin(request, now)
    if is_replay and begun.release_under_way is None:
        return ReleaseResult(payment=payment_status.find(request.payment_id), is_replay=is_replay)
    given_back = _give_back(begun, now)
    payment = given_back or payment_status.find(request.payment_id)
    return ReleaseResult(payment=payment, is_known=given_back is not None, is_replay=is_replay)


def resume(order: Order, now: datetime) -> bool:
    """Continue to give a payment's money back; True once it has gone back.

    Raises NotReleasable and StripeFailed where Stripe refuses it: then the payment waits for a decision again.
    """
    return _give_back(order, now) is not None


# ------------------------------------------------------------------------------------------------------- the credits


def _fulfil(request: ReleaseRequest, now: datetime) -> ReleaseResult:
    order = payment_status.find(request.payment_id).order
    intent = releases.intent_meant(order, request.intent)
    is_replay = releases.is_done(order, ReleaseAction.FULFIL, intent)
    if not is_replay:
        releases.check(order, ReleaseAction.FULFIL, intent)
        update = released(order, received(order, money_of(order, str(intent))), request, now)
        outcome = fulfilment.apply(update, now)
        if not releases.is_done(outcome.order, ReleaseAction.FULFIL, intent):
            releases.check(outcome.order, ReleaseAction.FULFIL, intent)
            raise Busy("The payment is changing; please retry")
        _report(outcome.order)
    # Only now: what is refunded before the order is settled is reported to an order that has nothing to give back.
    for reversal in stripe_gateway.reversals_of(str(intent)):
        clawback.apply(reversal, now)
    return ReleaseResult(payment=payment_status.find(request.payment_id), is_replay=is_replay)


def money_of(order: Order, intent: str) -> stripe_gateway.IntentMoney:
    """What Stripe has of a refused payment of the order's.

    Raises NotReleasable where it has none of it; StripeFailed, Busy.
    """
    stripe_gateway.check_mode(order)
    money = stripe_gateway.read_intent_money(intent)
    if money is None or money.payment is None:
        raise NotReleasable("Stripe knows no money of this payment")
    return money


def received(order: Order, money: stripe_gateway.IntentMoney) -> PaymentReceived:
    """What was really paid, as Stripe has it now; raises NotReleasable where its money is not here.

    Credits that were granted before, as a lost record said, are taken back by the refund that took the money.
    """
    assert money.payment, "Bug! see money_of"
    if money.is_back and store.find_own_lot(order) is None:
        raise NotReleasable("The money of this payment has gone back: release it as refunded")
    try:
        return stripe_gateway.payment_of_intent(str(money.payment.transaction_id)) or money.payment
    except OrderUnsettled as unsettled:
        raise Busy("Stripe has not reported all of this payment yet; please retry") from unsettled


def released(order: Order, payment: PaymentReceived, request: ReleaseRequest, now: datetime) -> PaymentReleased:
    """The payment as it settles the order that refused it; raises NotReleasable where it paid for no credit of it."""
    fields = {**vars(payment), "payment_id": order.payment_id, "user_id": order.user_id}
    return PaymentReleased(
        **fields | {"transaction_id": order.rejected_intent},
        credits=releases.credits_for(order, payment),
        release=_decision(order, request, now, is_done=True),
    )


# --------------------------------------------------------------------------------------------------------- the money


@store.retried
def _begin(request: ReleaseRequest, now: datetime) -> tuple[Order, bool]:
    """The order with the decision written into it, and whether it was there before."""
    order = payment_status.find(request.payment_id).order
    intent = releases.intent_meant(order, request.intent)
    under_way = order.release_under_way
    if releases.is_done(order, ReleaseAction.REFUND, intent) or (under_way and under_way.intent == intent):
        return order, True
    releases.check(order, ReleaseAction.REFUND, intent)
    check_that_no_credits_are_there(order)
    change = releases.begun(order, _decision(order, request, now, is_done=False))
    store.record_order_change(change)
    return change.after, False


def check_that_no_credits_are_there(order: Order) -> None:
    """Raise NotReleasable where the credits were granted before the orders table was restored: they would stay."""
    if order.is_settled:
        return  # its own payment granted them, and this one was paid besides
    if store.find_own_lot(order):
        raise NotReleasable(
            "Its credits were granted already, as a record said that was lost: release it with fulfil, which grants"
            " nothing more, and refund it after that"
        )


def _decision(order: Order, request: ReleaseRequest, now: datetime, *, is_done: bool) -> Release:
    return Release(
        action=request.action,
        intent=str(order.rejected_intent),
        quarantine_reason=str(order.quarantine_reason),
        credits_ordered=order.credits_purchased,
        reason=request.reason,
        actor=request.actor,
        released_at=now,
        is_done=is_done,
    )


def _give_back(order: Order, now: datetime) -> Payment | None:
    """Give all of the money back that is still here; the payment then, None while it is not known whether it is."""
    release = order.release_under_way
    assert release, "Bug! the decision is written first"
    try:
        _refund(order, release)
    except (NotReleasable, StripeFailed) as refused:
        if isinstance(refused, StripeFailed) and refused.refusal in (None, Refusal.OF_ACCESS):
            _report_left_under_way(order, refused)
            return None
        _give_up(order.payment_id)
        raise
    except Exception as error:
        _report_left_under_way(order, error)
        return None
    try:
        is_being_paid = _end_session(order, now)
        payment = _finish(order.payment_id, now, is_being_paid=is_being_paid)
        _report(payment.order)
    except Exception as error:
        _report_left_under_way(order, error)
        return None
    return payment


def left_of(money: stripe_gateway.IntentMoney) -> int:
    """How much of the money can go back, in minor units; raises NotReleasable where a bank decides over it."""
    assert money.payment, "Bug! see money_of"
    if money.is_back:
        return 0
    if money.is_disputed:
        raise NotReleasable("The payment is disputed: the bank decides over its money")
    return money.payment.amount_minor - money.returned_minor


def _refund(order: Order, release: Release) -> None:
    """Refund what is still here, unless nothing is. Raises NotReleasable, StripeFailed, Busy."""
    if left_of(money_of(order, release.intent)) == 0:
        return
    try:
        stripe_gateway.refund_intent(order, release)
    except StripeFailed:
        if not money_of(order, release.intent).is_back:
            raise


def _end_session(order: Order, now: datetime) -> bool:
    """Let nobody pay the order's own session any more; True while a payment of it is on its way.

    What was paid there at this moment is fulfilled. Raises StripeFailed, Busy.
    """
    if not order.is_unfinished or order.provider_order_id is None:
        return False
    state = stripe_gateway.end_session(order)
    if state is None or state.update is None:
        return False
    payment_status.apply(state.update, state.reversals, now)
    return isinstance(state.update, PaymentProcessing)


def _report_left_under_way(order: Order, error: Exception) -> None:
    count_misconfiguration(error)
    logger.warning(
        "release left under way",
        payment_id=order.payment_id,
        user=pseudonym(order.user_id),
        reason=failures.code_of(error),
    )


@store.retried
def _finish(payment_id: str, now: datetime, *, is_being_paid: bool) -> Payment:
    payment = payment_status.find(payment_id)
    if payment.order.release_under_way is None:
        return payment
    change = releases.refunded(payment.order, now, is_being_paid=is_being_paid)
    store.record_order_change(change)
    return Payment(change.after, payment.reversals)


@store.retried
def _give_up(payment_id: str) -> None:
    order = payment_status.find(payment_id).order
    if order.release_under_way:
        store.record_order_change(releases.given_up(order))


def _report(order: Order) -> None:
    count("QuarantineReleased")
    logger.info(
        "payment released",
        payment_id=order.payment_id,
        user=pseudonym(order.user_id),
        action=order.releases[-1].action.value,
        status=order.status.value,
    )
