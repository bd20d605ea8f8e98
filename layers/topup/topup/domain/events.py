"""What other systems hear of: the events that a ledger entry, a hold or an order brings.

The same change always brings the same events with the same ids, so that a listener can drop what it has heard before.
"""

import uuid
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from topup.domain.credits import Entry, TransactionType
from topup.domain.holds import Hold, HoldChange, HoldStatus
from topup.domain.lots import Lot
from topup.domain.orders import Order, Status

_EVENT_IDS = uuid.UUID("b0c9d1de-5f0e-4c1b-9a37-0c4f7a0f6a52")


class EventType(StrEnum):
    """What has happened; rules match it as the event's detail-type."""

    CREDITS_PURCHASED = "credits.purchased"
    CREDITS_GRANTED = "credits.granted"
    CREDITS_SPENT = "credits.spent"
    CREDITS_REVERSED = "credits.reversed"
    CREDITS_EXPIRED = "credits.expired"
    CREDITS_REFUNDED = "credits.refunded"
    CREDITS_REFUND_REVERSED = "credits.refund_reversed"
    CREDITS_DISPUTED = "credits.disputed"
    CREDITS_DISPUTE_REVERSED = "credits.dispute_reversed"
    CREDITS_ADJUSTED = "credits.adjusted"
    CREDITS_LOW = "credits.low"
    CREDITS_EXPIRING = "credits.expiring"
    HOLD_ENDED = "hold.ended"
    HOLD_SHORTFALL = "hold.shortfall"
    PAYMENT_PENDING = "payment.pending"
    PAYMENT_PROCESSING = "payment.processing"
    PAYMENT_SUCCEEDED = "payment.succeeded"
    PAYMENT_FAILED = "payment.failed"
    PAYMENT_EXPIRED = "payment.expired"
    PAYMENT_QUARANTINED = "payment.quarantined"


TYPE_OF_ENTRY: Mapping[TransactionType, EventType] = {
    TransactionType.PURCHASED: EventType.CREDITS_PURCHASED,
    TransactionType.GRANTED: EventType.CREDITS_GRANTED,
    TransactionType.SPENT: EventType.CREDITS_SPENT,
    TransactionType.SPEND_REVERSED: EventType.CREDITS_REVERSED,
    TransactionType.EXPIRED: EventType.CREDITS_EXPIRED,
    TransactionType.REFUNDED: EventType.CREDITS_REFUNDED,
    TransactionType.REFUND_REVERSED: EventType.CREDITS_REFUND_REVERSED,
    TransactionType.DISPUTED: EventType.CREDITS_DISPUTED,
    TransactionType.DISPUTE_REVERSED: EventType.CREDITS_DISPUTE_REVERSED,
    TransactionType.ADJUSTED: EventType.CREDITS_ADJUSTED,
}
# A payment that is declined has failed until another card pays it, as its owner reads it.
TYPE_OF_STATUS: Mapping[Status, EventType] = {
    Status.PENDING: EventType.PAYMENT_PENDING,
    Status.DECLINED: EventType.PAYMENT_FAILED,
    Status.PROCESSING: EventType.PAYMENT_PROCESSING,
    Status.EXPIRED: EventType.PAYMENT_EXPIRED,
    Status.FAILED: EventType.PAYMENT_FAILED,
    Status.SUCCEEDED: EventType.PAYMENT_SUCCEEDED,
}


@dataclass(frozen=True, kw_only=True)
class Event:
    """One thing that has happened to a user's credits, hold or payment.

    `subject` is what it is about. `low_below` is the threshold of `credits.low`, `days_left` how many days before its
    expiry a lot is told of by `credits.expiring`; None in all others.
    """

    event_id: str
    event_type: EventType
    user_id: str
    occurred_at: datetime
    subject: Entry | Hold | Order | Lot
    low_below: int | None = None
    days_left: int | None = None


@dataclass(frozen=True, kw_only=True)
class OrderChange:
    """An order before and after one write of it; `before` is None where it is new."""

    before: Order | None
    after: Order


