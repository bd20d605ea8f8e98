"""What captures owe, paid out of credits that become free beside it.

A capture may make the user owe while other holds reserve all that is left. What orders owe never stands beside credits:
a claw-back takes these first, and whatever comes in later pays it.
"""

from collections.abc import Sequence
from dataclasses import replace
from datetime import datetime

from topup.domain import credits
from topup.domain.credit_changes import joined
from topup.domain.credits import CAPTURES, SYSTEM, Cause, CreditChange, TransactionType, UserCredits, Wallet
from topup.domain.holds import held
from topup.domain.lots import LotChange, draw, spendable


def paid_from_free(user: UserCredits, change: CreditChange, now: datetime) -> CreditChange:
    """The change of these credits, and after it what captures owe is paid, as far as no hold reserves the credits."""
    owed = change.wallet.debts.get(CAPTURES, 0)
    if not owed:
        return change
    lots = {lot.lot_id: lot for lot in user.lots} | {one.after.lot_id: one.after for one in change.lots}
    holds = {hold.hold_id: hold for hold in user.holds} | {one.after.hold_id: one.after for one in change.holds}
    open_lots = spendable(lots.values(), now)
    free = sum(lot.remaining for lot in open_lots) - held(holds.values(), now)
    paid = draw(open_lots, max(0, min(free, owed)))
    return joined(change, pay(change.wallet, paid, now)) if paid else change


def pay(wallet: Wallet, drawn: Sequence[LotChange], now: datetime) -> CreditChange:
    """Let these credits pay what captures owe, in an entry about 0: they are used for what was taken before."""
    cause = Cause(transaction_type=TransactionType.SPENT, actor=SYSTEM, description="Paid what was owed")
    part = -sum(one.amount for one in drawn)
    debts = {**wallet.debts, CAPTURES: wallet.debts[CAPTURES] - part}
    paid = credits.change(wallet, drawn, cause, now, debt=-part)
    return replace(paid, wallet=replace(paid.wallet, debts={name: owed for name, owed in debts.items() if owed}))
