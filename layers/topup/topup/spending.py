"""Spend credits, once per request however often it is sent."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta

from topup import store
from topup.domain import credits, idempotency, receipts
from topup.domain.credits import Cause, TransactionType, UserCredits
from topup.domain.errors import InsufficientCredits
from topup.domain.receipts import Receipt
from topup.runtime.telemetry import count

# Who has been paid with others comes back, most likely, and so do they: so long after it a spend does not race them.
# Twice as long as 16 clients need for a turn and for what each does until the next one.
OTHERS_FOLLOW = timedelta(milliseconds=100)


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
    is_in_line = any(one.key == request.idempotency_key for one in user.waiting)
    alone = None if is_in_line else _spend_alone(user, request, asked, now)
    receipt, is_new = alone or _spend_in_line(request, asked, now)
    idempotency.check_same_request(receipt.request_fingerprint, asked)
    return receipt, is_new


def _spend_alone(user: UserCredits, request: SpendRequest, asked: str, now: datetime) -> tuple[Receipt, bool] | None:
    """Take the credits, where no other spend of the user's is met; None where one is, or was faster."""
    try:
        change = credits.spend(user, request.amount, cause(request.actor, request.description, request.metadata), now)
    except InsufficientCredits:
        # An earlier try of this request may have taken them: then its response was lost.
        receipt = store.load_receipt(request.user_id, request.idempotency_key)
        if receipt is None:
            raise
        return receipt, False
    if meets_others(user, now):
        return None
    new = receipts.receipt_of(user, change, asked, now)
    try:
        receipt, is_new = store.record_with_receipt(change, request.idempotency_key, new, now)
    except store.LostRace:
        return None
    if is_new:
        count("CreditsSpent", request.amount)
    return receipt, is_new


def meets_others(user: UserCredits, now: datetime) -> bool:
    """Whether spends are in line, or have just been written together: then another one would lose the next race."""
    together = user.wallet.spent_together_at
    just_now = together is not None and abs(now - together) < OTHERS_FOLLOW
    return just_now or any(not one.is_over(now) for one in user.waiting)


def _spend_in_line(request: SpendRequest, asked: str, now: datetime) -> tuple[Receipt, bool]:
    # Loaded by the first spend that meets another one.
    from topup import spending_line  # noqa: PLC0415
    from topup.domain.line import WaitingSpend  # noqa: PLC0415

    waiting = WaitingSpend(
        user_id=request.user_id,
        key=request.idempotency_key,
        amount=request.amount,
        cause=cause(request.actor, request.description, request.metadata),
        request_fingerprint=asked,
        received_at=now,
    )
    return spending_line.spend(waiting, now)


def cause(actor: str, description: str, metadata: Mapping[str, str]) -> Cause:
    """Why a spend changes the credits."""
    return Cause(transaction_type=TransactionType.SPENT, actor=actor, description=description, metadata=metadata)


def fingerprint(user_id: str, amount: int, description: str, metadata: Mapping[str, str]) -> str:
    """What makes two spends the same, alone or in a batch."""
    return idempotency.fingerprint(user_id, amount, description, *idempotency.of_mapping(metadata))
