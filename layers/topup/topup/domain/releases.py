"""End the quarantine of a payment: grant the credits that it paid for, or give its money back."""

from dataclasses import replace
from datetime import datetime

from topup.domain.errors import NotReleasable
from topup.domain.orders import Advance, Order, Release, ReleaseAction, Status
from topup.domain.updates import PaymentReceived

GIVEN_BACK = "The payment did not match the order, and its money was given back."


def check(order: Order, action: ReleaseAction) -> None:
    """Raise NotReleasable where the order waits for no decision, or for the end of another one."""
    if order.quarantine_reason is None:
        raise NotReleasable("This payment is not under review")
    if order.rejected_intent is None:
        raise NotReleasable("Nobody knows by which payment intent it was paid: look for it in Stripe's Dashboard")
    if action is ReleaseAction.FULFIL and order.is_settled:
        raise NotReleasable("This order has its credits; what was paid once more can only be refunded")
    if action is ReleaseAction.FULFIL and order.release_under_way:
        raise NotReleasable("The money of this payment is on its way back")


def is_done(order: Order, action: ReleaseAction) -> bool:
    """Whether this was the decision that ended the order's last quarantine."""
    is_last = bool(order.releases) and order.releases[-1].action is action
    return order.quarantine_reason is None and is_last


def credits_for(order: Order, payment: PaymentReceived) -> int:
    """How many of the order's credits the payment has paid for; raises NotReleasable where that cannot be said.

    The same share of them as it paid of the price, rounded down, and never more than all. Tax is not a part of the
    price, and what a promotion code took counts as paid.
    """
    if payment.currency != order.currency:
        paid, ordered = payment.currency, order.currency
        raise NotReleasable(
            f"It was paid in {paid}, and the price is in {ordered}: refund it, or grant credits by hand"
        )
    price = payment.amount_minor if payment.subtotal_minor is None else payment.subtotal_minor
    credits = order.credits_purchased * min(price, order.amount_minor) // order.amount_minor
    if credits == 0:
        raise NotReleasable("It paid for less than one credit: refund it")
    return credits


def begun(order: Order, release: Release) -> Advance:
    """The order while the money of its refused payment goes back."""
    return Advance(before=order, after=replace(order, releases=(*order.releases, release), next_look_at=None))


def refunded(order: Order, now: datetime, *, is_being_paid: bool) -> Advance:
    """The order after the money of its refused payment has gone back; one that nobody pays otherwise has failed."""
    release = replace(order.releases[-1], is_done=True, released_at=now)
    ended = replace(order, releases=(*order.releases[:-1], release), next_look_at=None)
    if order.rejected_intent != release.intent:
        return Advance(before=order, after=ended)  # one more payment has been refused meanwhile
    ended = replace(ended, quarantine_reason=None, rejected_intent=None)
    if order.is_unfinished and not is_being_paid:
        ended = replace(ended, status=Status.FAILED, error_message=GIVEN_BACK, error_code=None)
    return Advance(before=order, after=ended)


def given_up(order: Order) -> Advance:
    """The order after Stripe has refused to give the money back: it waits for a decision again."""
    return Advance(before=order, after=replace(order, releases=order.releases[:-1]))


def undone(order: Order, intent: str, refund_id: str) -> Advance | None:
    """The order after the refund of its refused payment has failed; None if it waits for a person already."""
    if order.quarantine_reason is not None:
        return None
    reason = f"refund: {refund_id} has failed, the money is here again"
    return Advance(before=order, after=replace(order, quarantine_reason=reason, rejected_intent=intent))
