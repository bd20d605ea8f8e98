"""Check one user's holds, and the spends that were given back, against the ledger. A finding is a sentence."""

from collections import Counter
from collections.abc import Collection, Iterator, Sequence
from datetime import datetime

from topup.domain.credits import Entry, TransactionType
from topup.domain.holds import Hold, HoldStatus
from topup.domain.reversed_spends import ReversedSpend


def holds(stored: Sequence[Hold], entries: Sequence[Entry], timed: Collection[str], now: datetime) -> Iterator[str]:
    """What captures have taken is in the ledger, and each hold that reserves credits has its timer.

    Where the timer of a hold that is over is gone, its deletion is on its way, or the sweep finds the hold.
    """
    taken = Counter[str]()
    for entry in entries:
        if entry.cause.hold_id and entry.transaction_type is TransactionType.SPENT:
            taken[entry.cause.hold_id] -= entry.amount
    captured = {hold.hold_id: hold.captured for hold in stored if hold.captured}
    if captured != taken:
        yield f"holds say that these were captured: {captured}, the ledger: {dict(taken)}"
    yield from _figures(stored, timed, now)


def _figures(stored: Sequence[Hold], timed: Collection[str], now: datetime) -> Iterator[str]:
    for hold in stored:
        if not 0 <= hold.used <= hold.amount or hold.used > hold.captured + hold.shortfall or hold.shortfall < 0:
            yield f"hold {hold.hold_id} of {hold.amount}: {hold.used} used, {hold.captured} captured"
        if hold.status in (HoldStatus.CAPTURED, HoldStatus.RELEASED) and not hold.is_closed:
            yield f"hold {hold.hold_id} has been {hold.status}, and may be captured again"
        if hold.is_open(now) and hold.hold_id not in timed:
            yield f"nothing will end hold {hold.hold_id} in time"


def reversed_spends(stored: Sequence[ReversedSpend], entries: Sequence[Entry]) -> Iterator[str]:
    """What came back of each spend is what is recorded, less what lapsed, and no more than it took from each lot."""
    by_number = {entry.number: entry for entry in entries}
    returned = Counter[int]()
    for entry in entries:
        if entry.transaction_type is TransactionType.SPEND_REVERSED and entry.cause.spend is not None:
            returned[entry.cause.spend] += entry.amount
    for one in stored:
        spend = by_number.get(one.spend)
        if spend is None or spend.transaction_type is not TransactionType.SPENT:
            yield f"entry {one.spend} is given back, and is no spend"
            continue
        if one.credits - one.lapsed != returned.pop(one.spend, 0) or one.lapsed < 0:
            yield f"of spend {one.spend} {one.credits} were given back, {one.lapsed} lapsed, the ledger says otherwise"
        if one.debt > spend.debt_change or any(back > -spend.moves.get(lot, 0) for lot, back in one.lots.items()):
            yield f"of spend {one.spend} more was given back than it took"
    if returned:
        yield f"these spends came back without a record of it: {sorted(returned)}"
