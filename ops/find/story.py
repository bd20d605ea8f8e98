"""All that is known of one payment, and its time line."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime

from ops import layout
from ops.find import at_stripe
from ops.find.at_stripe import AtStripe
from topup import refund_quotes, store
from topup.domain.credits import Entry, TransactionType
from topup.domain.errors import TopupError
from topup.domain.lots import Lot
from topup.domain.orders import Order, Release, ReleaseAction
from topup.domain.payments import Payment
from topup.domain.quotes import Quote
from topup.domain.refund_requests import RefundRequest
from topup.domain.reversals import Reversal
from topup.stripe_gateway.sent_events import SentEvent
from topup.stripe_gateway.translation import REVERSAL_EVENTS

PAGE = 100
MOST_ENTRIES = 20_000  # of the user's ledger, since the order was placed


@dataclass(frozen=True)
class Story:
    """A payment, what Stripe has of it, its entries of the user's ledger (oldest first), and its lots.

    `is_part`: the ledger has more entries since the order was placed than were searched. `refund` is what a refund of
    all that is left would do, else why there is none; None where nothing was paid.
    """

    payment: Payment
    stripe: AtStripe
    entries: Sequence[Entry]
    lots: Sequence[Lot]
    is_part: bool
    refund: Quote | str | None = None


@dataclass(frozen=True)
class Step:
    """Something that happened, and who says so: us, Stripe or the ledger."""

    at: datetime
    source: str
    what: str


def of(payment: Payment, now: datetime) -> Story:
    """Read everything about the payment; changes nothing."""
    order = payment.order
    entries, is_part = _entries(order)
    lots = store.load_lots_of(order.user_id, entries).values() if entries else ()
    own = sorted((lot for lot in lots if lot.payment_id == order.payment_id), key=lambda lot: lot.lot_id)
    return Story(payment, at_stripe.look(payment, now), entries, own, is_part, _refund(order, now))


def _refund(order: Order, now: datetime) -> Quote | str | None:
    if not order.is_settled:
        return None
    try:
        return refund_quotes.quote(RefundRequest(payment_id=order.payment_id, amount=None, admin_id=None), now)
    except TopupError as refused:
        return refused.detail


def _entries(order: Order) -> tuple[list[Entry], bool]:
    """The payment's entries, oldest first; and whether there may be more. The ledger is read from its end."""
    found: list[Entry] = []
    before: int | None = None
    for _ in range(MOST_ENTRIES // PAGE):
        page = store.list_entries(order.user_id, PAGE, before)
        found += [entry for entry in page if entry.payment_id == order.payment_id]
        if not page or page[-1].number == 1 or page[-1].created_at < order.created_at:
            return found[::-1], False
        before = page[-1].number
    return found[::-1], True


# -------------------------------------------------------------------------------------------------------- the time line


def time_line(story: Story) -> list[Step]:
    """Everything that happened, oldest first. Stripe's times are whole seconds: of one second, a cause comes first."""
    payment, events = story.payment, story.stripe.events
    came = [entry for entry in story.entries if entry.transaction_type is TransactionType.PURCHASED]
    moved = [entry for entry in story.entries if entry.transaction_type is not TransactionType.PURCHASED]
    steps = [
        _placed(payment.order),
        *(_sent(event) for event in events if event.event_type not in REVERSAL_EVENTS),
        *_later_steps(payment.order),
        *map(_changed, came),
        *(_reversed(one, payment.order) for one in payment.reversals),
        *(_sent(event) for event in events if event.event_type in REVERSAL_EVENTS),
        *map(_changed, moved),
        *map(_released, payment.order.releases),
    ]
    return sorted(steps, key=lambda step: step.at.replace(microsecond=0))


def _placed(order: Order) -> Step:
    price = layout.amount(order.amount_minor, order.currency)
    return Step(
        order.created_at, "order", f"placed: {order.package_name}, {order.credits_purchased} credits for {price}"
    )


def _later_steps(order: Order) -> Iterator[Step]:
    if order.opened_at:
        yield Step(order.opened_at, "order", f"opened again, attempt {order.attempt}")
    if order.fraud_warning:
        warning = order.fraud_warning
        says = f"the card's issuer has warned of fraud: {warning.fraud_type} ({warning.warning_id})"
        yield Step(warning.created_at, "order", says)
    if order.paid_at:
        yield Step(order.paid_at, "order", f"paid: {_what_was_paid(order)}")


def _what_was_paid(order: Order) -> str:
    parts = {"tax": order.tax_minor, "discount": order.discount_minor}
    more = [f"{name} {layout.amount(minor, order.currency)}" for name, minor in parts.items() if minor]
    by = [order.transaction_id] if order.transaction_id else ["a promotion code took the whole price"]
    return ", ".join([layout.amount(order.charged_minor, order.currency), *more, *by])


def _sent(event: SentEvent) -> Step:
    arrived = "arrived"
    if event.unacknowledged:
        arrived = f"has not arrived: {layout.counted(event.unacknowledged, 'endpoint')} did not acknowledge it"
    return Step(event.created_at, "Stripe", f"{event.event_type} of {event.object_id}, {event.event_id}: {arrived}")


def _reversed(one: Reversal, order: Order) -> Step:
    money = layout.amount(one.amount_minor, one.currency or order.currency)
    by = f"by admin:{one.requested_by}" if one.requested_by else None
    says = f"{one.kind} of {money}, {one.stripe_id or one.reversal_id}: {one.stripe_status or one.status.value}"
    return Step(one.created_at, "order", _joined(says, one.reason, by))


def _changed(entry: Entry) -> Step:
    cause = entry.cause
    says = f"{cause.transaction_type} {entry.amount:+} → {entry.balance_after} (entry {entry.number})"
    return Step(entry.created_at, "credits", _joined(says, cause.reason, cause.actor))


def _released(release: Release) -> Step:
    ended = {ReleaseAction.FULFIL: "its credits were granted", ReleaseAction.REFUND: "its money was given back"}
    what = ended[release.action] if release.is_done else "its money is to go back"
    says = f"quarantine of {release.intent} ({release.quarantine_reason}): {what}"
    return Step(release.released_at, "order", _joined(says, release.reason, release.actor))


def _joined(*parts: str | None) -> str:
    return " · ".join(part for part in parts if part)
