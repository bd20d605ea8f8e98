"""Several spends of one user in one change: all of them, or none."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime

from topup.domain import credits
from topup.domain.credit_changes import joined
from topup.domain.credits import Cause, CreditChange, UserCredits
from topup.domain.lots import draw, spendable

MOST_SPENDS = 40  # each takes two items of a DynamoDB transaction, which holds 100


def spend_all(user: UserCredits, spends: Iterable[tuple[int, Cause]], now: datetime) -> CreditChange:
    """Take the amounts one after the other, each with an entry of its own; raises InsufficientCredits for all."""
    wanted = list(spends)
    credits.check_available(user, sum(amount for amount, _ in wanted), now)
    left = {lot.lot_id: lot for lot in user.lots}
    all_of_them = CreditChange(before=user.wallet, wallet=replace(user.wallet, version=user.wallet.version + 1))
    for amount, cause in wanted:
        one = credits.change(all_of_them.wallet, draw(spendable(left.values(), now), amount), cause, now)
        left |= {drawn.after.lot_id: drawn.after for drawn in one.lots}
        all_of_them = joined(all_of_them, one)
    return all_of_them
