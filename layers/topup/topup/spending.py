"""Spend credits, once per request however often it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime

from topup import store
from topup.domain import credits, idempotency, receipts
from topup.domain.credits import Cause, TransactionType
from topup.domain.errors import InsufficientCredits
from topup.domain.receipts import Receipt
from topup.runtime.telemetry import count


@dataclass(frozen=True, kw_only=True)
class SpendRequest:
    """Take `amount` credits of the user; `metadata` is the service's own, and stays with the entry."""

    user_id: str
    amount: int
    description: str
    metadata: Mapping[str, str]
    idempotency_key: str
    actor: str


@store.retried
def spend(request: SpendRequest, now: datetime) -> tuple[Receipt, bool]:
    """Take credits from the user; the same key takes them once and returns the same receipt.

    Returns also whether it is new. Raises InsufficientCredits, IdempotencyConflict, Busy.
    """
    asked = fingerprint(request.user_id, request.amount, request.description, request.metadata)
    user = store.load_credits(request.user_id, now)
    why = cause(request.actor, request.description, request.metadata)
    try:
        change = credits.spend(user, request.amount, why, now)
    except InsufficientCredits:
        # An earlier try of this request may have taken them: then its response was lost.
        receipt = store.load_receipt(request.user_id, request.idempotency_key)
        if receipt is None:
            raise
        is_new = False
    else:
        new = receipts.receipt_of(user, change, asked, now)
        receipt, is_new = store.record_with_receipt(change, request.idempotency_key, new, now)
        if is_new:
            count("CreditsSpent", request.amount)
    idempotency.check_same_request(receipt.request_fingerprint, asked)
    return receipt, is_new


def cause(actor: str, description: str, metadata: Mapping[str, str]) -> Cause:
    """Why a spend changes the credits."""
    return Cause(transaction_type=TransactionType.SPENT, actor=actor, description=description, metadata=metadata)


def fingerprint(user_id: str, amount: int, description: str, metadata: Mapping[str, str]) -> str:
    """What makes two spends the same, alone or in a batch."""
    return idempotency.fingerprint(user_id, amount, description, *idempotency.of_mapping(metadata))
