"""Several changes of one user's credits as one, which is written completely or not at all."""

from dataclasses import replace

from topup.domain.credits import CreditChange
from topup.domain.lots import LotChange


def joined(first: CreditChange, second: CreditChange) -> CreditChange:
    """Two changes as one: the second was decided on what the first leaves, and brings no holds and no new lots."""
    lots = {one.after.lot_id: one for one in first.lots}
    for one in second.lots:
        known = lots.get(one.after.lot_id, one)
        lots[one.after.lot_id] = LotChange(before=known.before, after=one.after)
    return replace(
        first,
        wallet=replace(second.wallet, version=first.wallet.version),
        entries=(*first.entries, *second.entries),
        lots=tuple(lots.values()),
    )
