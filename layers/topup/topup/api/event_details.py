"""The details of events, as other systems read them; see `event_schemas`."""

from typing import Any

from topup.api import event_schemas, hold_ids
from topup.api.event_schemas import EventDetail
from topup.domain import times
from topup.domain.credits import Entry, transaction_id
from topup.domain.events import Event, EventType
from topup.domain.holds import Hold
from topup.domain.lots import Lot
from topup.domain.orders import Order, Status


def detail(event: Event) -> EventDetail:
    """What an event says."""
    common: dict[str, Any] = {
        "id": event.event_id,
        "type": event.event_type,
        "user_id": event.user_id,
        "occurred_at": times.to_text(event.occurred_at),
    }
    return event_schemas.DETAILS[event.event_type](**common, **_own_fields(event))


def _own_fields(event: Event) -> dict[str, Any]:
    match event.subject:
        case Entry() as entry if event.event_type is EventType.CREDITS_LOW:
            return _of_the_entry(entry) | {"threshold": event.low_below}
        case Entry() as entry:
            return _of_the_entry(entry) | _of_its_cause(entry)
        case Hold() as hold:
            return _of_hold(hold) | (_of_its_end(hold) if event.event_type is EventType.HOLD_ENDED else {})
        case Lot() as lot:
            return _of_lot(lot) | {"days_left": event.days_left}
        case Order() as order:
            return _of_order(order)


def _of_the_entry(entry: Entry) -> dict[str, Any]:
    return {
        "sequence": entry.number,
        "transaction_id": entry.transaction_id,
        "amount": entry.amount,
        "balance_after": entry.balance_after,
    }


def _of_its_cause(entry: Entry) -> dict[str, Any]:
    cause = entry.cause
    return {
        "actor": cause.actor,
        "description": cause.description,
        "reason": cause.reason,
        "payment_id": cause.payment_id,
        "package": cause.package,
        "hold_id": hold_ids.of(entry.user_id, cause.hold_id) if cause.hold_id else None,
        "reverses": transaction_id(entry.user_id, cause.spend) if cause.spend else None,
        "expires_at": times.to_text(entry.expires_at) if entry.expires_at else None,
        "money_minor": cause.money_minor or None,
        "currency": cause.currency,
        "metadata": dict(cause.metadata),
    }


def _of_hold(hold: Hold) -> dict[str, Any]:
    return {
        "hold_id": hold_ids.of(hold.user_id, hold.hold_id),
        "amount": hold.amount,
        "captured": hold.captured,
        "shortfall": hold.shortfall,
        "actor": hold.actor,
        "description": hold.description,
        "metadata": dict(hold.metadata),
    }


def _of_its_end(hold: Hold) -> dict[str, Any]:
    return {"status": hold.status.value, "released": hold.left}


def _of_lot(lot: Lot) -> dict[str, Any]:
    assert lot.expires_at, "Bug! a lot that never expires is told of"
    return {
        "lot_id": lot.lot_id,
        "remaining": lot.remaining,
        "expires_at": times.to_text(lot.expires_at),
        "payment_id": lot.payment_id,
        "package": lot.package,
    }


def _of_order(order: Order) -> dict[str, Any]:
    return {
        "payment_id": order.payment_id,
        "package": order.package_id,
        "credits_purchased": order.credits_purchased,
        "amount_minor": order.amount_minor,
        "currency": order.currency,
        "paid_minor": order.charged_minor if order.is_settled else None,
        "tax_minor": order.tax_minor or None,
        "discount_minor": order.discount_minor or None,
        "may_retry": order.status is Status.DECLINED and not order.is_under_review,
        "error_code": order.error_code,
        "quarantine_reason": order.quarantine_reason,
    }
