"""The sweeps of what Stripe has: events that no endpoint acknowledged, and whatever moved money, told of or not.

What Stripe never tried to deliver, because no enabled endpoint wanted it, is found too: refunds, disputes and fraud
warnings by their creation, older refunds and disputes and all payments by their events. An order's own session is asked
for until it has ended. A second payment, or one that comes after that end, is known from its event alone.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime

from topup import clawback, fraud_warnings, fulfilment, payment_status, store, stripe_gateway
from topup.domain.orders import Order
from topup.domain.reversals import Kind
from topup.domain.updates import PaymentReceived, PaymentSuspected, PaymentUpdate, ReversalUpdate
from topup.reconciliation.reports import Part, Result
from topup.reconciliation.stripe_walks import StripeSweep, Walk
from topup.store.cursors import Stuck
from topup.stripe_gateway import Listed, Page, listing
from topup.stripe_gateway.listing import EventSubject

Pages = Callable[[int, int, int | None], Iterator[Page]]

PAGES: Mapping[Kind, Pages] = {
    Kind.REFUND: listing.refunds,
    Kind.DISPUTE: listing.disputes,
}


def sweep_events(
    part: Part, walk: Walk, stuck: Iterable[Stuck], pages: Pages, reversals_since: Mapping[Kind, int]
) -> None:
    """Handle the events that `pages` lists.

    `reversals_since`: from which second of their creation on other sweeps read refunds and disputes.
    """

    def apply(listed: Listed) -> Result:
        subject = listing.subject_of(listed.content)
        if subject is None or _is_swept(subject, reversals_since):
            return Result.NOTHING_TO_DO
        return _apply_event(listed, subject, part.now)

    def apply_by_id(event_id: str) -> Result:
        event = listing.load_event(event_id)
        return apply(Listed(event_id, 0, event)) if event else Result.NOTHING_TO_DO

    StripeSweep(part, pages, apply, apply_by_id, _of(part, stuck)).run(walk)


def sweep_reversals(part: Part, walk: Walk, stuck: Iterable[Stuck], kind: Kind) -> None:
    """Compare all refunds, or all disputes, with ours, and apply those that differ."""

    def apply(listed: Listed) -> Result:
        return _apply_reversal(stripe_gateway.reversal_of(listed.content), part.now)

    def apply_by_id(stripe_id: str) -> Result:
        return _apply_reversal(stripe_gateway.current_reversal(kind, stripe_id), part.now)

    StripeSweep(part, PAGES[kind], apply, apply_by_id, _of(part, stuck)).run(walk)


def sweep_warnings(part: Part, walk: Walk, stuck: Iterable[Stuck]) -> None:
    """Apply the early fraud warnings that nobody has told us of."""

    def apply(listed: Listed) -> Result:
        return _apply_warning(stripe_gateway.warning_of(listed.content), part.now)

    def apply_by_id(warning_id: str) -> Result:
        return _apply_warning(stripe_gateway.current_warning(warning_id), part.now)

    StripeSweep(part, listing.fraud_warnings, apply, apply_by_id, _of(part, stuck)).run(walk)


def _is_swept(subject: EventSubject, reversals_since: Mapping[Kind, int]) -> bool:
    """Whether another sweep reads the event's refund or dispute as it is now, which says more than the event."""
    return subject.reversal is not None and subject.created >= reversals_since[subject.reversal]


def _apply_event(listed: Listed, subject: EventSubject, now: datetime) -> Result:
    """An event says which object to look at. What has become of it, only Stripe says: the event may be weeks old."""
    if subject.reversal is not None:
        return _apply_reversal(stripe_gateway.current_reversal(subject.reversal, subject.object_id), now)
    order = store.load_order(str(subject.order_id))
    if order is None:
        raise fulfilment.missing(str(subject.order_id))
    if order.is_settled and subject.object_id in (order.provider_order_id, order.transaction_id):
        return Result.NOTHING_TO_DO
    asked = payment_status.ask(order, now) if order.is_unfinished and order.provider_order_id else None
    if asked and asked.status is not order.status:
        return Result.REPAIRED
    # The order's session does not say it: the payment is one of another session, or the order has none yet.
    update = stripe_gateway.read_event(listed.content)
    return _apply_payment(update, order, now) if isinstance(update, PaymentUpdate) else Result.NOTHING_TO_DO


def _apply_payment(update: PaymentUpdate, order: Order, now: datetime) -> Result:
    is_payment = isinstance(update, PaymentReceived) and update.transaction_id is not None and not order.is_settled
    reversals = stripe_gateway.reversals_of(str(update.transaction_id)) if is_payment else ()
    return _result(is_changed=payment_status.apply(update, reversals, now).is_changed)


def _apply_reversal(update: ReversalUpdate | None, now: datetime) -> Result:
    return _result(is_changed=update is not None and clawback.apply(update, now))


def _apply_warning(update: PaymentSuspected | None, now: datetime) -> Result:
    return _result(is_changed=update is not None and fraud_warnings.apply(update, now))


def _result(*, is_changed: bool) -> Result:
    return Result.REPAIRED if is_changed else Result.NOTHING_TO_DO


def _of(part: Part, stuck: Iterable[Stuck]) -> dict[str, Stuck]:
    return {one.object_id: one for one in stuck if one.sweep == part.name}
