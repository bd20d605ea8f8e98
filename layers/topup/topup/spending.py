"""Spending credits, once per request however often it is sent."""

import hashlib
import json
from datetime import datetime

from topup import contention, store
from topup.domain import credits
from topup.domain.credits import Spent
from topup.domain.errors import IdempotencyConflict, InsufficientCredits, TooManyLots
from topup.telemetry import count, logger


def spend(user_id: str, amount: int, description: str, idempotency_key: str, now: datetime) -> Spent:
    """Take `amount` credits from the user; the same key takes them once and returns the same answer.

    Raises InsufficientCredits, TooManyLots, IdempotencyConflict, Busy.
    """
    fingerprint = hashlib.sha256(json.dumps([user_id, amount, description]).encode()).hexdigest()
    for _ in contention.tries():
        try:
            spent = _try(user_id, amount, description, idempotency_key, fingerprint, now)
        except store.LostRace as race:
            logger.info("lost a race", reason=str(race))
            continue
        if spent.request_fingerprint != fingerprint:
            raise IdempotencyConflict("This Idempotency-Key was used for another spend; use a new key for a new one")
        return spent
    raise AssertionError("Bug! tries() ends by raising Busy")


def _try(user_id: str, amount: int, description: str, key: str, fingerprint: str, now: datetime) -> Spent:
    wallet, lots = store.load_credits(user_id, now)
    try:
        change = credits.spend(wallet, lots, amount, description, now)
    except (InsufficientCredits, TooManyLots):
        # It may be this very request that has taken them, and its answer that was lost.
        if earlier := store.load_spent(user_id, key):
            return earlier
        raise
    spent = store.record_spend(change, key, fingerprint, now)
    if spent.transaction_id == change.entry.transaction_id:
        count("CreditsSpent", amount)
    return spent
