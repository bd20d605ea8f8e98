"""Claw back credits, and give them back: what returns comes to where it was taken from, as good as it was then."""

import uuid
from collections import Counter
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime, timedelta

from topup.domain import credits, times
from topup.domain.credits import Cause, CreditChange, Wallet
from topup.domain.lots import Funding, Lot, LotChange, Source, draw, spendable
from topup.domain.takings import Clawback, ClawbackAddition, Taking, joined

# A wallet names so many orders that it owes for; what more of them owe counts in its debt without a name.
MOST_DEBTORS = 40
# One transaction brings so many new lots, beside what it writes for so many orders. The last one has all that is left,
# and lives as long as any of that.
MOST_NEW_LOTS = 15
UNNAMED = "Restored credits"  # of a lot that is not known any more

_LOT_IDS = uuid.UUID("0b1f6c3e-61f2-4d0b-9c0a-3f0e4f9a7c55")


def claw_back(
    wallet: Wallet, out: Clawback, own: Iterable[Lot], others: Iterable[Lot], amount: int, cause: Cause, now: datetime
) -> CreditChange:
    """Take back `amount` credits: from the order's own lots, then from other open ones, then as debt.

    `out` is what the order's reversals have out already.
    """
    drawn = drawn_from(own, others, amount, now)
    owed = amount + sum(one.amount for one in drawn)
    takings = tuple(Taking.of(one.before, -one.amount, now) for one in drawn)
    changed = credits.change(wallet, drawn, cause, now, debt=owed)
    return replace(
        changed,
        wallet=replace(changed.wallet, debts=_owing(wallet, out.payment_id, owed)),
        clawback=replace(out, takings=joined(out.takings + takings), owed=out.owed + owed),
    )


def drawn_from(own: Iterable[Lot], others: Iterable[Lot], amount: int, now: datetime) -> list[LotChange]:
    """What a claw-back of `amount` credits takes: the order's own lots first, then the other open ones."""
    own_open = spendable(own, now)
    own_ids = {lot.lot_id for lot in own_open}
    return draw([*own_open, *(lot for lot in spendable(others, now) if lot.lot_id not in own_ids)], amount)


def give_back(
    wallet: Wallet, out: Clawback, lots: Mapping[str, Lot], amount: int, cause: Cause, now: datetime
) -> CreditChange:
    """Give back `amount` of the credits that are out: what is still owed first, then what was taken last.

    `lots` are the lots that they were taken from, by id, and all open ones. Credits return to their lot; where that has
    expired, or is not known, a new lot brings them, which lives as long as they had left when they were taken. Other
    orders' debts are paid out of what returns.
    """
    cancelled = min(amount, out.owed)
    left, returned = out.without(amount - cancelled)
    debts = dict(wallet.debts)
    debts[out.payment_id] = max(0, debts.get(out.payment_id, 0) - cancelled)
    remaining_debt = replace(
        wallet, debt=wallet.debt - cancelled, debts={name: owed for name, owed in debts.items() if owed}
    )
    arriving = _Arrivals(remaining_debt, lots, now)
    for taking in returned:
        arriving.bring(taking)
    changed = credits.change(
        wallet, arriving.changes(), cause, now, arriving.new_lots(), debt=arriving.wallet.debt - wallet.debt
    )
    additions = arriving.additions()
    own = additions.pop(out.payment_id, ClawbackAddition(payment_id=out.payment_id))
    return replace(
        changed,
        entries=(replace(changed.entry, continued=arriving.origins()),),
        wallet=replace(changed.wallet, debts=arriving.wallet.debts),
        clawback=replace(left, owed=out.owed - cancelled).with_addition(own),
        additions=tuple(additions.values()),
    )


def assumed(known: Clawback, wallet: Wallet, own: Lot, taken: int, life: timedelta | None) -> Clawback:
    """What an order has out of which an earlier version kept no record: owed as far as anything is, else of its lot."""
    owed = min(taken, max(0, wallet.debt - sum(wallet.debts.values())))
    takings = (Taking(lot_id=own.lot_id, expires_at=own.expires_at, credits=taken - owed, life=life),)
    return replace(known, takings=takings if taken > owed else (), owed=owed, is_whole=True)


def still_owed(wallet: Wallet, out: Clawback, life: timedelta | None) -> Clawback:
    """What the order has out, where what it owes may have been paid without its name: that part lives for `life`."""
    unnamed = max(0, wallet.debt - sum(wallet.debts.values()))
    paid = out.owed - min(out.owed, wallet.debts.get(out.payment_id, 0) + unnamed)
    if paid == 0:
        return out
    taking = Taking(lot_id="", expires_at=None, credits=paid, life=life)
    return replace(out, owed=out.owed - paid, takings=(*out.takings, taking))


def _owing(wallet: Wallet, payment_id: str, owed: int) -> Mapping[str, int]:
    """The wallet's debts with so much more of this order's."""
    if owed == 0 or (payment_id not in wallet.debts and len(wallet.debts) >= MOST_DEBTORS):
        return wallet.debts
    return {**wallet.debts, payment_id: wallet.debts.get(payment_id, 0) + owed}


