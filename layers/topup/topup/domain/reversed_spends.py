"""Give a spend back: to the very lots that it drew from, and never more than it took."""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime

from topup.domain import credits
from topup.domain.credits import Cause, CreditChange, Entry, Wallet, repay
from topup.domain.errors import SpendReversed
from topup.domain.lots import Lot, LotChange, in_draw_order
from topup.domain.takings import ClawbackAddition, Taking


@dataclass(frozen=True, kw_only=True)
class ReversedSpend:
    """What has been given back of one spend, by the number of its entry: by lot, and what it had made the user owe.

    `lapsed` is how much of it came back to nobody: its lot had expired, or the debt had been paid by other credits.
    """

    user_id: str
    spend: int
    lots: Mapping[str, int] = field(default_factory=dict)
    debt: int = 0
    lapsed: int = 0

    @property
    def credits(self) -> int:
        """All of it."""
        return sum(self.lots.values()) + self.debt


@dataclass(frozen=True, kw_only=True)
class SpendReversal:
    """A change that gives credits back, if any come back, and what has been given back of the spend after it."""

    change: CreditChange
    before: ReversedSpend
    after: ReversedSpend

    @property
    def lapsed(self) -> int:
        """How many of the credits came back to nobody."""
        return self.after.lapsed - self.before.lapsed


def left_of(spend: Entry, given: ReversedSpend) -> int:
    """How many credits of the spend have not been given back."""
    return -spend.amount - given.credits


def reverse(
    wallet: Wallet,
    spend: Entry,
    given: ReversedSpend,
    lots: Mapping[str, Lot],
    amount: int | None,
    cause: Cause,
    now: datetime,
) -> SpendReversal:
    """Give back `amount` credits of a spend, None for all that is left; raises SpendReversed for more than is left.

    `lots` are those that it drew from, by id, with credits or without; one that is not there has expired. What was
    drawn last comes back first: what the spend made the user owe, then the lot that lives longest. What the user owes
    is paid out of what comes back.
    """
    left = left_of(spend, given)
    wanted = left if amount is None else amount
    if wanted > left or wanted == 0:
        raise SpendReversed(f"{left} credits of this spend have not been given back", left=left)
    returning = _Returning(wallet=wallet, now=now)
    from_debt = min(wanted, spend.debt_change - given.debt)
    returning.cancel(from_debt)
    wanted -= from_debt
    back: dict[str, int] = {}
    for lot_id in reversed(in_draw_order(spend.moves, lots)):
        part = min(wanted, -spend.moves[lot_id] - given.lots.get(lot_id, 0))
        if part:
            returning.bring(lots.get(lot_id), part)
            back[lot_id] = part
            wanted -= part
    after = replace(
        given,
        lots={**given.lots, **{lot_id: given.lots.get(lot_id, 0) + part for lot_id, part in back.items()}},
        debt=given.debt + from_debt,
        lapsed=given.lapsed + returning.lapsed,
    )
    return SpendReversal(change=returning.change(wallet, cause, now), before=given, after=after)


@dataclass
class _Returning:
    """Credits of a spend on their way back: to their lots, and to whoever is owed."""

    wallet: Wallet  # its debt, and whose it is
    now: datetime
    lapsed: int = 0
    lots: list[LotChange] = field(default_factory=list)
    repaid: dict[str, list[Taking]] = field(default_factory=dict)

    def cancel(self, amount: int) -> None:
        """Cancel debt that the spend made; where it has been paid since, nothing comes back for it."""
        cancelled = min(amount, self.wallet.debts.get(credits.CAPTURES, 0))
        owed = {**self.wallet.debts, credits.CAPTURES: self.wallet.debts.get(credits.CAPTURES, 0) - cancelled}
        debts = {name: left for name, left in owed.items() if left}
        self.wallet = replace(self.wallet, debt=self.wallet.debt - cancelled, debts=debts)
        self.lapsed += amount - cancelled

    def bring(self, lot: Lot | None, amount: int) -> None:
        """Bring one lot's part back; what is owed is paid out of it first."""
        if lot is None or lot.is_expired(self.now):
            self.lapsed += amount
            return
        paid = min(self.wallet.debt, amount)
        repaid, debts = repay(self.wallet, paid)
        self.wallet = replace(self.wallet, debt=self.wallet.debt - paid, debts=debts)
        for payment_id, part in repaid.items():
            self.repaid.setdefault(payment_id, []).append(Taking.of(lot, part, self.now))
        if amount > paid:
            self.lots.append(LotChange(before=lot, after=replace(lot, remaining=lot.remaining + amount - paid)))

    def change(self, before: Wallet, cause: Cause, now: datetime) -> CreditChange:
        """What is written: nothing but the wallet's version where all of it has lapsed."""
        debt = self.wallet.debt - before.debt
        if not self.lots and not debt:
            return CreditChange(before=before, wallet=replace(before, version=before.version + 1))
        change = credits.change(before, self.lots, cause, now, debt=debt)
        additions = [
            ClawbackAddition(payment_id=payment_id, repaid=tuple(takings))
            for payment_id, takings in sorted(self.repaid.items())
        ]
        return replace(change, wallet=replace(change.wallet, debts=self.wallet.debts), additions=additions)
