"""Spend credits many times in one request: all of the spends or none, each once however often it is sent."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from topup import spending, store
from topup.domain import batches, idempotency, receipts
from topup.domain.credits import UserCredits
from topup.domain.errors import InsufficientCredits
from topup.domain.receipts import Receipt
from topup.runtime.telemetry import count


@dataclass(frozen=True, kw_only=True)
class BatchItem:
    """One spend of a batch, with an Idempotency-Key of its own."""

    key: str
    amount: int
    description: str
    metadata: Mapping[str, str]


@store.retried
def spend(user_id: str, items: Sequence[BatchItem], actor: str, now: datetime) -> tuple[list[Receipt], bool]:
    """Take the credits of all items whose keys have not been used; the receipts of all, in their order.

    Returns also whether any is new. Raises InsufficientCredits where those that are new do not all fit,
    IdempotencyConflict, Busy.
    """
    user = store.load_credits(user_id, now)
    if places := [one for one in user.waiting if one.key in {item.key for item in items}]:
        # Of an earlier try of one of them, alone: somebody might pay it after this batch was refused.
        store.leave_line(places)
        raise store.LostRace("spends of the batch waited in line")
    known: dict[str, Receipt] = {}
    spent: Mapping[str, Receipt] = {}
    while new := [item for item in items if item.key not in known]:
        spent, known_before = _spend_new(user, new, actor, now)
        for item in new:  # before the others are spent: a refused batch spends nothing
            if item.key in known_before:
                idempotency.check_same_request(known_before[item.key].request_fingerprint, _fingerprint(user_id, item))
        known |= known_before or spent
    return [known[item.key] for item in items], bool(spent)


def _spend_new(
    user: UserCredits, items: Sequence[BatchItem], actor: str, now: datetime
) -> tuple[Mapping[str, Receipt], Mapping[str, Receipt]]:
    """Spend all of them: their receipts, and none; or none, and the receipts of those that were spent before.

    Raises InsufficientCredits.
    """
    user_id = user.wallet.user_id
    wanted = [(item.amount, spending.cause(actor, item.description, item.metadata)) for item in items]
    try:
        change = batches.spend_all(user, wanted, now)
    except InsufficientCredits:
        spent = store.load_receipts(user_id, [item.key for item in items])
        if not spent:
            raise
        return {}, spent
    fingerprints = [_fingerprint(user_id, item) for item in items]
    made = receipts.receipts_of_each(user, change, fingerprints, now)
    by_key = dict(zip((item.key for item in items), made, strict=True))
    used = store.record_with_receipts(change, by_key, now)
    if used:
        return {}, used
    count("CreditsSpent", sum(item.amount for item in items))
    return by_key, {}


def _fingerprint(user_id: str, item: BatchItem) -> str:
    return spending.fingerprint(user_id, item.amount, item.description, item.metadata)
