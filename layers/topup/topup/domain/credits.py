"""Credits: a user's wallet, its lots, and the ledger that explains every change."""

import uuid
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

from topup.domain.errors import InsufficientCredits, TooManyLots

_TRANSACTION_IDS = uuid.UUID("5d8b3f0e-9a43-4c0f-8f0d-6d1c9c1f7a11")

# A DynamoDB transaction holds 100 items: the wallet, the entry, an order, its reversal or a request marker, and a
# timer leave room for this many lots.
MOST_LOTS = 95


class TransactionType(StrEnum):
    """Why a user's credits changed."""

    PURCHASED = "purchased"
    SPENT = "spent"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    REFUND_REVERSED = "refund_reversed"
    DISPUTED = "disputed"
    DISPUTE_REVERSED = "dispute_reversed"
    ADJUSTED = "adjusted"


@dataclass(frozen=True, kw_only=True)
class Lot:
    """The credits that one order granted, and how many of them are left until `expires_at` (a whole second, UTC).

    `expired_credits` is what it has lost to expiry, which a later refund must not take again.
    """

    lot_id: str
    user_id: str
    payment_id: str
    package_name: str
    granted: int
    remaining: int
    expires_at: datetime
    expired_credits: int = 0

    def is_expired(self, now: datetime) -> bool:
        """Whether its expiry has come: from that second on, nothing of it may be spent."""
        return self.expires_at <= now

    def is_open(self, now: datetime) -> bool:
        """Whether it has credits that may still be spent."""
        return self.remaining > 0 and not self.is_expired(now)

    def lost_to_expiry(self, now: datetime) -> int:
        """What expiry has taken, or will take when the lot is swept."""
        return self.expired_credits + (self.remaining if self.is_expired(now) else 0)


@dataclass(frozen=True, kw_only=True)
class Wallet:
    """A user's running totals; balance = Σ remaining over all lots − debt."""

    user_id: str
    balance: int = 0
    total_credits_earned: int = 0
    debt: int = 0
    last_entry: int = 0


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One signed change of a user's credits, numbered 1, 2, 3 … per user; never changed once written.

    It also says where the change landed: `moves` (lot id → change of its remaining) and `debt_change`. So
    amount = Σ moves − debt_change, and every lot's figure can be recomputed from the ledger.
    """

    user_id: str
    number: int
    transaction_type: TransactionType
    amount: int
    balance_after: int
    created_at: datetime
    description: str
    payment_id: str | None = None
    expires_at: datetime | None = None
    moves: Mapping[str, int] = field(default_factory=dict)
    debt_change: int = 0

    @property
    def transaction_id(self) -> str:
        """The entry's public id: it follows from user and number, so it is not stored."""
        return str(uuid.uuid5(_TRANSACTION_IDS, f"{self.number}:{self.user_id}"))

    def is_expired(self, now: datetime) -> bool:
        """Whether the credits that this entry brought are past their expiry."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, kw_only=True)
class LotChange:
    """A lot as it was read, and as it will be."""

    before: Lot
    after: Lot

    @property
    def amount(self) -> int:
        """How many credits it gains; negative where it loses some."""
        return self.after.remaining - self.before.remaining


@dataclass(frozen=True, kw_only=True)
class CreditChange:
    """Everything that one change of a user's credits writes, in one transaction or not at all."""

    wallet: Wallet
    entry: Entry
    lots: Sequence[LotChange] = ()
    new_lot: Lot | None = None


@dataclass(frozen=True, kw_only=True)
class SpendReceipt:
    """A spend that has been made, as it is stored for a repeated request."""

    transaction_id: str
    amount: int
    balance_after: int
    request_fingerprint: str


def spendable(lots: Iterable[Lot], now: datetime) -> list[Lot]:
    """The open lots, soonest expiry first; ties in the fixed order of their ids."""
    return sorted((lot for lot in lots if lot.is_open(now)), key=lambda lot: (lot.expires_at, lot.lot_id))


def open_balance(lots: Iterable[Lot], wallet: Wallet, now: datetime) -> int:
    """What the user may spend now: expired credits do not count, whether or not they were swept; debt does."""
    return sum(lot.remaining for lot in lots if lot.is_open(now)) - wallet.debt


