"""Compare what we have recorded of money with what Stripe has: payments, refunds and disputes, one by one."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum

from topup.domain.payments import Payment
from topup.domain.reversals import Kind, Reversal, ReversalStatus

SUCCEEDED = "succeeded"


class RecordKind(StrEnum):
    """What came or went."""

    PAYMENT = "payment"
    REFUND = Kind.REFUND.value
    DISPUTE = Kind.DISPUTE.value


@dataclass(frozen=True, kw_only=True)
class MoneyRecord:
    """One payment, refund or dispute, as one of the two sides has it. Amounts are minor units of `currency`.

    `payment_id` is the order that it belongs to (None: it is not ours), `intent_id` Stripe's payment intent.
    `reversed_minor` is how much of the money it reverses; of a payment, how much of it was refunded.
    """

    kind: RecordKind
    stripe_id: str
    payment_id: str | None
    intent_id: str | None
    status: str
    amount_minor: int
    currency: str
    reversed_minor: int
    created_at: datetime


def records_of(payment: Payment) -> Iterator[MoneyRecord]:
    """What we have recorded under an id of Stripe's: the payment of a settled order, and its refunds and disputes."""
    order = payment.order
    if order.is_settled and order.transaction_id:
        yield MoneyRecord(
            kind=RecordKind.PAYMENT,
            stripe_id=order.transaction_id,
            payment_id=order.payment_id,
            intent_id=order.transaction_id,
            status=SUCCEEDED,
            amount_minor=order.charged_minor,
            currency=order.currency,
            reversed_minor=order.refunded_minor,
            created_at=order.paid_at or order.created_at,
        )
    for reversal in payment.reversals:
        if reversal.stripe_id:
            yield record_of(reversal, order.transaction_id, reversal.currency or order.currency)


def record_of(reversal: Reversal, intent_id: str | None, currency: str) -> MoneyRecord:
    """The record of a refund or a dispute, ours or Stripe's."""
    return MoneyRecord(
        kind=RecordKind(reversal.kind.value),
        stripe_id=str(reversal.stripe_id),
        payment_id=reversal.payment_id,
        intent_id=intent_id,
        status=reversal.stripe_status or reversal.status.value,
        amount_minor=reversal.amount_minor,
        currency=currency,
        reversed_minor=reversal.reversed_minor,
        created_at=reversal.created_at,
    )


def differences(ours: MoneyRecord, stripes: MoneyRecord) -> list[str]:
    """What the two sides say differently, each with both values."""
    compared = {
        "payment": (stripes.payment_id, ours.payment_id),
        "payment intent": (stripes.intent_id, ours.intent_id),
        "status": (stripes.status, ours.status),
        "amount_minor": (stripes.amount_minor, ours.amount_minor),
        "currency": (stripes.currency, ours.currency),
    }
    if ours.kind is not RecordKind.PAYMENT:  # a payment's refunds are compared one by one
        compared["reversed_minor"] = (stripes.reversed_minor, ours.reversed_minor)
    return [
        f"{name}: {at_stripe} at Stripe, {here} here"
        for name, (at_stripe, here) in compared.items()
        if at_stripe != here
    ]


def missing_here(stripes: MoneyRecord, payment: Payment | None) -> str | None:
    """What is wrong if we have not recorded what Stripe has; None if it is right so.

    A payment that was quarantined, or is a second one of its order, is right once its money was given back. Refunds and
    disputes of another payment intent than the order's are not about the order's money.
    """
    if payment is None:
        return "there is no such payment here"
    order = payment.order
    is_over = stripes.kind is not RecordKind.PAYMENT or stripes.reversed_minor >= stripes.amount_minor
    if stripes.intent_id in order.refused_intents:
        return None if is_over else "it is quarantined here, and Stripe still has its money"
    if not order.is_settled:
        return f"its payment is {order.status} here"
    if stripes.intent_id != order.transaction_id:
        return None if is_over else f"the order was paid by {order.transaction_id}: this is a second payment of it"
    in_flight = any(one.status is ReversalStatus.IN_FLIGHT for one in payment.reversals)
    return "it is not recorded here" + (" (a refund is in flight)" if in_flight else "")
