"""Several spends of one user in one change: all of them, or none."""

from collections.abc import Iterable, Sequence
from dataclasses import replace
from datetime import datetime

from topup.domain import credits
from topup.domain.credits import Cause, CreditChange, UserCredits
from topup.domain.lots import Lot, LotChange, draw, spendable

MOST_SPENDS = 40  # each takes two items of a DynamoDB transaction, which holds 100


def spend_all(user: UserCredits, spends: Iterable[tuple[int, Cause]], now: datetime) -> CreditChange:
    """Take the amounts one after the other, each with an entry of its own; raises InsufficientCredits for all."""
    wanted = list(spends)
    credits.check_available(user, sum(amount for amount, _ in wanted), now)
    wallet, lots, entries = user.wallet, list(user.lots), []
    for amount, cause in wanted:
        one = credits.change(wallet, draw(spendable(lots, now), amount), cause, now)
        wallet, lots = one.wallet, _after(lots, one.lots)
        entries.append(one.entry)
    return CreditChange(
        before=user.wallet,
        wallet=replace(wallet, version=user.wallet.version + 1),
        entries=entries,
        lots=_changes(user.lots, lots),
    )


def _after(lots: Iterable[Lot], changes: Iterable[LotChange]) -> list[Lot]:
    changed = {one.after.lot_id: one.after for one in changes}
    return [changed.get(lot.lot_id, lot) for lot in lots]


def _changes(before: Sequence[Lot], after: Sequence[Lot]) -> list[LotChange]:
    return [LotChange(before=one, after=other) for one, other in zip(before, after, strict=True) if one != other]
