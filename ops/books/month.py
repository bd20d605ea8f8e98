"""The books of one month: what was owed at its beginning, what changed it, and what is owed at its end."""

from collections import Counter
from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import datetime

from ops.books.ledger import CashPosting, LotBook, Movement, Pool, Posting, UnreadableLedger, UserBook
from topup.domain.credits import Entry
from topup.domain.lots import Lot

OPENING = "opening"
NEVER = "never"  # the month of expiry of credits that do not expire

Column = Movement | str


def month_of(moment: datetime) -> str:
    """The month of a moment, in UTC, as text that sorts: 2026-10."""
    return f"{moment:%Y-%m}"


@dataclass
class Books:
    """One month (UTC), of all users whose ledgers were added.

    `credits` and `owed_minor` are by pool and column: OPENING, or a movement of the month. `cash_minor` and `tax_minor`
    are what came in and went back at Stripe, by pool and movement. `outstanding_credits` and `outstanding_minor` are
    what is left and owed at the end, by pool and month of expiry. `debt` is how many credits users owe then.
    """

    month: str
    credits: Counter[tuple[Pool, Column]] = field(default_factory=Counter)
    owed_minor: Counter[tuple[Pool, Column]] = field(default_factory=Counter)
    cash_minor: Counter[tuple[Pool, Movement]] = field(default_factory=Counter)
    tax_minor: Counter[tuple[Pool, Movement]] = field(default_factory=Counter)
    outstanding_credits: Counter[tuple[Pool, str]] = field(default_factory=Counter)
    outstanding_minor: Counter[tuple[Pool, str]] = field(default_factory=Counter)
    debt: int = 0
    users: int = 0
    entries: int = 0

    def add(self, user_id: str, records: Iterable[Entry | Lot]) -> None:
        """Add one user's ledger: the entries in the order of their numbers, and between them the lots, in any order.

        Of the lots only one figure is needed, which never changes: when restored credits expire. Raises
        UnreadableLedger.
        """
        book, is_open, before = UserBook(user_id), True, self.entries
        expiries: dict[str, datetime | None] = {}
        for record in records:
            if isinstance(record, Lot):
                expiries[record.lot_id] = record.expires_at
                continue
            month = month_of(book.advance(record))
            is_open = is_open and month <= self.month
            if is_open:
                self.entries += 1
                for posting in book.post(record):
                    self._post(posting, is_of_month=month == self.month)
        self.users += self.entries > before
        self.debt += book.debt
        self._close(book, expiries)

    def _post(self, posting: Posting | CashPosting, *, is_of_month: bool) -> None:
        if isinstance(posting, CashPosting):
            if is_of_month:
                self.cash_minor[posting.pool, posting.movement] += posting.minor
                self.tax_minor[posting.pool, posting.movement] += posting.tax_minor
        else:
            column = posting.movement if is_of_month else OPENING
            self.credits[posting.pool, column] += posting.credits
            self.owed_minor[posting.pool, column] += posting.owed_minor

    def _close(self, book: UserBook, expiries: Mapping[str, datetime | None]) -> None:
        for lot_id, lot in book.lots.items():
            if lot.left:
                key = lot.pool, _expiry(book, lot_id, lot, expiries)
                self.outstanding_credits[key] += lot.left
                self.outstanding_minor[key] += lot.owed_minor()

    def closing(self, figures: Counter[tuple[Pool, Column]]) -> Counter[Pool]:
        """The sum of the opening and all movements, by pool."""
        closing = Counter[Pool]()
        for (pool, _), figure in figures.items():
            closing[pool] += figure
        return closing

    def pools(self) -> list[Pool]:
        """Every pool that has any figure, by currency and package; free credits last."""
        found = {pool for figures in (self.credits, self.cash_minor) for pool, _ in figures}
        return sorted(found, key=lambda pool: (pool.currency is None, pool.currency or "", pool.package or ""))

    def currencies(self) -> Iterator[str]:
        """The currencies that were paid in."""
        yield from sorted({pool.currency for pool in self.pools() if pool.currency})


def _expiry(book: UserBook, lot_id: str, lot: LotBook, expiries: Mapping[str, datetime | None]) -> str:
    if not lot.is_restored:
        expires_at = lot.expires_at
    elif lot_id in expiries:
        expires_at = expiries[lot_id]
    else:
        # It may also have been used up, and so moved to another place, while a scan came by.
        raise UnreadableLedger(
            f"user {book.user_id} has no record of lot {lot_id}; if it was only moving, run it again"
        )
    return month_of(expires_at) if expires_at else NEVER
