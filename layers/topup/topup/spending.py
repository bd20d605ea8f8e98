"""Spend credits, once per request however often it is sent."""

from datetime import datetime

from topup import store
from topup.domain import credits, idempotency
from topup.domain.credits import Cause, Receipt, TransactionType
from topup.domain.errors import InsufficientCredits
from topup.runtime.telemetry import count


@store.retried
def spend(
    user_id: str, amount: int, description: str, idempotency_key: str, actor: str, now: datetime
) -> tuple[Receipt, bool]:
    """Take `amount` credits from the user; the same key takes them once and returns the same receipt.

    Returns also whether it is new. Raises InsufficientCredits, IdempotencyConflict, Busy.
    """
    fingerprint = idempotency.fingerprint(user_id, amount, description)
    wallet, lots = store.load_credits(user_id, now)
    cause = Cause(transaction_type=TransactionType.SPENT, actor=actor, description=description)
    try:
        change = credits.spend(wallet, lots, amount, cause, now)
    except InsufficientCredits:
        # An earlier try of this request may have taken them: then its response was lost.
        receipt = store.load_receipt(user_id, idempotency_key)
        if receipt is None:
            raise
        is_new = False
    else:
        receipt, is_new = store.record_with_receipt(change, idempotency_key, fingerprint, now)
        if is_new:
            count("CreditsSpent", amount)
    idempotency.check_same_request(receipt.request_fingerprint, fingerprint)
    return receipt, is_new
