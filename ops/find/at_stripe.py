"""What Stripe has of a payment now: its session, its money, what went back, and the events that it has sent."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime, timedelta

from ops import layout, make, opened
from topup import payment_status, stripe_gateway
from topup.domain.comparison import MoneyRecord, RecordKind, differences, missing_here, record_of, records_of
from topup.domain.documents import Documents
from topup.domain.errors import TopupError
from topup.domain.orders import Order
from topup.domain.payments import Payment
from topup.domain.updates import (
    CheckoutExpired,
    PaymentDeclined,
    PaymentFailed,
    PaymentProcessing,
    PaymentReceived,
    PaymentUpdate,
)
from topup.runtime import config
from topup.stripe_gateway import EVENT_TYPES
from topup.stripe_gateway.records import Unreadable, read_money_record
from topup.stripe_gateway.sent_events import SentEvent, events_of

SESSION_ENDS = timedelta(hours=25)
AFTERWARDS = timedelta(hours=1)  # that the events of a refund may come after it was made
NO_DOCUMENTS = Documents()
MOST_REQUESTS = 30  # for events: a busy account has thousands a day


@dataclass
class AtStripe:
    """`session` is its state in words, `differs` what Stripe has otherwise than we do, each since when.

    `documents` are the addresses of the receipt and the invoice. `events_until`: how far the events were looked
    through, where that was not all of them. `failure` says why Stripe could not be asked.
    """

    session: str = ""
    is_open: bool = False
    money: list[MoneyRecord] = field(default_factory=list)
    differs: list[tuple[str, datetime]] = field(default_factory=list)
    events: list[SentEvent] = field(default_factory=list)
    events_until: datetime | None = None
    documents: Documents = NO_DOCUMENTS
    failure: str = ""


def look(payment: Payment, now: datetime) -> AtStripe:
    """Ask Stripe; a failure ends it, and is part of what is returned."""
    found = AtStripe()
    if payment.order.livemode != config.is_livemode():
        mode = "live" if payment.order.livemode else "test"
        found.failure = f"it is a payment in {mode} mode, and the stack's key is of the other mode"
        return found
    try:
        intents = [*_intents(payment.order), *_session(payment.order, found)]
        for intent in dict.fromkeys(intents):
            _money(payment, intent, found)
        _compare(payment, found)
        found.documents = payment_status.documents(payment.order)
        _events(payment, intents, now, found)
    except TopupError as error:
        found.failure = f"{error.detail}: {opened.words(error)}"
    return found


def _intents(order: Order) -> Iterator[str]:
    known = (order.transaction_id, *sorted(order.refused_intents))
    return (intent for intent in known if intent)


def _session(order: Order, found: AtStripe) -> Iterator[str]:
    """Say what the session's state is; the intent that it names, if any."""
    if order.provider_order_id is None:
        found.session = "no Checkout Session was opened"
        return
    state = stripe_gateway.read_session(order)
    if state is None:
        found.session = f"it does not know {order.provider_order_id}"
        return
    found.is_open = state.is_open
    found.session = f"{order.provider_order_id}: {_in_words(state.update, is_open=state.is_open)}"
    if state.update and state.update.transaction_id:
        yield state.update.transaction_id


def _in_words(update: PaymentUpdate | None, *, is_open: bool) -> str:
    match update:
        case PaymentReceived():
            return f"paid, {layout.amount(update.amount_minor, update.currency)}"
        case PaymentProcessing():
            return "the buyer has done their part, the bank has not confirmed it"
        case PaymentDeclined():
            return f"open; the last try failed: {update.reason}"
        case PaymentFailed():
            return f"failed: {update.reason or 'without a reason'}"
        case CheckoutExpired():
            return "expired, nobody has paid"
        case _:
            return "open, nobody has paid" if is_open else "ended"


def _money(payment: Payment, intent: str, found: AtStripe) -> None:
    record = read_money_record(RecordKind.PAYMENT, intent)
    if isinstance(record, MoneyRecord) and record.payment_id == payment.order.payment_id:
        found.money.append(record)
        reversals = stripe_gateway.reversals_of(intent)
        found.money += [record_of(one.reversal, one.transaction_id, one.currency) for one in reversals]
    elif isinstance(record, Unreadable):
        found.differs.append((f"{intent} cannot be read: {record.reason}", payment.order.created_at))


def _compare(payment: Payment, found: AtStripe) -> None:
    """What the two sides say differently; a quarantine is a difference that is known."""
    ours = {(one.kind, one.stripe_id): one for one in records_of(payment)}
    for record in found.money:
        known = ours.pop((record.kind, record.stripe_id), None)
        if record.kind is RecordKind.PAYMENT and record.status != "succeeded":
            continue
        says = "; ".join(differences(known, record)) if known else _missing(record, payment)
        if says:
            found.differs.append((f"{record.kind} {record.stripe_id}: {says}", record.created_at))
    for left in ours.values():
        found.differs.append((f"{left.kind} {left.stripe_id} is recorded here, and Stripe has none", left.created_at))


def _missing(record: MoneyRecord, payment: Payment) -> str | None:
    return None if record.intent_id in payment.order.waiting_intents else missing_here(record, payment)


# ---------------------------------------------------------------------------------------------------------- the events


def _events(payment: Payment, intents: Sequence[str], now: datetime, found: AtStripe) -> None:
    """Look through the account's events around each moment at which something happened to the payment."""
    session = payment.order.provider_order_id
    ids = {*intents, *([session] if session else []), *(one.stripe_id for one in found.money)}
    known: dict[str, SentEvent] = {}
    pages = (
        (since, page)
        for since, until in windows(payment, found.money, now)
        for page in events_of(payment.order.payment_id, ids, since, until)
    )
    for number, (since, page) in enumerate(pages, 1):
        known |= {event.event_id: event for event in page}
        if number == MOST_REQUESTS:
            found.events_until = since
            break
    found.events = sorted(known.values(), key=lambda event: (event.created_at, EVENT_TYPES.index(event.event_type)))


def windows(payment: Payment, money: Sequence[MoneyRecord], now: datetime) -> list[tuple[datetime, datetime]]:
    """The times in which Stripe may have sent events about it, oldest first, without an overlap.

    Of a purchase until it was paid or its session ended; of a refund or dispute the time after each was made. Stripe
    keeps events for thirty days.
    """
    order = payment.order
    ends = (order.paid_at or order.open_since + SESSION_ENDS) + AFTERWARDS
    moments = [*(one.created_at for one in payment.reversals), *(one.created_at for one in money)]
    spans = [(order.created_at, ends), *((moment, moment + AFTERWARDS) for moment in moments)]
    merged: list[tuple[datetime, datetime]] = []
    for since, until in sorted((max(since, now - make.RECONCILED), min(until, now)) for since, until in spans):
        if since > until:
            continue
        if merged and since <= merged[-1][1]:
            merged[-1] = (merged[-1][0], max(until, merged[-1][1]))
        else:
            merged.append((since, until))
    return merged
