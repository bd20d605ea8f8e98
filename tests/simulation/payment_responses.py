"""What the API must say of a payment in a given state; computed here again, to find a mistake in the product's code."""

from typing import Any

from topup.domain import money, times
from topup.domain.orders import Status
from topup.domain.payments import Payment
from topup.domain.reversals import Kind, ReversalStatus

CHANGING_FIELDS = ("status", "credits_purchased", "paid_at", "amount_refunded", "credits_refunded", "refunds")


def payment_response(payment: Payment) -> dict[str, Any]:
    """The changing fields of get_payment's response for a payment in this state."""
    order, refunds = payment.order, [one for one in payment.reversals if one.kind is Kind.REFUND]
    seen: dict[str, Any] = dict.fromkeys(CHANGING_FIELDS)
    seen |= {
        "status": public_status(order.status),
        "credits_purchased": order.credits_purchased,
        "paid_at": times.to_text(order.paid_at) if order.paid_at else None,
    }
    if order.refunded_minor or payment.reversals:
        seen["amount_refunded"] = float(money.to_major(order.refunded_minor, order.currency))
        seen["credits_refunded"] = sum(one.clawed_back for one in refunds if one.reversed_minor)
    if refunds:
        seen["refunds"] = [
            {
                "refund_id": one.stripe_id or one.reversal_id,
                "amount": float(money.to_major(one.amount_minor, order.currency)),
                "status": "pending" if one.status is ReversalStatus.IN_FLIGHT else one.status.value,
                "reason": one.reason,
                "created_at": times.to_text(one.created_at),
            }
            for one in refunds
        ]
    return seen


def is_not_refundable(payment: Payment | None, amount_minor: int | None) -> bool:
    if payment is None or not payment.order.is_settled or payment.order.disputed_minor:
        return payment is not None
    return payment.order.refundable_minor == 0 or (amount_minor or 0) > payment.order.refundable_minor


def public_status(status: Status) -> str:
    return "failed" if status is Status.DECLINED else status.value
