"""The month's journal: double entry, one balanced entry for each movement, currency and package."""

from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum

from ops.books.ledger import Movement, Pool
from ops.books.month import Books


class Account(StrEnum):
    """The accounts that the journal posts to; docs/accounting.md says what each of them is."""

    CASH = "Cash at Stripe"
    DEFERRED = "Deferred revenue"
    TAX = "Tax payable"
    REVENUE = "Revenue"
    BREAKAGE = "Breakage"
    REFUNDS = "Refunds"
    CHARGEBACKS = "Chargebacks"
    CORRECTIONS = "Corrections"
    IMPORTED = "Imported balances"


# What takes the rest of a movement: the money that is neither at Stripe nor tax nor owed to users any more.
COUNTER_ACCOUNT = {
    Movement.SOLD: Account.REVENUE,  # nothing: all that is paid is owed at first, or tax
    Movement.GRANTED: Account.CORRECTIONS,  # nothing: granted credits have no money
    Movement.IMPORTED: Account.IMPORTED,
    Movement.USED: Account.REVENUE,
    Movement.EXPIRED: Account.BREAKAGE,
    Movement.REFUNDED: Account.REFUNDS,
    Movement.REFUND_RETURNED: Account.REFUNDS,
    Movement.CHARGED_BACK: Account.CHARGEBACKS,
    Movement.CHARGEBACK_RETURNED: Account.CHARGEBACKS,
    Movement.CORRECTED: Account.CORRECTIONS,
}


@dataclass(frozen=True, kw_only=True)
class JournalEntry:
    """One movement of one pool; `lines` are its accounts with their debit (positive) or credit, and add up to 0.

    `credits` is by how much the users' credits change.
    """

    movement: Movement
    pool: Pool
    credits: int
    lines: tuple[tuple[Account, int], ...]


def journal(books: Books) -> Iterator[JournalEntry]:
    """The entries of the month, by pool and movement; free credits have no money, so there are none of them."""
    for pool in books.pools():
        for movement in Movement:
            lines = _lines(books, pool, movement)
            if pool.currency and lines:
                yield JournalEntry(
                    movement=movement, pool=pool, credits=books.credits[pool, movement], lines=tuple(lines.items())
                )


def _lines(books: Books, pool: Pool, movement: Movement) -> dict[Account, int]:
    cash, tax = books.cash_minor[pool, movement], books.tax_minor[pool, movement]
    owed = books.owed_minor[pool, movement]
    lines = {Account.CASH: cash, Account.DEFERRED: -owed, Account.TAX: -tax}
    lines[COUNTER_ACCOUNT[movement]] = owed + tax - cash
    return {account: amount for account, amount in lines.items() if amount}