@dataclass
class _Continuation:
    """A new lot to be, with credits of a lot that has expired; `origin` is None where that is not known any more."""

    lot_id: str
    origin_id: str
    origin: Lot | None
    expires_at: datetime | None
    credits: int = 0

    def until(self, expires_at: datetime | None) -> "_Continuation":
        """The same, living as long as the longest-lived credits in it."""
        is_longer = self.expires_at is not None and (expires_at is None or expires_at > self.expires_at)
        self.expires_at = expires_at if is_longer else self.expires_at
        return self

    def lot(self, user_id: str) -> Lot:
        """The lot, with its share of what was paid for the expired one."""
        origin = self.origin
        paid_minor = origin.paid_minor * self.credits // origin.granted if origin else 0
        return Lot(
            lot_id=self.lot_id,
            user_id=user_id,
            source=Source.RESTORED,
            funding=Funding.PAID if paid_minor else Funding.FREE,
            name=origin.name if origin else UNNAMED,
            payment_id=origin.payment_id if origin else None,
            paid_minor=paid_minor,
            currency=origin.currency if origin and paid_minor else None,
            package=origin.package if origin else None,
            granted=self.credits,
            remaining=self.credits,
            expires_at=self.expires_at,
        )


@dataclass
class _Arrivals:
    """Credits on their way back: to their lots, into new ones, and to whoever is owed."""

    wallet: Wallet  # its debt, and whose it is
    lots: Mapping[str, Lot]
    now: datetime
    returned: Counter[str] = field(default_factory=Counter)
    continuations: dict[str, _Continuation] = field(default_factory=dict)
    repaid: dict[str, list[Taking]] = field(default_factory=dict)

    def bring(self, taking: Taking) -> None:
        """Bring one lot's part back; what is owed is paid out of it first."""
        paid = min(self.wallet.debt, taking.credits)
        lot = self.lots.get(taking.lot_id)
        if lot is not None and not lot.is_expired(self.now):
            self.returned[lot.lot_id] += taking.credits - paid
            self._repay(Taking.of(lot, paid, self.now))
        else:
            if paid < taking.credits:
                self._continuation(taking, lot).credits += taking.credits - paid
            # What pays a debt does not arrive: it stays out from the expired lot, for the order that owed it.
            self._repay(replace(taking, credits=paid))

    def _continuation(self, taking: Taking, lot: Lot | None) -> _Continuation:
        expires_at = times.whole_second(self.now + taking.life) if taking.life is not None else None
        lot_id = self._id(f"{taking.lot_id}:{expires_at}", taking.lot_id)
        if lot_id in self.continuations:
            return self.continuations[lot_id]
        if len(self.continuations) < MOST_NEW_LOTS - 1:
            return self.continuations.setdefault(lot_id, _Continuation(lot_id, taking.lot_id, lot, expires_at))
        rest = self._id("rest", "")
        return self.continuations.setdefault(rest, _Continuation(rest, "", None, expires_at)).until(expires_at)

    def _id(self, name: str, like: str) -> str:
        made = uuid.uuid5(_LOT_IDS, f"{self.wallet.last_entry + 1}:{name}:{self.wallet.user_id}")
        # The first digit is the expired lot's: it decides the partition of the index that finds what falls due.
        return (like or "0")[0] + str(made)[1:]

    def _repay(self, home: Taking) -> None:
        """Pay so much of the debt; the orders that owed it have it out from there now."""
        repaid, debts = credits.repay(self.wallet, home.credits)
        self.wallet = replace(self.wallet, debt=self.wallet.debt - home.credits, debts=debts)
        for payment_id, part in repaid.items():
            self.repaid.setdefault(payment_id, []).append(replace(home, credits=part))

    def changes(self) -> list[LotChange]:
        """The lots that credits return to."""
        return [
            LotChange(
                before=self.lots[lot_id], after=replace(self.lots[lot_id], remaining=self.lots[lot_id].remaining + n)
            )
            for lot_id, n in self.returned.items()
            if n
        ]

    def new_lots(self) -> list[Lot]:
        """The lots that continue expired ones."""
        return [one.lot(self.wallet.user_id) for one in self.continuations.values()]

    def origins(self) -> dict[str, str]:
        """For each new lot the expired one that it continues, by their ids; "" where that is not known, or several."""
        return {one.lot_id: one.origin_id for one in self.continuations.values()}

    def additions(self) -> dict[str, ClawbackAddition]:
        """What each order's claw-back gains by it, by payment id."""
        continued_by: dict[str, dict[str, datetime | None]] = {}
        for lot in self.new_lots():
            if lot.payment_id:
                continued_by.setdefault(lot.payment_id, {})[lot.lot_id] = lot.expires_at
        return {
            payment_id: ClawbackAddition(
                payment_id=payment_id,
                repaid=tuple(self.repaid.get(payment_id, ())),
                continued_by=continued_by.get(payment_id, {}),
            )
            for payment_id in sorted(self.repaid.keys() | continued_by.keys())
        }
