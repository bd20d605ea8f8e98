"""Spend credits, once per request however often it is sent."""

from datetime import datetime

from topup import store
from topup.domain import credits, idempotency
from topup.domain.credits import SpendReceipt
from topup.domain.errors import IdempotencyConflict, InsufficientCredits, TooManyLots
from topup.runtime.telemetry import count


@store.retried
def spend(user_id: str, amount: int, description: str, idempotency_key: str, now: datetime) -> SpendReceipt:
    """Take `amount` credits from the user; the same key takes them once and returns the same receipt.

    Raises InsufficientCredits, TooManyLots, IdempotencyConflict, Busy.
    """
    fingerprint = idempotency.fingerprint(user_id, amount, description)
    wallet, lots = store.load_credits(user_id, now)
    try:
        change = credits.spend(wallet, lots, amount, description, now)
    except (InsufficientCredits, TooManyLots):
        # An earlier try of this request may have taken them: then its response was lost.
        receipt = store.load_receipt(user_id, idempotency_key)
        if receipt is None:
            raise
    else:
        receipt = store.record_spend(change, idempotency_key, fingerprint, now)
        if receipt.transaction_id == change.entry.transaction_id:
            count("CreditsSpent", amount)
    if receipt.request_fingerprint != fingerprint:
        raise IdempotencyConflict("This Idempotency-Key was used for another spend; use a new key for a new one")
    return receipt
