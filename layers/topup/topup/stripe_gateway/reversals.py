"""Stripe's refunds and disputes in Topup's words, and how much of the money each of them reverses."""

from collections.abc import Mapping
from itertools import accumulate
from typing import Any

from topup.domain import idempotency
from topup.domain.reversals import Kind, Reversal, ReversalStatus
from topup.domain.updates import PaymentReceived, ReversalUpdate
from topup.stripe_gateway import parsing, translation
from topup.stripe_gateway.translation import Json

# What Stripe says of a refund (Stripe API, Refund object, status). "requires_action" waits for the buyer, as "pending"
# waits for the bank; a refund without a status has not got one yet.
REFUND_STATUS: Mapping[str | None, ReversalStatus] = {
    None: ReversalStatus.PENDING,
    "requires_action": ReversalStatus.PENDING,
    "pending": ReversalStatus.PENDING,
    "succeeded": ReversalStatus.SUCCEEDED,
    "failed": ReversalStatus.FAILED,
    "canceled": ReversalStatus.CANCELED,
}
# The same of a dispute (Stripe API, Dispute object, status).
DISPUTE_STATUS: Mapping[str | None, ReversalStatus] = {
    status.value: status
    for status in (
        ReversalStatus.WARNING_NEEDS_RESPONSE,
        ReversalStatus.WARNING_UNDER_REVIEW,
        ReversalStatus.WARNING_CLOSED,
        ReversalStatus.NEEDS_RESPONSE,
        ReversalStatus.UNDER_REVIEW,
        ReversalStatus.APPEAL_NEEDS_RESPONSE,
        ReversalStatus.APPEAL_UNDER_REVIEW,
        ReversalStatus.LOST,
        ReversalStatus.WON,
        ReversalStatus.PREVENTED,
    )
}
# A refund with a dispute's status, or one of ours, is no refund of Stripe's.
WORDS = frozenset(status.value for status in ReversalStatus if status is not ReversalStatus.UNKNOWN)
# How these end is known by the money alone: a lost dispute may be reinstated in part, a prevented one may have been
# settled by paying the buyer, and of an unknown status nothing else is known.
DECIDED_BY_MONEY = frozenset(
    {ReversalStatus.LOST, ReversalStatus.WON, ReversalStatus.PREVENTED, ReversalStatus.UNKNOWN}
)
# Of a prevented dispute: it was settled with the buyer's money given back. "block" is a charge that never was disputed.
RESOLUTION = "resolution"
# A dispute in another currency than the account's is withdrawn and reinstated at two rates, each rounded: less than
# this share of it is rounding.
ROUNDING = 100


def reversal_of(reversal: Json) -> ReversalUpdate | None:
    """The update that a refund or dispute with its payment intent expanded carries; None if the intent is not ours.

    The intent decides whose money it is: whoever makes a refund may write another order's name on it.
    """
    intent = reversal.get("payment_intent")
    if not isinstance(intent, Mapping) or not translation.is_ours(intent):
        return None
    payment = translation.received_by_intent(intent) if intent["status"] == "succeeded" else None
    make = refund_update if reversal["object"] == "refund" else dispute_update
    return make(reversal, intent["metadata"]["order_id"], payment)


def refund_update(refund: Json, payment_id: str, payment: PaymentReceived | None = None) -> ReversalUpdate:
    """The update that a refund object carries."""
    metadata = refund.get("metadata") or {}
    our_id = str(metadata.get("refund_id", ""))
    is_made_here = idempotency.is_id(our_id) and metadata.get("order_id") == payment_id
    status = _status(refund, REFUND_STATUS)
    reversal = Reversal(
        kind=Kind.REFUND,
        reversal_id=our_id if is_made_here else parsing.text(refund["id"]),
        stripe_id=parsing.text(refund["id"]),
        stripe_status=_unknown_word(refund, status),
        payment_id=payment_id,
        amount_minor=parsing.whole_amount(refund["amount"]),
        status=status,
        reason=_reason(metadata.get("reason") or refund.get("reason")),
        created_at=parsing.moment(refund["created"]),
    )
    return _update(refund, reversal, payment)


def dispute_update(dispute: Json, payment_id: str, payment: PaymentReceived | None = None) -> ReversalUpdate:
    """The update that a dispute object carries."""
    status = _status(dispute, DISPUTE_STATUS)
    amount_minor = parsing.whole_amount(dispute["amount"])
    reversal = Reversal(
        kind=Kind.DISPUTE,
        reversal_id=parsing.text(dispute["id"]),
        stripe_id=parsing.text(dispute["id"]),
        stripe_status=_unknown_word(dispute, status),
        payment_id=payment_id,
        amount_minor=amount_minor,
        net_minor=_net_minor(dispute, amount_minor) if status in DECIDED_BY_MONEY else None,
        status=status,
        reason=_reason(dispute.get("reason")),
        created_at=parsing.moment(dispute["created"]),
    )
    return _update(dispute, reversal, payment)


def _update(stripe_object: Json, reversal: Reversal, payment: PaymentReceived | None) -> ReversalUpdate:
    intent = stripe_object.get("payment_intent")
    return ReversalUpdate(
        reversal=reversal,
        currency=parsing.text(stripe_object["currency"]).upper(),
        transaction_id=parsing.text_or_none(intent["id"] if isinstance(intent, Mapping) else intent),
        payment=payment,
    )


def _net_minor(dispute: Json, amount_minor: int) -> int | None:
    """How much of a dispute's amount is gone by Stripe's records of the money; None where these say nothing.

    The records are in the currency that the account is paid out in, so only their share counts.
    """
    withdrawals = [
        -parsing.signed_amount(record["amount"]) / parsing.positive_ratio(record.get("exchange_rate"))
        for record in dispute.get("balance_transactions") or ()
    ]
    # A dispute that was won may be lost again: its money is withdrawn twice, and only once at a time.
    most = max([*withdrawals, *accumulate(withdrawals)], default=0)
    if most <= 0:
        return amount_minor if _is_resolved(dispute) else None
    gone = sum(withdrawals)
    return 0 if gone * ROUNDING < most else int(amount_minor * gone / most)


def _is_resolved(dispute: Json) -> bool:
    card = (dispute.get("payment_method_details") or {}).get("card") or {}
    return dispute["status"] == ReversalStatus.PREVENTED and card.get("case_type") == RESOLUTION


def _status(stripe_object: Json, known: Mapping[str | None, ReversalStatus]) -> ReversalStatus:
    word = stripe_object["status"]
    if word not in known and word in WORDS:
        raise ValueError("not a status of this kind of reversal")
    return known.get(word, ReversalStatus.UNKNOWN)


def _unknown_word(stripe_object: Json, status: ReversalStatus) -> str | None:
    """Stripe's word for a status that this version does not know, after telling a person of it."""
    if status is not ReversalStatus.UNKNOWN:
        return None
    translation.unknown_status(stripe_object["id"], stripe_object["status"])
    return parsing.message(stripe_object["status"])


def _reason(value: Any) -> str | None:
    return parsing.message(value) if value else None
