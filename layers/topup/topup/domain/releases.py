"""End the quarantine of a payment: grant the credits that it paid for, or give its money back."""

from dataclasses import replace
from datetime import datetime

from topup.domain.errors import NotReleasable
from topup.domain.orders import Advance, Order, RefusedPayment, Release, ReleaseAction, Status
from topup.domain.updates import PaymentReceived

GIVEN_BACK = "The payment did not match the order, and its money was given back."


def intent_meant(order: Order, named: str | None) -> str | None:
    """Which payment a request decides over: the one that it names, else the only one that was ever refused.

    None where none was. Raises NotReleasable where it must be named: a repeated request must not decide over the next.
    """
    refused = order.waiting_intents | {one.intent for one in order.releases}
    if named is None and len(refused) > 1:
        raise NotReleasable("More than one payment of this order was refused: name the one in payment_intent")
    return named or next(iter(refused), None)


def check(order: Order, action: ReleaseAction, intent: str | None) -> None:
    """Raise NotReleasable where that payment of the order waits for no decision, or for the end of another one."""
    if order.quarantine_reason is None:
        raise NotReleasable("This payment is not under review")
    if order.rejected_intent is None:
        raise NotReleasable("Nobody knows by which payment intent it was paid: look for it in Stripe's Dashboard")
    if intent != order.rejected_intent:
        is_next = intent in order.waiting_intents
        before = f"Decide over {order.rejected_intent} first" if is_next else f"{intent} waits for no decision here"
        raise NotReleasable(before)
    if action is ReleaseAction.FULFIL and order.is_settled:
        raise NotReleasable("This order has its credits; what was paid once more can only be refunded")
    if action is ReleaseAction.FULFIL and order.release_under_way:
        raise NotReleasable("The money of this payment is on its way back")


def is_done(order: Order, action: ReleaseAction, intent: str | None) -> bool:
    """Whether this was decided over that payment, and carried out."""
    decisions = [one for one in order.releases if one.intent == intent]
    is_over = bool(decisions) and decisions[-1].is_done and intent not in order.waiting_intents
    return is_over and decisions[-1].action is action


def without_decided(order: Order) -> Order:
    """The order without the refused payment that was decided over: the next one waits for a decision, if any does."""
    following, *others = order.refused_besides or (None,)
    return replace(
        order,
        quarantine_reason=following.reason if following else None,
        rejected_intent=following.intent if following else None,
        refused_besides=tuple(one for one in others if one),
    )


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
    ended = without_decided(ended)
    if order.is_unfinished and ended.quarantine_reason is None and not is_being_paid:
        ended = replace(ended, status=Status.FAILED, error_message=GIVEN_BACK, error_code=None)
    return Advance(before=order, after=ended)


def given_up(order: Order) -> Advance:
    """The order after Stripe has refused to give the money back: it waits for a decision again."""
    return Advance(before=order, after=replace(order, releases=order.releases[:-1]))


def undone(order: Order, intent: str, refund_id: str) -> Advance | None:
    """The order after the refund of its refused payment has failed; None if that waits for a decision already."""
    if intent in order.waiting_intents:
        return None
    reason = f"refund: {refund_id} has failed, the money is here again"
    if order.quarantine_reason is None:
        return Advance(before=order, after=replace(order, quarantine_reason=reason, rejected_intent=intent))
    further = RefusedPayment(intent=intent, reason=reason)
    return Advance(before=order, after=replace(order, refused_besides=(*order.refused_besides, further)))
