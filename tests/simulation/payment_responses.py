"""What the API must say of a payment in a given state; computed here again, to find a mistake in the product's code."""

import math
from collections.abc import Mapping
from fractions import Fraction
from typing import Any

from topup.domain import money, times
from topup.domain.orders import Status
from topup.domain.payments import Payment
from topup.domain.reversals import Kind, Reversal, ReversalStatus

CHANGING_FIELDS = (
    *("status", "under_review", "payment_url", "credits_purchased", "paid_at"),
    *("amount_paid", "tax", "discount"),
    *("credits_to_debt", "credits_available", "amount_refunded", "credits_refunded", "refunds", "disputes"),
)
REFUND_STATUS = {
    ReversalStatus.UNKNOWN: "pending",
    ReversalStatus.IN_FLIGHT: "pending",
    ReversalStatus.REFUSED: "failed",
}


def payment_response(payment: Payment) -> dict[str, Any]:
    """The changing fields of a payment's own answer, and of its row in a list, in this state."""
    order = payment.order
    is_under_review = order.quarantine_reason is not None and order.status is not Status.SUCCEEDED
    seen: dict[str, Any] = dict.fromkeys(CHANGING_FIELDS)
    seen |= {
        "status": "processing" if is_under_review else public_status(order.status),
        "under_review": is_under_review or None,
        "payment_url": None if is_under_review else order.payment_url,
        "credits_purchased": order.credits_purchased,
        "paid_at": times.to_text(order.paid_at) if order.paid_at else None,
    }
    for name, figure in (("tax", order.tax_minor), ("discount", order.discount_minor)):
        seen[name] = float(money.to_major(figure, order.currency)) if figure else None
    is_of_the_price = order.charged_minor == order.amount_minor
    seen["amount_paid"] = None if is_of_the_price else float(money.to_major(order.charged_minor, order.currency))
    if order.credits_to_debt:
        seen["credits_to_debt"] = order.credits_to_debt
        seen["credits_available"] = order.credits_purchased - order.credits_to_debt
    if order.refunded_minor or payment.reversals:
        seen["amount_refunded"] = float(money.to_major(order.refunded_minor, order.currency))
        due = math.floor(Fraction(order.credits_purchased * order.refunded_minor, max(1, order.charged_minor)))
        seen["credits_refunded"] = min(due, order.clawed_back)
        rows = [(one.kind, reversal_row(one, order.currency)) for one in payment.reversals]
        seen["refunds"] = [row for kind, row in rows if kind is Kind.REFUND] or None
        seen["disputes"] = [row for kind, row in rows if kind is Kind.DISPUTE] or None
    return seen


def reversal_row(reversal: Reversal, currency: str) -> dict[str, Any]:
    """A refund or dispute in the answer for a payment in this currency."""
    own_currency = reversal.currency or currency
    status = REFUND_STATUS.get(reversal.status, reversal.status.value)
    row = {
        f"{reversal.kind}_id": reversal.stripe_id or reversal.reversal_id,
        "amount": float(money.to_major(reversal.amount_minor, own_currency)),
        "status": (reversal.stripe_status or status) if reversal.kind is Kind.DISPUTE else status,
        "reason": reversal.reason,
        "created_at": times.to_text(reversal.created_at),
    }
    return row if own_currency == currency else row | {"currency": own_currency}


def is_said_of(payment: Payment, response: Mapping[str, Any]) -> bool:
    """Whether this answer, or row of a list, is true of the payment in this state."""
    return payment_response(payment) == {name: response.get(name) for name in CHANGING_FIELDS}


def is_not_refundable(payment: Payment | None, amount_minor: int | None) -> bool:
    """Whether so much cannot be refunded, or all that is left where no amount is given.

    A request that is repeated is about the refund that it began: all that was left then may be more than is left now.
    """
    if payment is None or not payment.order.is_settled or payment.order.disputed_minor:
        return payment is not None
    refused = [one.amount_minor for one in payment.reversals if one.status is ReversalStatus.REFUSED]
    most = max([0, *refused]) if amount_minor is None else amount_minor
    return payment.order.refundable_minor == 0 or most > payment.order.refundable_minor


def public_status(status: Status) -> str:
    return "failed" if status is Status.DECLINED else status.value