def grant(wallet: Wallet, lot: Lot, description: str, now: datetime) -> CreditChange:
    """Give the wallet a new lot; what the user owes is paid out of it first."""
    debt_paid = min(wallet.debt, lot.granted)
    kept = replace(lot, remaining=lot.granted - debt_paid)
    entry = Entry(
        user_id=wallet.user_id,
        number=wallet.last_entry + 1,
        transaction_type=TransactionType.PURCHASED,
        amount=lot.granted,
        balance_after=wallet.balance + lot.granted,
        created_at=now,
        description=description,
        payment_id=lot.payment_id,
        expires_at=lot.expires_at,
        moves={lot.lot_id: kept.remaining},
        debt_change=-debt_paid,
    )
    earned = replace(wallet, total_credits_earned=wallet.total_credits_earned + lot.granted)
    return CreditChange(wallet=_after(earned, entry), entry=entry, new_lot=kept)


def spend(wallet: Wallet, lots: Iterable[Lot], amount: int, description: str, now: datetime) -> CreditChange:
    """Take `amount` credits, soonest-expiring lot first; raises InsufficientCredits, TooManyLots."""
    open_lots = spendable(lots, now)
    balance = open_balance(open_lots, wallet, now)
    if amount > balance:
        raise InsufficientCredits(balance)
    drawn = _draw(open_lots, amount)
    if len(drawn) > MOST_LOTS:
        raise TooManyLots(largest=sum(lot.remaining for lot in open_lots[:MOST_LOTS]))
    return _change(wallet, TransactionType.SPENT, drawn, description, now)


def expire(wallet: Wallet, lot: Lot, now: datetime) -> CreditChange | None:
    """Take what is left of a lot past its expiry; None if it is not, or if there is nothing left."""
    if not lot.is_expired(now) or lot.remaining == 0:
        return None
    swept = LotChange(before=lot, after=replace(lot, remaining=0, expired_credits=lot.lost_to_expiry(now)))
    description = f"Expired: {lot.package_name}"
    return _change(wallet, TransactionType.EXPIRED, [swept], description, now, payment_id=lot.payment_id)


def claw_back(
    wallet: Wallet, own: Lot, others: Iterable[Lot], amount: int, why: TransactionType, description: str, now: datetime
) -> CreditChange:
    """Take back `amount` credits that an order granted: from its own lot, then from other open ones, then as debt."""
    others_open = [lot for lot in spendable(others, now) if lot.lot_id != own.lot_id]
    drawn = _draw([*spendable([own], now), *others_open], amount)
    if len(drawn) > MOST_LOTS:
        raise TooManyLots(largest=0)
    owed = amount + sum(change.amount for change in drawn)
    return _change(wallet, why, drawn, description, now, payment_id=own.payment_id, debt_change=owed)


def restore(
    wallet: Wallet, own: Lot, amount: int, why: TransactionType, description: str, now: datetime
) -> CreditChange:
    """Give back `amount` credits that were clawed back: they pay debt first, and then return to the order's lot."""
    debt_paid = min(wallet.debt, amount)
    returned = LotChange(before=own, after=replace(own, remaining=own.remaining + amount - debt_paid))
    lots = [returned] if returned.amount else []
    return _change(wallet, why, lots, description, now, payment_id=own.payment_id, debt_change=-debt_paid)


def _draw(lots: Iterable[Lot], amount: int) -> list[LotChange]:
    """Take up to `amount` credits from the lots in their order."""
    drawn, missing = [], amount
    for lot in lots:
        taken = min(lot.remaining, missing)
        if taken == 0:
            break
        drawn.append(LotChange(before=lot, after=replace(lot, remaining=lot.remaining - taken)))
        missing -= taken
    return drawn


def _change(
    wallet: Wallet,
    why: TransactionType,
    lots: Sequence[LotChange],
    description: str,
    now: datetime,
    *,
    payment_id: str | None = None,
    debt_change: int = 0,
) -> CreditChange:
    amount = sum(change.amount for change in lots) - debt_change
    entry = Entry(
        user_id=wallet.user_id,
        number=wallet.last_entry + 1,
        transaction_type=why,
        amount=amount,
        balance_after=wallet.balance + amount,
        created_at=now,
        description=description,
        payment_id=payment_id,
        moves={change.after.lot_id: change.amount for change in lots},
        debt_change=debt_change,
    )
    return CreditChange(wallet=_after(wallet, entry), entry=entry, lots=tuple(lots))


def _after(wallet: Wallet, entry: Entry) -> Wallet:
    return replace(wallet, balance=entry.balance_after, debt=wallet.debt + entry.debt_change, last_entry=entry.number)
