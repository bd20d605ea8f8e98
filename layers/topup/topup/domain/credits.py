"""Credits: a user's wallet, and the ledger entries that explain every change of it."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum
from typing import TYPE_CHECKING

from topup.domain.errors import InsufficientCredits
from topup.domain.holds import Hold, HoldChange, held
from topup.domain.lots import Lot, LotChange, draw, spendable
from topup.domain.takings import Clawback, ClawbackAddition, Taking

if TYPE_CHECKING:
    from topup.domain.line import WaitingSpend

_TRANSACTION_IDS = uuid.UUID("5d8b3f0e-9a43-4c0f-8f0d-6d1c9c1f7a11")

STRIPE = "stripe"
SYSTEM = "system"
# What captures owe stands under this name among the debts of orders.
CAPTURES = "captures"


class TransactionType(StrEnum):
    """Why a user's credits changed."""

    PURCHASED = "purchased"
    GRANTED = "granted"
    SPENT = "spent"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    REFUND_REVERSED = "refund_reversed"
    DISPUTED = "disputed"
    DISPUTE_REVERSED = "dispute_reversed"
    ADJUSTED = "adjusted"
    SPEND_REVERSED = "spend_reversed"


# What counts as earned: credits that came in as new, not those that came back or corrected a mistake.
EARNS = frozenset({TransactionType.PURCHASED, TransactionType.GRANTED})


@dataclass(frozen=True, kw_only=True)
class Cause:
    """Why credits change and who changes them; the ledger entry says it.

    `actor` is `admin:…`, `service:…`, `stripe` or `system`; `package` is the id of the order's or lot's package.
    `money_minor` is the money that moves with the credits, in minor units of `currency`: positive where it comes in,
    negative where it goes back; `tax_minor` is how much of what comes in is tax. `hold_id` is the hold that a capture
    takes from, `spend` the number of the entry that is given back.
    """

    transaction_type: TransactionType
    actor: str
    description: str
    reason: str | None = None
    payment_id: str | None = None
    package: str | None = None
    money_minor: int = 0
    tax_minor: int = 0
    currency: str | None = None
    metadata: Mapping[str, str] = field(default_factory=dict)
    hold_id: str | None = None
    spend: int | None = None


@dataclass(frozen=True, kw_only=True)
class Wallet:
    """A user's running totals; balance = Σ remaining over all lots − debt.

    `debts` says which orders' claw-backs made the debt, as far as it is known: payment id → credits, and CAPTURES →
    what captures owe. `version` is raised with every change. `unfinished` is what the last change has still to write to
    lots outside its transaction: what each has left, by its id. `moves_to` is the pseudonym under which all of the
    user's records will stand: nothing may change while they move. `spent_together_at`: see spending.meets_others.
    """

    user_id: str
    balance: int = 0
    total_credits_earned: int = 0
    debt: int = 0
    debts: Mapping[str, int] = field(default_factory=dict)
    last_entry: int = 0
    version: int = 0
    unfinished: Mapping[str, int] = field(default_factory=dict)
    spent_together_at: datetime | None = None
    moves_to: str | None = None


@dataclass(frozen=True, kw_only=True)
class UserCredits:
    """A user's wallet, with the lots that are not past their expiry and the holds that nobody has ended.

    `waiting` are the spends that have a place in line, in the order of their turns; see line.line_of.
    """

    wallet: Wallet
    lots: Sequence[Lot]
    holds: Sequence[Hold] = ()
    waiting: Sequence["WaitingSpend"] = ()

    def balance(self, now: datetime) -> int:
        """What there is now: expired credits do not count, whether or not they were swept; debt does."""
        return sum(lot.remaining for lot in self.lots if lot.is_open(now)) - self.wallet.debt

    def held(self, now: datetime) -> int:
        """What open holds reserve."""
        return held(self.holds, now)

    def available(self, now: datetime) -> int:
        """What may be spent or held now."""
        return self.balance(now) - self.held(now)


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One signed change of a user's credits, numbered 1, 2, 3 … per user; never changed once written.

    It also says where the change landed: `moves` (lot id → change of its remaining) and `debt_change`. So
    amount = Σ moves − debt_change, and every lot's figure can be recomputed from the ledger. `continued` names for each
    new lot that brings back credits of an expired lot that lot's id ("" where it is not known, or of several lots).
    """

    user_id: str
    number: int
    cause: Cause
    amount: int
    balance_after: int
    created_at: datetime
    expires_at: datetime | None = None
    moves: Mapping[str, int] = field(default_factory=dict)
    debt_change: int = 0
    continued: Mapping[str, str] = field(default_factory=dict)

    @property
    def transaction_type(self) -> TransactionType:
        """Why the credits changed."""
        return self.cause.transaction_type

    @property
    def payment_id(self) -> str | None:
        """The order that the change belongs to, if any."""
        return self.cause.payment_id

    @property
    def transaction_id(self) -> str:
        """The entry's public id: it follows from user and number, so it is not stored."""
        return transaction_id(self.user_id, self.number)

    def is_expired(self, now: datetime) -> bool:
        """Whether the credits that this entry brought are past their expiry."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, kw_only=True)
class CreditChange:
    """Everything that one change of a user's credits writes; holds may change without an entry.

    `clawback` is what the order's reversals have out after it, where it changes that; `additions` are what it adds to
    the claw-backs of other orders.
    """

    before: Wallet
    wallet: Wallet
    entries: Sequence[Entry] = ()
    lots: Sequence[LotChange] = ()
    new_lots: Sequence[Lot] = ()
    holds: Sequence[HoldChange] = ()
    clawback: Clawback | None = None
    additions: Sequence[ClawbackAddition] = ()

    @property
    def entry(self) -> Entry:
        """The only entry of a change that has one."""
        [entry] = self.entries
        return entry

    @property
    def new_lot(self) -> Lot | None:
        """The lot that a grant brings."""
        return self.new_lots[0] if self.new_lots else None


def transaction_id(user_id: str, number: int) -> str:
    """The public id of a user's entry with this number."""
    return str(uuid.uuid5(_TRANSACTION_IDS, f"{number}:{user_id}"))


