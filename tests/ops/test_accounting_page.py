"""The example of docs/accounting.md: its figures are what the books say of that history."""

import csv
import re
from datetime import UTC, datetime
from io import StringIO

import pytest

from local import ROOT
from local.in_process.environment import USER_ID
from ops.books import documents
from ops.books.journal import Account, journal
from ops.books.ledger import Movement
from ops.books.month import OPENING, Books
from tests.support.ledger import InMemoryLedger
from topup.domain.money import to_text
from topup.domain.reversals import Kind, Reversal, ReversalStatus

PAGE = (ROOT / "docs" / "accounting.md").read_text(encoding="utf-8")
MONTHS = ("2026-10", "2026-11", "2026-12", "2027-06")
COLUMNS = (OPENING, Movement.SOLD, Movement.USED, Movement.EXPIRED, Movement.REFUNDED)


@pytest.fixture(scope="module")
def anna() -> InMemoryLedger:
    """What the page tells."""
    ledger = InMemoryLedger()
    ledger.buy("order-1", 1100, 10_000, at(2026, 10, 3), tax_minor=1_900, currency="EUR")
    ledger.spend(300, at(2026, 10, 20))
    ledger.spend(400, at(2026, 11, 9))
    half = Reversal(
        kind=Kind.REFUND,
        reversal_id="refund-1",
        payment_id="order-1",
        amount_minor=5_950,
        status=ReversalStatus.SUCCEEDED,
        created_at=at(2026, 11, 20),
    )
    ledger.reverse(half, at(2026, 11, 20))
    ledger.buy("order-2", 500, 5_000, at(2026, 12, 5), tax_minor=950, currency="EUR", package_id="trial")
    ledger.sweep("order-2", at(2027, 6, 5))
    return ledger


def at(year: int, month: int, day: int) -> datetime:
    return datetime(year, month, day, 12, tzinfo=UTC)


def books_of(ledger: InMemoryLedger, month: str) -> Books:
    books = Books(month)
    books.add(USER_ID, [*ledger.account.lots, *ledger.account.entries])
    return books


def rows_below(title: str) -> list[str]:
    """The rows of the table below a line, without their padding."""
    table = PAGE.partition(f"\n{title}\n\n")[2].partition("\n\n")[0]
    return [re.sub(r" *\| *", "|", row).strip("|") for row in table.splitlines()[2:]]


def test_the_table_of_what_is_owed_is_what_the_books_say(anna: InMemoryLedger):
    expected = []
    for month in MONTHS:
        books = books_of(anna, month)
        figures = [sum(books.owed_minor[pool, column] for pool in books.pools()) for column in COLUMNS]
        expected.append("|".join([month, *(to_text(figure, "EUR") for figure in (*figures, sum(figures)))]))
        assert sum(books.owed_minor.values()) == sum(figures)  # no other column has any

    assert rows_below("What is owed to her, by month:") == expected


def test_the_journal_is_what_the_books_say(anna: InMemoryLedger):
    expected = []
    for month in MONTHS:
        for row in csv.DictReader(StringIO(documents.journal_csv(books_of(anna, month)))):
            names = ("month", "movement", "package", "account", "debit", "credit")
            expected.append("|".join(row[name] for name in names).rstrip("|"))

    assert rows_below("The journal:") == expected


def test_in_the_end_nothing_is_owed_and_cash_is_what_was_earned_and_tax(anna: InMemoryLedger):
    sums = dict.fromkeys(Account, 0)
    for month in MONTHS:
        for entry in journal(books_of(anna, month)):
            for account, amount in entry.lines:
                sums[account] += amount

    assert sums[Account.DEFERRED] == 0
    assert (sums[Account.CASH], sums[Account.TAX]) == (11_900, -1_900)
    assert sums[Account.REVENUE] + sums[Account.BREAKAGE] + sums[Account.REFUNDS] == -10_000


def test_the_page_explains_every_account():
    for account in Account:
        assert account.lower() in PAGE.lower(), account
