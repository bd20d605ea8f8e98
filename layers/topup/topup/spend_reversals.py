"""Give a spend back, in part or in full, once per request however often it is sent."""

from dataclasses import dataclass, replace
from datetime import datetime

from topup import store
from topup.domain import credits, idempotency, receipts, reversed_spends
from topup.domain.credits import Cause, TransactionType, UserCredits
from topup.domain.errors import SpendNotFound, SpendReversed
from topup.domain.receipts import Receipt
from topup.domain.reversed_spends import SpendReversal
from topup.runtime.telemetry import count, logger, pseudonym


@dataclass(frozen=True, kw_only=True)
class ReversalRequest:
    """Give back `amount` credits of the user's spend with this transaction id, None for all that is left of it."""

    user_id: str
    transaction_id: str
    amount: int | None
    reason: str
    idempotency_key: str
    actor: str

    @property
    def fingerprint(self) -> str:
        """What makes two requests the same."""
        return idempotency.fingerprint("reverse", self.user_id, self.transaction_id, self.amount, self.reason)


@store.retried
def reverse(request: ReversalRequest, now: datetime) -> tuple[Receipt, bool]:
    """Give credits of a spend back to the lots that it drew from; the same key does it once.

    Returns also whether it is new. Raises SpendNotFound, SpendReversed, IdempotencyConflict, Busy.
    """
    user = store.load_credits(request.user_id, now)
    try:
        reversal = _decide(user, request, now)
    except SpendReversed:
        # An earlier try of this request may have given it back: then its response was lost.
        receipt = store.load_receipt(request.user_id, request.idempotency_key)
        if receipt is None:
            raise
        is_new = False
    else:
        receipt, is_new = _record(user, reversal, request, now)
        if is_new:
            count("SpendsReversed", receipt.amount)
            logger.info(
                "spend given back",
                user=pseudonym(request.user_id),
                transaction_id=receipt.transaction_id,
                credits=receipt.amount,
            )
    idempotency.check_same_request(receipt.request_fingerprint, request.fingerprint)
    return receipt, is_new


def _decide(user: UserCredits, request: ReversalRequest, now: datetime) -> SpendReversal:
    number = _number_of(request.transaction_id, user)
    spend, given, lots = store.load_spend(user, number)
    if spend is None or spend.transaction_type is not TransactionType.SPENT:
        raise SpendNotFound
    cause = Cause(
        transaction_type=TransactionType.SPEND_REVERSED,
        actor=request.actor,
        description=f"Given back: {spend.cause.description}",
        reason=request.reason,
        metadata=spend.cause.metadata,
        hold_id=spend.cause.hold_id,
        spend=number,
    )
    return reversed_spends.reverse(user.wallet, spend, given, lots, request.amount, cause, now)


def _number_of(transaction_id: str, user: UserCredits) -> int:
    """The number of the user's entry with this id, the newest looked at first; raises SpendNotFound.

    Ids are made of numbers and not the other way round. Making one takes two microseconds and no request.
    """
    for number in range(user.wallet.last_entry, 0, -1):
        if credits.transaction_id(user.wallet.user_id, number) == transaction_id:
            return number
    raise SpendNotFound


def _record(
    user: UserCredits, reversal: SpendReversal, request: ReversalRequest, now: datetime
) -> tuple[Receipt, bool]:
    new = receipts.receipt_of(user, reversal.change, request.fingerprint, now)
    new = replace(new, lapsed=reversal.lapsed)
    beside = [store.set_reversed_spend(reversal.after)]
    return store.record_with_receipt(reversal.change, request.idempotency_key, new, now, beside=beside)
