"""The response bodies: the public API's field names and shapes. Existing clients depend on them."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from typing import TYPE_CHECKING

from topup.api import hold_ids
from topup.api.staff_responses import StaffView
from topup.domain import money, times
from topup.domain.credits import Entry, UserCredits, transaction_id
from topup.domain.documents import Documents
from topup.domain.lots import Lot, Source, in_draw_order, spendable
from topup.domain.orders import Order, Status
from topup.domain.payments import Payment
from topup.domain.reversals import Kind, Reversal, ReversalStatus

if TYPE_CHECKING:
    from topup.api import schema_values, schemas

PUBLIC_STATUS: "Mapping[Status, schema_values.PaymentStatus]" = {
    Status.PENDING: "pending",
    Status.DECLINED: "failed",
    Status.PROCESSING: "processing",
    Status.EXPIRED: "expired",
    Status.FAILED: "failed",
    Status.SUCCEEDED: "succeeded",
    Status.UNKNOWN: "processing",
}
PUBLIC_REFUND_STATUS: "Mapping[ReversalStatus, schema_values.RefundStatus]" = {
    ReversalStatus.UNKNOWN: "pending",
    ReversalStatus.IN_FLIGHT: "pending",
    ReversalStatus.PENDING: "pending",
    ReversalStatus.SUCCEEDED: "succeeded",
    ReversalStatus.REFUSED: "failed",
    ReversalStatus.FAILED: "failed",
    ReversalStatus.CANCELED: "canceled",
}
PUBLIC_SOURCE: "Mapping[Source, schema_values.LotSource]" = {
    Source.PURCHASE: "purchase",
    Source.GRANT: "grant",
    Source.ADJUSTMENT: "adjustment",
    Source.RESTORED: "restored",
    Source.IMPORT: "import",
}


def checkout(order: Order) -> "schemas.Checkout":
    """POST /api/payments/stripe/create; its amount is a string, which is what existing clients parse."""
    body: schemas.Checkout = {
        "payment_id": order.payment_id,
        "status": _status(order),
        "amount": money.to_text(order.amount_minor, order.currency),
        "currency": order.currency,
        "credits_purchased": order.credits_purchased,
        "payment_url": _payment_url(order),
    }
    if order.is_under_review:
        body["under_review"] = True
    return body


def payment(
    order: Order, reversals: Sequence[Reversal] = (), *, staff: StaffView | None = None, language: str | None = None
) -> "schemas.Payment":
    """GET /api/payments/{payment_id}; its amounts are numbers, which is what existing clients parse.

    `staff`: with what is for administrators and support staff alone.
    """
    body: schemas.Payment = {
        "payment_id": order.payment_id,
        "status": _status(order),
        "package": order.package_id,
        "amount": number(order.amount_minor, order.currency),
        "currency": order.currency,
        "credits_purchased": order.credits_purchased,
        "payment_url": _payment_url(order),
        "created_at": times.to_text(order.created_at),
        "paid_at": times.to_text(order.paid_at) if order.paid_at else None,
    }
    if language:
        body["package_name"] = order.package_in(language)
    if body["status"] == "failed":
        body["error_message"], body["error_code"] = order.error_message, order.error_code
        body["may_retry"] = order.status is Status.DECLINED  # another card, at the same payment_url
    if order.is_under_review:
        body["under_review"] = True
    _add_what_was_paid(body, order)
    if order.credits_to_debt:
        body["credits_to_debt"] = order.credits_to_debt
        body["credits_available"] = order.credits_purchased - order.credits_to_debt
    if order.refunded_minor or reversals:
        _add_reversals(body, order, reversals)
    if staff:
        staff.add_to(body, order)
    return body


def documents(found: Documents) -> "schemas.Documents":
    """What `expand=receipt` adds to a payment."""
    return {"receipt_url": found.receipt_url, "invoice_url": found.invoice_url}


def _add_what_was_paid(body: "schemas.Payment", order: Order) -> None:
    """Where it is not the price alone."""
    if order.charged_minor != order.amount_minor:
        body["amount_paid"] = number(order.charged_minor, order.currency)
    if order.tax_minor:
        body["tax"] = number(order.tax_minor, order.currency)
    if order.discount_minor:
        body["discount"] = number(order.discount_minor, order.currency)


def _add_reversals(body: "schemas.Payment", order: Order, reversals: Sequence[Reversal]) -> None:
    body["amount_refunded"] = number(order.refunded_minor, order.currency)
    # The share of the refunds, as far as credits were taken at all: some may have expired before.
    body["credits_refunded"] = min(order.clawed_back, order.credits_due_for(order.refunded_minor))
    if refunds := [_refund(one, order.currency) for one in reversals if one.kind is Kind.REFUND]:
        body["refunds"] = refunds
    if disputes := [_dispute(one, order.currency) for one in reversals if one.kind is Kind.DISPUTE]:
        body["disputes"] = disputes


def _refund(refund: Reversal, currency: str) -> "schemas.Refund":
    own_currency = refund.currency or currency
    body: schemas.Refund = {
        "refund_id": refund.stripe_id or refund.reversal_id,
        "amount": number(refund.amount_minor, own_currency),
        "status": PUBLIC_REFUND_STATUS[refund.status],
        "reason": refund.reason,
        "created_at": times.to_text(refund.created_at),
    }
    if own_currency != currency:
        body["currency"] = own_currency
    return body


def _dispute(dispute: Reversal, currency: str) -> "schemas.Dispute":
    own_currency = dispute.currency or currency
    body: schemas.Dispute = {
        "dispute_id": dispute.stripe_id or dispute.reversal_id,
        "amount": number(dispute.amount_minor, own_currency),
        "status": dispute.stripe_status or dispute.status.value,
        "reason": dispute.reason,
        "created_at": times.to_text(dispute.created_at),
    }
    if own_currency != currency:
        body["currency"] = own_currency
    return body


def payments(
    listed: Iterable[Payment], next_cursor: str | None, language: str | None = None, *, staff: StaffView | None = None
) -> "schemas.PaymentList":
    """GET /api/payments; it says of each payment what its own answer says."""
    rows = [payment(one.order, one.reversals, staff=staff, language=language) for one in listed]
    return {"payments": rows, "next_cursor": next_cursor}


def user_credits(user: UserCredits, now: datetime, *, knows_holds: bool = True) -> "schemas.Credits":
    """GET /api/users/credits; `knows_holds`: whether it is known what holds reserved at that moment."""
    return {
        "user_id": user.wallet.user_id,
        "balance": user.balance(now),
        "held": user.held(now) if knows_holds else None,
        "available": user.available(now) if knows_holds else None,
        "debt": user.wallet.debt,
        "total_credits_earned": user.wallet.total_credits_earned,
        "lots": [_lot(lot) for lot in spendable(user.lots, now)],
    }


def _lot(lot: Lot) -> "schemas.Lot":
    return {
        "payment_id": lot.payment_id,
        "lot_id": lot.lot_id,
        "source": PUBLIC_SOURCE[lot.source],
        "package": lot.package,
        "granted": lot.granted,
        "remaining": lot.remaining,
        "expires_at": times.to_text(lot.expires_at) if lot.expires_at else None,
    }


def transactions(
    entries: Iterable[Entry],
    next_cursor: str | None,
    now: datetime,
    *,
    in_full: bool = False,
    lots: Mapping[str, Lot] | None = None,
    package_names: Mapping[str, str] | None = None,
) -> "schemas.TransactionList":
    """GET /api/users/credits/transactions; with the lots that entries name, by id, where it is to be explained, and
    with the names of payments' packages, by the payment's id, in the reader's language.
    """
    rows = []
    for entry in entries:
        row = _transaction(entry, now, in_full=in_full)
        if package_names is not None:
            row["package_name"] = package_names.get(entry.payment_id or "")
        if lots is not None:
            moves = {lot_id: amount for lot_id, amount in entry.moves.items() if amount}
            row["lots"] = [_moved(lot_id, moves[lot_id], lots) for lot_id in in_draw_order(moves, lots)]
        rows.append(row)
    return {"transactions": rows, "next_cursor": next_cursor}


def _moved(lot_id: str, amount: int, lots: Mapping[str, Lot]) -> "schemas.MovedLot":
    payment_id = lots[lot_id].payment_id if lot_id in lots else None
    return {"lot_id": lot_id, "payment_id": payment_id, "amount": amount}


def _transaction(entry: Entry, now: datetime, *, in_full: bool) -> "schemas.Transaction":
    row: schemas.Transaction = {
        "id": entry.transaction_id,
        "transaction_type": entry.transaction_type,
        "amount": entry.amount,
        "balance_after": entry.balance_after,
        "payment_order_id": entry.payment_id,
        "description": entry.cause.description,
        "package": entry.cause.package,
        "metadata": dict(entry.cause.metadata),
        "hold_id": hold_ids.of(entry.user_id, entry.cause.hold_id) if entry.cause.hold_id else None,
        "reverses": transaction_id(entry.user_id, entry.cause.spend) if entry.cause.spend else None,
        "expires_at": times.to_text(entry.expires_at) if entry.expires_at else None,
        "is_expired": entry.is_expired(now),
        "created_at": times.to_text(entry.created_at),
    }
    if in_full:
        row["actor"], row["reason"] = entry.cause.actor, entry.cause.reason
    return row


def number(amount_minor: int, currency: str) -> float:
    """An amount as a JSON number: what existing clients parse here; it is exact for every amount that Stripe takes."""
    return float(money.to_major(amount_minor, currency))


def _status(order: Order) -> "schema_values.PaymentStatus":
    return "processing" if order.is_under_review else PUBLIC_STATUS[order.status]


def _payment_url(order: Order) -> str | None:
    return None if order.is_under_review else order.payment_url