def grant(wallet: Wallet, lot: Lot, cause: Cause, now: datetime) -> CreditChange:
    """Give the wallet a new lot; what the user owes is paid out of it first."""
    debt_paid = min(wallet.debt, lot.granted)
    kept = replace(lot, remaining=lot.granted - debt_paid)
    repaid, debts = repay(wallet, debt_paid)
    entry = Entry(
        user_id=wallet.user_id,
        number=wallet.last_entry + 1,
        cause=cause,
        amount=lot.granted,
        balance_after=wallet.balance + lot.granted,
        created_at=now,
        expires_at=lot.expires_at,
        moves={lot.lot_id: kept.remaining},
        debt_change=-debt_paid,
    )
    additions = [
        ClawbackAddition(payment_id=payment_id, repaid=(Taking.of(lot, part, now),))
        for payment_id, part in repaid.items()
    ]
    return CreditChange(
        before=wallet, wallet=after(wallet, entry, debts), entries=(entry,), new_lots=(kept,), additions=additions
    )


def repay(wallet: Wallet, amount: int) -> tuple[Mapping[str, int], Mapping[str, int]]:
    """Which orders' debts `amount` credits pay, by payment id, and the debts that are left.

    What is not known to be an order's is paid first. What captures owe is no order's.
    """
    repaid, left = dict[str, int](), dict(wallet.debts)
    amount -= min(amount, wallet.debt - sum(left.values()))
    for payment_id in sorted(left):
        part = min(amount, left[payment_id])
        if part == 0:
            break
        repaid[payment_id], amount = part, amount - part
        left[payment_id] -= part
    repaid.pop(CAPTURES, None)
    return repaid, {payment_id: owed for payment_id, owed in left.items() if owed}


def spend(user: UserCredits, amount: int, cause: Cause, now: datetime) -> CreditChange:
    """Take `amount` credits, soonest-expiring lot first; raises InsufficientCredits.

    What is available now is enough to ask: since the soonest-expiring credits go first, a hold that lasts longer stays
    covered.
    """
    check_available(user, amount, now)
    return change(user.wallet, draw(spendable(user.lots, now), amount), cause, now)


def check_available(user: UserCredits, amount: int, now: datetime) -> None:
    """Raise InsufficientCredits unless so many credits may be spent."""
    if amount > user.available(now):
        raise InsufficientCredits(user.balance(now), user.held(now), user.available(now))


def change(
    wallet: Wallet, lots: Sequence[LotChange], cause: Cause, now: datetime, new_lots: Sequence[Lot] = (), debt: int = 0
) -> CreditChange:
    """A change that takes from lots or gives to them, brings new ones, and changes the debt by `debt`."""
    moves = {one.after.lot_id: one.amount for one in lots} | {lot.lot_id: lot.remaining for lot in new_lots}
    amount = sum(moves.values()) - debt
    entry = Entry(
        user_id=wallet.user_id,
        number=wallet.last_entry + 1,
        cause=cause,
        amount=amount,
        balance_after=wallet.balance + amount,
        created_at=now,
        moves=moves,
        debt_change=debt,
    )
    return CreditChange(
        before=wallet,
        wallet=after(wallet, entry, wallet.debts),
        entries=(entry,),
        lots=tuple(lots),
        new_lots=tuple(new_lots),
    )


def after(wallet: Wallet, entry: Entry, debts: Mapping[str, int]) -> Wallet:
    """The wallet after an entry."""
    earned = entry.amount if entry.transaction_type in EARNS else 0
    return replace(
        wallet,
        balance=entry.balance_after,
        total_credits_earned=wallet.total_credits_earned + earned,
        debt=wallet.debt + entry.debt_change,
        debts=debts,
        last_entry=entry.number,
        # The first one is a moment: what was decided on a wallet that was erased must not fit the user's next one.
        version=wallet.version + 1 if wallet.version else int(entry.created_at.timestamp() * 1000),
    )
