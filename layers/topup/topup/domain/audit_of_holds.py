"""Check one user's holds, and the spends that were given back, against the ledger. A finding is a sentence."""

from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from topup.domain.audit_of_entries import History
from topup.domain.credits import TransactionType
from topup.domain.holds import Hold, HoldStatus
from topup.domain.reversed_spends import ReversedSpend


def holds(stored: Sequence[Hold], history: History, timed: Collection[str], now: datetime) -> Iterator[str]:
    """What captures have taken is in the ledger, and each hold that reserves credits has its timer.

    Where the timer of a hold that is over is gone, its deletion is on its way, or the sweep finds the hold.
    """
    captured = {hold.hold_id: hold.captured for hold in stored if hold.captured}
    if captured != history.captured:
        yield f"holds say that these were captured: {captured}, the ledger: {dict(history.captured)}"
    yield from _figures(stored, timed, now)


def _figures(stored: Sequence[Hold], timed: Collection[str], now: datetime) -> Iterator[str]:
    for hold in stored:
        if not 0 <= hold.used <= hold.amount or hold.used > hold.captured + hold.shortfall or hold.shortfall < 0:
            yield f"hold {hold.hold_id} of {hold.amount}: {hold.used} used, {hold.captured} captured"
        if hold.status in (HoldStatus.CAPTURED, HoldStatus.RELEASED) and not hold.is_closed:
            yield f"hold {hold.hold_id} has been {hold.status}, and may be captured again"
        if hold.is_open(now) and hold.hold_id not in timed:
            yield f"nothing will end hold {hold.hold_id} in time"


def reversed_spends(stored: Sequence[ReversedSpend], history: History) -> Iterator[str]:
    """What came back of each spend is what is recorded, less what lapsed, and no more than it took from each lot."""
    returned = history.returned.copy()
    for one in stored:
        spend = history.spends.get(one.spend)
        if spend is None or spend.transaction_type is not TransactionType.SPENT:
            yield f"entry {one.spend} is given back, and is no spend"
            continue
        if one.credits - one.lapsed != returned.pop(one.spend, 0) or one.lapsed < 0:
            yield f"of spend {one.spend} {one.credits} were given back, {one.lapsed} lapsed, the ledger says otherwise"
        if one.debt > spend.debt_change or any(back > -spend.moves.get(lot, 0) for lot, back in one.lots.items()):
            yield f"of spend {one.spend} more was given back than it took"
    if returned:
        yield f"these spends came back without a record of it: {sorted(returned)}"
