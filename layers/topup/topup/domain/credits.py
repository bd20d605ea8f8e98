"""Credits: a user's wallet, the lots it is made of, and the ledger that explains every change."""

import uuid
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from datetime import datetime
from enum import StrEnum

_TRANSACTION_IDS = uuid.UUID("5d8b3f0e-9a43-4c0f-8f0d-6d1c9c1f7a11")


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
    """The credits that one order granted, and how many of them are left until `expires_at` (a whole second, UTC)."""

    lot_id: str
    user_id: str
    payment_id: str
    granted: int
    remaining: int
    expires_at: datetime

    def is_open(self, now: datetime) -> bool:
        """Whether it has credits that may still be spent: from its expiry second on it has none."""
        return self.remaining > 0 and now < self.expires_at


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

    It also says where the change landed: `moves` (lot id → change of its remaining) and `debt_change`,
    so that amount = Σ moves − debt_change, and every lot's figure can be recomputed from the ledger.
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
        """The entry's public id: the same for the same user and number, so it needs no storing."""
        return str(uuid.uuid5(_TRANSACTION_IDS, f"{self.number}:{self.user_id}"))

    def is_expired(self, now: datetime) -> bool:
        """Whether the credits that this entry brought are past their expiry."""
        return self.expires_at is not None and self.expires_at <= now


@dataclass(frozen=True, kw_only=True)
class Grant:
    """What changes when a lot comes into being: everything in one transaction, or nothing."""

    wallet: Wallet
    lot: Lot
    entry: Entry


def spendable(lots: Iterable[Lot], now: datetime) -> list[Lot]:
    """The open lots, soonest expiry first; ties in the fixed order of their ids."""
    return sorted((lot for lot in lots if lot.is_open(now)), key=lambda lot: (lot.expires_at, lot.lot_id))


def open_balance(lots: Iterable[Lot], wallet: Wallet, now: datetime) -> int:
    """What the user may spend now: expired credits do not count, whether or not they were swept; debt does."""
    return sum(lot.remaining for lot in lots if lot.is_open(now)) - wallet.debt


def grant(wallet: Wallet, lot: Lot, description: str, now: datetime) -> Grant:
    """Give the wallet a new lot; what the user owes is paid out of it first."""
    debt_paid = min(wallet.debt, lot.granted)
    kept = lot.granted - debt_paid
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
        moves={lot.lot_id: kept},
        debt_change=-debt_paid,
    )
    wallet_after = replace(
        wallet,
        balance=entry.balance_after,
        total_credits_earned=wallet.total_credits_earned + lot.granted,
        debt=wallet.debt - debt_paid,
        last_entry=entry.number,
    )
    return Grant(wallet=wallet_after, lot=replace(lot, remaining=kept), entry=entry)