def of_entry(entry: Entry, low_below: int) -> list[Event]:
    """The events of a new ledger entry: its own, and `credits.low` where it takes the balance below the threshold.

    low_below: credits; 0 where no balance is low.
    """
    told = Event(
        event_id=entry.transaction_id,
        event_type=TYPE_OF_ENTRY[entry.transaction_type],
        user_id=entry.user_id,
        occurred_at=entry.created_at,
        subject=entry,
    )
    # From this entry alone: the entries before and after it need not be looked at.
    is_low = entry.balance_after < low_below <= entry.balance_after - entry.amount
    if not (low_below and is_low):
        return [told]
    low = Event(
        event_id=_id(EventType.CREDITS_LOW, entry.transaction_id),
        event_type=EventType.CREDITS_LOW,
        user_id=entry.user_id,
        occurred_at=entry.created_at,
        subject=entry,
        low_below=low_below,
    )
    return [told, low]


def of_hold(change: HoldChange, written_at: datetime) -> list[Event]:
    """The events of a hold that was written: its end, and what its captures could not take.

    A shortfall is told as the total of the hold, under an id of its own for each total.
    """
    before, hold = change.before, change.after
    told = []
    if hold.status is not HoldStatus.OPEN and (before is None or before.status is HoldStatus.OPEN):
        told.append((EventType.HOLD_ENDED, hold.status.value))
    if hold.shortfall > (before.shortfall if before else 0):
        told.append((EventType.HOLD_SHORTFALL, str(hold.shortfall)))
    return [
        Event(
            event_id=_id(kind, hold.user_id, hold.hold_id, occasion),
            event_type=kind,
            user_id=hold.user_id,
            occurred_at=written_at,
            subject=hold,
        )
        for kind, occasion in told
    ]


def of_order(change: OrderChange, written_at: datetime) -> list[Event]:
    """The events of an order that was written: its new status, or that one of its payments was refused.

    While somebody looks at a refused payment, nothing else is told of its order, whose buyer must not pay again.
    Raises ValueError for a status of a newer version, which that version will tell of.
    """
    before, after = change.before, change.after
    known = dict(_refused(before)) if before else {}
    if refused := [(intent, reason) for intent, reason in _refused(after) if intent not in known]:
        return [_of_refused(after, intent, reason, written_at) for intent, reason in refused]
    told = None if before is None or before.is_under_review else _type_of(before)
    if after.is_under_review or _type_of(after) is told:
        return []
    # A payment may come into one status twice, but not in the same attempt, nor after the same decisions over it.
    occasion = (after.status.value, str(after.attempt), str(len(after.releases)))
    return [_of_payment(_type_of(after), after, occasion, written_at)]


def _refused(order: Order) -> Iterator[tuple[str, str]]:
    """The intents of the payments of an order that were refused and wait for a decision, and why they were."""
    if order.quarantine_reason is not None:
        yield order.rejected_intent or "", order.quarantine_reason
    for one in order.refused_besides:
        yield one.intent, one.reason


def _of_refused(order: Order, intent: str, reason: str, written_at: datetime) -> Event:
    about = replace(order, rejected_intent=intent or None, quarantine_reason=reason)
    # A payment may be refused again after a decision: the number of decisions makes that another event.
    return _of_payment(EventType.PAYMENT_QUARANTINED, about, (intent, str(len(order.releases))), written_at)


def _of_payment(kind: EventType, order: Order, occasion: tuple[str, ...], written_at: datetime) -> Event:
    return Event(
        event_id=_id(kind, order.payment_id, *occasion),
        event_type=kind,
        user_id=order.user_id,
        occurred_at=written_at,
        subject=order,
    )


def _type_of(order: Order) -> EventType:
    if order.status not in TYPE_OF_STATUS:
        raise ValueError("the order has a status that a newer version wrote")
    return TYPE_OF_STATUS[order.status]


def of_expiring_lot(lot: Lot, days_left: int, found_at: datetime) -> Event:
    """The event that says that a lot's credits expire in so many days; the same id however often it is found."""
    return Event(
        event_id=_id(EventType.CREDITS_EXPIRING, lot.user_id, lot.lot_id, str(days_left)),
        event_type=EventType.CREDITS_EXPIRING,
        user_id=lot.user_id,
        occurred_at=found_at,
        subject=lot,
        days_left=days_left,
    )


def _id(kind: EventType, *occasion: str) -> str:
    return str(uuid.uuid5(_EVENT_IDS, "\n".join([kind.value, *occasion])))
