"""Say what each way to end a quarantine would do, by the decisions of the release itself, and change nothing."""

from dataclasses import replace
from datetime import datetime

from topup import clawback, payment_status, releases, store
from topup.domain import order_updates, payments
from topup.domain.errors import NotReleasable
from topup.domain.orders import Order, ReleaseAction, Settlement
from topup.domain.payments import Payment
from topup.domain.release_quotes import FulfilQuote, ReleaseQuote
from topup.domain.releases import check
from topup.runtime import config
from topup.stripe_gateway import IntentMoney


@store.retried
def quote(payment_id: str, now: datetime) -> ReleaseQuote | None:
    """What ending the payment's quarantine would do; None for one that waits for no decision.

    Up to four Stripe calls. Raises PaymentNotFound, StripeFailed, Busy.
    """
    order = payment_status.find(payment_id).order
    if order.quarantine_reason is None:
        return None
    try:
        check(order, ReleaseAction.REFUND, order.rejected_intent)
        money = releases.money_of(order, str(order.rejected_intent))
    except NotReleasable as refused:
        return ReleaseQuote(intent=order.rejected_intent, fulfil=refused, refund_minor=refused)
    assert money.payment, "Bug! see releases.money_of"
    return ReleaseQuote(
        intent=order.rejected_intent,
        currency=money.payment.currency,
        paid_minor=money.payment.amount_minor,
        returned_minor=money.returned_minor,
        fulfil=_fulfil(order, money, now),
        refund_minor=_refund(order, money),
    )


def _fulfil(order: Order, money: IntentMoney, now: datetime) -> FulfilQuote | NotReleasable:
    try:
        check(order, ReleaseAction.FULFIL, order.rejected_intent)
        update = releases.released(order, releases.received(order, money), _request(order), now)
    except NotReleasable as refused:
        return refused
    read, wallet = store.load_order_and_wallet(order.payment_id, order.user_id)
    assert read, "Bug! nothing deletes an order"
    change = order_updates.decide(read, wallet, update, now, config.settings().expire_after_months)
    if not isinstance(change, Settlement):
        raise store.LostRace("the order was decided over meanwhile")
    settled, due = change.after, _due_back(change.after, money)
    if lot := store.find_own_lot(order):
        restored = Payment(replace(settled, credits_expire_at=lot.expires_at), ())
        taken = store.load_settled_payment(restored, now).out.credits
        return FulfilQuote(credits=0, to_debt=0, taken_back=max(0, due - taken))
    return FulfilQuote(credits=settled.credits_purchased, to_debt=settled.credits_to_debt, taken_back=due)


def _request(order: Order) -> releases.ReleaseRequest:
    """As if somebody decided so."""
    return releases.ReleaseRequest(payment_id=order.payment_id, action=ReleaseAction.FULFIL, reason="", actor="admin:")


def _due_back(settled: Order, money: IntentMoney) -> int:
    """How many credits the refunds and disputes that stand are due."""
    reversals = [payments.matched(settled, (), clawback.reported(update))[1] for update in money.reversals]
    standing = replace(settled, refunded_minor=0, disputed_minor=sum(one.reversed_minor for one in reversals))
    return standing.credits_due_back


def _refund(order: Order, money: IntentMoney) -> int | NotReleasable:
    """How much would go back; or why nothing can."""
    try:
        releases.check_that_no_credits_are_there(order)
        return releases.left_of(money)
    except NotReleasable as refused:
        return refused
