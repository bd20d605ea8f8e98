"""One user's ledger in money: what each entry moves, and what every lot still owes.

Pure. Money is in minor units, without the tax that was paid with it. So many of a lot's credits stand for their share
of its money, rounded down; the shares are cumulative, so that all credits of a lot together stand for all of its money.
"""

from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum

from topup.domain.credits import EARNS, Entry, TransactionType
from topup.domain.lots import Lot

Records = Iterator[Entry | Lot]  # of one user: the entries in the order of their numbers, and between them the lots


class Movement(StrEnum):
    """Why what is owed to users changes: a column of the books."""

    SOLD = "sold"
    GRANTED = "granted"
    IMPORTED = "imported"
    USED = "used"
    EXPIRED = "expired"
    REFUNDED = "refunded"
    REFUND_RETURNED = "refund_returned"
    CHARGED_BACK = "charged_back"
    CHARGEBACK_RETURNED = "chargeback_returned"
    CORRECTED = "corrected"


_MOVEMENTS = {
    TransactionType.PURCHASED: Movement.SOLD,
    TransactionType.GRANTED: Movement.GRANTED,
    TransactionType.SPENT: Movement.USED,
    TransactionType.SPEND_REVERSED: Movement.USED,
    TransactionType.EXPIRED: Movement.EXPIRED,
    TransactionType.REFUNDED: Movement.REFUNDED,
    TransactionType.REFUND_REVERSED: Movement.REFUND_RETURNED,
    TransactionType.DISPUTED: Movement.CHARGED_BACK,
    TransactionType.DISPUTE_REVERSED: Movement.CHARGEBACK_RETURNED,
    TransactionType.ADJUSTED: Movement.CORRECTED,
}
# What moves money at Stripe. The money of imported credits was paid elsewhere.
_AT_STRIPE = {
    Movement.SOLD,
    Movement.REFUNDED,
    Movement.REFUND_RETURNED,
    Movement.CHARGED_BACK,
    Movement.CHARGEBACK_RETURNED,
}


class UnreadableLedger(ValueError):
    """The ledger contradicts itself, so there are no books of it; the text says where."""


@dataclass(frozen=True)
class Pool:
    """What is counted together: the credits of one package that were paid in one currency; None: they are free."""

    currency: str | None
    package: str | None


@dataclass(frozen=True, kw_only=True)
class Posting:
    """One change: of the credits that users have in a pool, and of what is owed for them."""

    movement: Movement
    pool: Pool
    credits: int
    owed_minor: int


@dataclass(frozen=True, kw_only=True)
class CashPosting:
    """Money that came in at Stripe, negative where it went back, and how much of it is tax."""

    movement: Movement
    pool: Pool
    minor: int
    tax_minor: int


@dataclass(kw_only=True)
class LotBook:
    """A lot: its money without tax, what is left of its credits, and what is still owed for these.

    `expires_at` is None where it never expires, and where the entry does not say it (`is_restored`).
    """

    pool: Pool
    granted: int
    money_minor: int
    left: int
    expires_at: datetime | None
    is_restored: bool = False

    def owed_minor(self) -> int:
        """Its money without the share of the credits that are gone."""
        return self.money_minor - self.money_minor * (self.granted - self.left) // self.granted

    def move(self, movement: Movement, credits_: int) -> Posting:
        """Take credits from it (negative) or return some."""
        before = self.owed_minor()
        self.left += credits_
        return Posting(movement=movement, pool=self.pool, credits=credits_, owed_minor=self.owed_minor() - before)


@dataclass(kw_only=True)
class PaymentBook:
    """What was paid for an order, the tax in it, and how much of it has gone back."""

    paid_minor: int
    tax_minor: int
    reversed_minor: int = 0

    def tax_returned_minor(self) -> int:
        """How much of what has gone back is tax: its share, rounded down. Stripe does not say it."""
        if self.paid_minor == 0:
            return 0
        return self.tax_minor * min(self.paid_minor, max(0, self.reversed_minor)) // self.paid_minor


