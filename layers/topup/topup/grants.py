"""Grant credits that were not bought, once per request, and once per user in a campaign."""

import uuid
from dataclasses import dataclass
from datetime import datetime

from topup import store
from topup.domain import credits, idempotency, receipts, times
from topup.domain.credits import Cause, TransactionType
from topup.domain.errors import FieldError, ValidationFailed
from topup.domain.lots import Funding, Lot, Source
from topup.domain.receipts import Receipt
from topup.runtime import config
from topup.runtime.telemetry import count, logger, pseudonym


@dataclass(frozen=True, kw_only=True)
class GrantRequest:
    """Credits for a user: `expires_at` in UTC, None for never; absent (`is_standard`) for the configured months."""

    user_id: str
    credits: int
    expires_at: datetime | None
    is_standard: bool
    reason: str
    campaign: str | None
    idempotency_key: str
    actor: str

    @property
    def fingerprint(self) -> str:
        """What makes two requests the same."""
        expiry = "standard" if self.is_standard else times.to_text(self.expires_at) if self.expires_at else None
        return idempotency.fingerprint("grant", self.user_id, self.credits, expiry, self.reason, self.campaign)


@store.retried
def grant(request: GrantRequest, now: datetime) -> tuple[Receipt, bool]:
    """Give the user a free lot; the same key gives it once and returns the same receipt.

    Returns also whether it is new. Raises ValidationFailed, AlreadyGranted, IdempotencyConflict, Busy.
    """
    lot = _new_lot(request, now)
    if lot.is_expired(now):
        return _receipt_of_late_retry(request), False
    user = store.load_credits(request.user_id, now)
    cause = Cause(
        transaction_type=TransactionType.GRANTED,
        actor=request.actor,
        description=lot.name,
        reason=request.reason,
        metadata={"campaign": request.campaign} if request.campaign else {},
    )
    change = credits.grant(user.wallet, lot, cause, now)
    new = receipts.receipt_of(user, change, request.fingerprint, now)
    receipt, is_new = store.record_with_receipt(change, request.idempotency_key, new, now, campaign=request.campaign)
    idempotency.check_same_request(receipt.request_fingerprint, request.fingerprint)
    if is_new:
        count("CreditsGrantedFree", request.credits)
        logger.info(
            "credits granted",
            user=pseudonym(request.user_id),
            lot_id=receipt.lot_id,
            credits=request.credits,
            campaign=request.campaign,
        )
    return receipt, is_new


def _receipt_of_late_retry(request: GrantRequest) -> Receipt:
    """The receipt of a grant that was made before its credits expired; raises ValidationFailed where there is none."""
    receipt = store.load_receipt(request.user_id, request.idempotency_key)
    if receipt is None:
        raise ValidationFailed(FieldError("expires_at", "must be in the future"))
    idempotency.check_same_request(receipt.request_fingerprint, request.fingerprint)
    return receipt


def _new_lot(request: GrantRequest, now: datetime) -> Lot:
    expires_at = request.expires_at
    if request.is_standard:
        expires_at = times.months_later(now.replace(microsecond=0), config.settings().expire_after_months)
    return Lot(
        lot_id=str(uuid.uuid4()),  # not from the key: it may be used again when its marker is gone
        user_id=request.user_id,
        source=Source.GRANT,
        funding=Funding.FREE,
        name=f"Campaign: {request.campaign}" if request.campaign else "Grant",
        granted=request.credits,
        remaining=request.credits,
        expires_at=expires_at,
    )
