"""The books of random years: each month goes on from the one before, and nothing is lost or made.

The histories are those of test_ledger.py, whose model says in plain arithmetic what is owed; the second implementation,
in SQL, says the same of every month.
"""

from collections import Counter
from itertools import pairwise

from hypothesis.stateful import invariant

from local.in_process.environment import NOW, USER_ID
from ops.books.journal import Account, journal
from ops.books.month import Books, month_of
from tests.properties.test_ledger import LedgerMachine
from tests.support.books_in_sql import SqlBooks
from tests.support.examples import run_machine
from topup.domain.times import months_later
from topup.store import credit_items

HISTORIES, STEPS = 60, 40


class BooksMachine(LedgerMachine):
    """The same histories, closed month by month when they end."""

    def __init__(self) -> None:
        super().__init__()
        self.closed: dict[str, Books] = {}

    def books_of(self, month: str) -> Books:
        books = Books(month)
        books.add(USER_ID, [*self.ledger.account.lots, *self.ledger.account.entries])
        return books

    @invariant()
    def a_month_that_was_closed_stays_as_it_is(self) -> None:
        """The month before the present one is closed after each step; later steps must not change it."""
        month = month_of(months_later(self.now.replace(day=1), -1))
        assert self.books_of(month) == self.closed.setdefault(month, self.books_of(month))

    def teardown(self) -> None:
        self.close_all()
        super().teardown()
        self.close_all()

    def close_all(self) -> None:
        """Every month so far, and their sums against the model."""
        moment = NOW
        all_books = []
        while moment <= self.now:
            all_books.append(self.books_of(month_of(moment)))
            moment = months_later(moment.replace(day=1), 1)
        assert all(books == self.closed.get(books.month, books) for books in all_books)
        for earlier, later in pairwise(all_books):
            assert_continues(earlier, later)
        self.compare_sums(all_books)
        account = self.ledger.account
        items = [credit_items.entry_to_item(entry) for entry in account.entries]
        sql = SqlBooks.of_items([*items, *map(credit_items.lot_to_item, account.lots)])
        assert [difference for books in all_books for difference in sql.differences(books)] == []

    def compare_sums(self, all_books: list[Books]) -> None:
        """What was paid is at Stripe or went back; what is owed, the model says; the rest was earned."""
        sums = Counter[Account]()
        for books in all_books:
            for entry in journal(books):
                assert sum(amount for _, amount in entry.lines) == 0
                sums.update(dict(entry.lines))
        model = self.model
        gone = sum(one.gone for reversals in model.reversed.values() for one in reversals.values())
        assert sums[Account.CASH] == sum(model.paid.values()) - gone
        assert -sums[Account.DEFERRED] == sum(map(model.still_stands_for, model.left))
        imported = sum(model.money[lot] for lot in model.money if lot.startswith("grant-"))
        assert sums[Account.IMPORTED] == imported
        assert sum(all_books[-1].outstanding_minor.values()) == -sums[Account.DEFERRED]
        assert sum(all_books[-1].outstanding_credits.values()) == sum(model.left.values())
        assert all_books[-1].debt == model.debt


def assert_continues(earlier: Books, later: Books) -> None:
    """The one's closing is the other's opening, and what is outstanding makes the closing."""
    for figures in ("credits", "owed_minor"):
        closing = +earlier.closing(getattr(earlier, figures))
        opening = {pool: n for (pool, column), n in getattr(later, figures).items() if column == "opening" and n}
        assert closing == opening
    outstanding = Counter(dict.fromkeys(earlier.pools(), 0))
    for (pool, _), owed in earlier.outstanding_minor.items():
        outstanding[pool] += owed
    assert +outstanding == +earlier.closing(earlier.owed_minor)


def test_the_months_of_every_history_add_up():
    run_machine(BooksMachine, HISTORIES, steps=STEPS)