@dataclass
class UserBook:
    """One user's ledger, entry by entry in the order of their numbers; it keeps the lots, and no entry.

    An entry counts from `moment` on: the latest at which it, or one before it, was received. Nobody could read it
    earlier; the API's `as_of` goes by the same rule.
    """

    user_id: str
    lots: dict[str, LotBook] = field(default_factory=dict)
    payments: dict[str, PaymentBook] = field(default_factory=dict)
    last_entry: int = 0
    debt: int = 0
    moment: datetime | None = None

    def advance(self, entry: Entry) -> datetime:
        """Go on to this entry, before it is posted; when it counts from."""
        if entry.number != self.last_entry + 1:
            raise UnreadableLedger(
                f"user {self.user_id} has entry {entry.number} where {self.last_entry + 1} should be"
            )
        self.last_entry = entry.number
        self.moment = max(self.moment or entry.created_at, entry.created_at)
        return self.moment

    def post(self, entry: Entry) -> Iterator[Posting | CashPosting]:
        """What the entry moves."""
        movement = _MOVEMENTS[entry.transaction_type]
        self.debt += entry.debt_change
        if _brings_a_lot(entry):
            if movement is Movement.GRANTED and entry.cause.money_minor:
                movement = Movement.IMPORTED
            yield from self._bring(entry, movement)
        else:
            for lot_id, change in entry.moves.items():
                if lot_id in entry.continued:
                    yield self._restore(lot_id, entry.continued[lot_id], change, movement)
                else:
                    yield self._lot(lot_id, entry).move(movement, change)
        if movement in _AT_STRIPE and entry.cause.money_minor:
            yield self._cash(entry, movement)

    def _bring(self, entry: Entry, movement: Movement) -> Iterator[Posting]:
        """A new lot. What of it pays a debt has been used before it came."""
        [(lot_id, kept)] = entry.moves.items()
        cause = entry.cause
        pool = Pool(cause.currency if cause.money_minor else None, cause.package)
        money_minor = cause.money_minor - cause.tax_minor
        lot = LotBook(
            pool=pool,
            granted=entry.amount,
            money_minor=money_minor,
            left=entry.amount,
            expires_at=entry.expires_at,
        )
        self.lots[lot_id] = lot
        yield Posting(movement=movement, pool=pool, credits=lot.granted, owed_minor=money_minor)
        if kept != lot.granted:
            yield lot.move(Movement.USED, kept - lot.granted)

    def _restore(self, lot_id: str, origin_id: str, credits_: int, movement: Movement) -> Posting:
        """A new lot with credits of an expired one and the money that these stood for; free where it is not known."""
        origin = self.lots.get(origin_id)
        money_minor = origin.money_minor * credits_ // origin.granted if origin else 0
        package = origin.pool.package if origin else None
        pool = Pool(origin.pool.currency if origin and money_minor else None, package)
        self.lots[lot_id] = LotBook(
            pool=pool, granted=credits_, money_minor=money_minor, left=credits_, expires_at=None, is_restored=True
        )
        return Posting(movement=movement, pool=pool, credits=credits_, owed_minor=money_minor)

    def _lot(self, lot_id: str, entry: Entry) -> LotBook:
        if lot_id not in self.lots:
            raise UnreadableLedger(
                f"user {self.user_id}: entry {entry.number} moves lot {lot_id}, which no entry brought"
            )
        return self.lots[lot_id]

    def _cash(self, entry: Entry, movement: Movement) -> CashPosting:
        cause = entry.cause
        pool, tax_minor = Pool(cause.currency, cause.package), cause.tax_minor
        if movement is Movement.SOLD:
            self.payments[cause.payment_id or ""] = PaymentBook(paid_minor=cause.money_minor, tax_minor=tax_minor)
        else:
            payment = self.payments.setdefault(cause.payment_id or "", PaymentBook(paid_minor=0, tax_minor=0))
            before = payment.tax_returned_minor()
            payment.reversed_minor -= cause.money_minor
            tax_minor = before - payment.tax_returned_minor()
        return CashPosting(movement=movement, pool=pool, minor=cause.money_minor, tax_minor=tax_minor)


def _brings_a_lot(entry: Entry) -> bool:
    return entry.transaction_type in EARNS or (entry.transaction_type is TransactionType.ADJUSTED and entry.amount > 0)
