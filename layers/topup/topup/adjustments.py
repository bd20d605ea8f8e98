"""Correct a user's credits by hand, up or down, once per request."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from topup import store
from topup.domain import credits, idempotency, receipts, times
from topup.domain.credits import Cause, CreditChange, TransactionType, UserCredits
from topup.domain.errors import InsufficientCredits
from topup.domain.lots import Funding, Lot, Source
from topup.domain.receipts import Receipt
from topup.runtime import config
from topup.runtime.telemetry import count, logger, pseudonym


@dataclass(frozen=True, kw_only=True)
class AdjustmentRequest:
    """`amount` credits up (a free lot) or down (drawn like a spend, never more than there are)."""

    user_id: str
    amount: int
    reason: str
    idempotency_key: str
    actor: str

    @property
    def fingerprint(self) -> str:
        """What makes two requests the same."""
        return idempotency.fingerprint("adjust", self.user_id, self.amount, self.reason)


@store.retried
def adjust(request: AdjustmentRequest, now: datetime) -> tuple[Receipt, bool]:
    """Adjust the user's credits; the same key does it once and returns the same receipt.

    Returns also whether it is new. Raises InsufficientCredits, IdempotencyConflict, Busy.
    """
    user = store.load_credits(request.user_id, now)
    try:
        change = _decide(user, request, now)
    except InsufficientCredits:
        # An earlier try of this request may have taken them: then its response was lost.
        receipt = store.load_receipt(request.user_id, request.idempotency_key)
        if receipt is None:
            raise
        is_new = False
    else:
        new = receipts.receipt_of(user, change, request.fingerprint, now)
        receipt, is_new = store.record_with_receipt(change, request.idempotency_key, new, now)
        if is_new:
            count("CreditsAdjusted", abs(request.amount))
            logger.info(
                "credits adjusted",
                user=pseudonym(request.user_id),
                transaction_id=receipt.transaction_id,
                credits=request.amount,
            )
    idempotency.check_same_request(receipt.request_fingerprint, request.fingerprint)
    return receipt, is_new


def _decide(user: UserCredits, request: AdjustmentRequest, now: datetime) -> CreditChange:
    cause = Cause(
        transaction_type=TransactionType.ADJUSTED,
        actor=request.actor,
        description="Adjustment",
        reason=request.reason,
    )
    if request.amount < 0:
        return credits.spend(user, -request.amount, cause, now)
    return credits.grant(user.wallet, _new_lot(request, now), cause, now)


def _new_lot(request: AdjustmentRequest, now: datetime) -> Lot:
    return Lot(
        lot_id=str(uuid.uuid4()),  # not from the key: it may be used again when its marker is gone
        user_id=request.user_id,
        source=Source.ADJUSTMENT,
        funding=Funding.FREE,
        name="Adjustment",
        granted=request.amount,
        remaining=request.amount,
        expires_at=times.months_later(now.replace(microsecond=0), config.settings().expire_after_months),
    )
