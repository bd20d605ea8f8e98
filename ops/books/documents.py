"""The books as documents: a summary to read (Markdown), the journal and what is outstanding (CSV)."""

import csv
from calendar import monthrange
from collections import Counter
from collections.abc import Iterable, Iterator, Sequence
from io import StringIO

from ops.books.journal import Account, journal
from ops.books.ledger import Movement, Pool
from ops.books.month import OPENING, Books, Column
from topup.domain.money import to_text

NO_PACKAGE = "(no package)"
JOURNAL = ["month", "date", "number", "movement", "currency", "package", "credits", "account", "debit", "credit"]
OUTSTANDING = ["month", "currency", "package", "expires", "credits", "amount"]

# The columns of the summary, each with the movements that it adds up. A second table splits the last one.
_COLUMNS: dict[str, Sequence[Column]] = {
    "opening": (OPENING,),
    "sold": (Movement.SOLD,),
    "used": (Movement.USED,),
    "expired": (Movement.EXPIRED,),
    "refunded": (Movement.REFUNDED,),
    "adjusted": (
        Movement.CHARGED_BACK,
        Movement.REFUND_RETURNED,
        Movement.CHARGEBACK_RETURNED,
        Movement.IMPORTED,
        Movement.CORRECTED,
    ),
}
_ADJUSTED: dict[str, Sequence[Column]] = {
    "charged back": (Movement.CHARGED_BACK,),
    "refunds that failed": (Movement.REFUND_RETURNED,),
    "chargebacks that came back": (Movement.CHARGEBACK_RETURNED,),
    "imported": (Movement.IMPORTED,),
    "corrected": (Movement.CORRECTED,),
}
# Of free credits: a promotion code may take the whole price, and what was imported may have been free.
_FREE: dict[str, Sequence[Column]] = {
    "opening": (OPENING,),
    "granted": (Movement.GRANTED, Movement.SOLD, Movement.IMPORTED),
    "used": (Movement.USED,),
    "expired": (Movement.EXPIRED,),
    "refunded": (Movement.REFUNDED,),
    "adjusted": (
        Movement.CHARGED_BACK,
        Movement.REFUND_RETURNED,
        Movement.CHARGEBACK_RETURNED,
        Movement.CORRECTED,
    ),
}
_CASH = {
    "received": Movement.SOLD,
    "refunded": Movement.REFUNDED,
    "refunds that failed": Movement.REFUND_RETURNED,
    "charged back": Movement.CHARGED_BACK,
    "chargebacks that came back": Movement.CHARGEBACK_RETURNED,
}


def summary(books: Books) -> str:
    """The month for people, in Markdown."""
    last_day = _last_day(books.month)
    lines = [
        f"# Prepaid credits in {books.month}",
        "",
        f"From {books.month}-01 to {last_day} (UTC). Ledger entries: {books.entries}; users: {books.users}.",
        "Each row adds up to its closing. Money is without tax, except where it says so.",
        "docs/accounting.md explains the terms.",
    ]
    for currency in books.currencies():
        lines += _of_currency(books, currency)
    lines += ["", "## Free credits", "", *_free(books)]
    lines += ["", f"Users owe {books.debt} credits, which stand for no money until they are paid with new ones."]
    return "\n".join(lines) + "\n"


def _of_currency(books: Books, currency: str) -> Iterator[str]:
    pools = [pool for pool in books.pools() if pool.currency == currency]
    yield from ("", f"## {currency}: what is owed to users", "")
    yield from _movements(books.owed_minor, pools, _COLUMNS, currency)
    yield from ("", f"## {currency}: the same in credits", "")
    yield from _movements(books.credits, pools, _COLUMNS)
    yield from ("", f"## {currency}: what was adjusted", "")
    yield from _split(books, pools, currency)
    yield from ("", f"## {currency}: money at Stripe, with tax", "")
    yield from _cash(books, pools, currency)
    yield from ("", f"## {currency}: the journal's sums", "")
    yield from _sums(books, currency)
    yield from ("", f"## {currency}: outstanding by month of expiry", "")
    yield from _outstanding(books, pools, currency)


def _movements(
    figures: Counter[tuple[Pool, Column]],
    pools: Sequence[Pool],
    columns: dict[str, Sequence[Column]],
    currency: str = "",
) -> Iterator[str]:
    """A row for each pool and one for all: the columns add up to the closing."""

    def row(name: str, of: Iterable[Pool]) -> list[str]:
        sums = [sum(figures[pool, part] for pool in of for part in parts) for parts in columns.values()]
        return [name, *(_amount(figure, currency) for figure in (*sums, sum(sums)))]

    rows = [row(pool.package or NO_PACKAGE, [pool]) for pool in pools]
    yield from _table(["package", *columns, "closing"], [*rows, row("**all**", pools)])


def _split(books: Books, pools: Sequence[Pool], currency: str) -> Iterator[str]:
    def row(name: str, parts: Sequence[Column]) -> list[str]:
        keys = [(pool, part) for pool in pools for part in parts]
        money = _amount(sum(books.owed_minor[key] for key in keys), currency)
        return [name, money, str(sum(books.credits[key] for key in keys))]

    yield from _table(["", "owed", "credits"], [row(name, parts) for name, parts in _ADJUSTED.items()])


def _cash(books: Books, pools: Sequence[Pool], currency: str) -> Iterator[str]:
    def row(name: str, movements: Iterable[Movement]) -> list[str]:
        keys = [(pool, movement) for pool in pools for movement in movements]
        sums = [sum(figures[key] for key in keys) for figures in (books.cash_minor, books.tax_minor)]
        return [name, *(_amount(figure, currency) for figure in sums)]

    rows = [row(name, [movement]) for name, movement in _CASH.items()]
    yield from _table(["", "money", "of it tax"], [*rows, row("**all**", _CASH.values())])


def _sums(books: Books, currency: str) -> Iterator[str]:
    sums = Counter[Account]()
    for entry in journal(books):
        if entry.pool.currency == currency:
            sums.update(dict(entry.lines))
    rows = [[account, *_debit_and_credit(sums[account], currency)] for account in Account if sums[account]]
    yield from _table(["account", "debit", "credit"], rows)


def _outstanding(books: Books, pools: Sequence[Pool], currency: str) -> Iterator[str]:
    money, credits_ = Counter[str](), Counter[str]()
    for (pool, month), owed in books.outstanding_minor.items():
        if pool in pools:
            money[month] += owed
            credits_[month] += books.outstanding_credits[pool, month]
    rows = [[month, _amount(money[month], currency), str(credits_[month])] for month in sorted(credits_)]
    yield from _table(["expires", "owed", "credits"], rows)


def _free(books: Books) -> Iterator[str]:
    yield from _movements(books.credits, [pool for pool in books.pools() if pool.currency is None], _FREE)


def journal_csv(books: Books) -> str:
    """The journal: one line for each account of an entry; the lines of a number balance."""
    rows = []
    for number, entry in enumerate(journal(books), start=1):
        currency = str(entry.pool.currency)
        head = [books.month, _last_day(books.month), number, entry.movement, currency, entry.pool.package or ""]
        rows += [
            [*head, entry.credits, account, *_debit_and_credit(amount, currency)] for account, amount in entry.lines
        ]
    return _csv(JOURNAL, rows)


def outstanding_csv(books: Books) -> str:
    """What is left at the end of the month, by package and month of expiry; free credits have no amount."""
    rows = [
        [
            books.month,
            pool.currency or "",
            pool.package or "",
            expires,
            credits_,
            to_text(books.outstanding_minor[pool, expires], pool.currency) if pool.currency else "",
        ]
        for pool in books.pools()
        for (of, expires), credits_ in sorted(books.outstanding_credits.items(), key=lambda item: item[0][1])
        if of == pool
    ]
    return _csv(OUTSTANDING, rows)


def _debit_and_credit(amount: int, currency: str) -> tuple[str, str]:
    text = to_text(abs(amount), currency)
    return (text, "") if amount > 0 else ("", text)


def _amount(figure: int, currency: str) -> str:
    return to_text(figure, currency) if currency else str(figure)


def _table(head: Sequence[str], rows: Iterable[Sequence[str]]) -> Iterator[str]:
    yield f"| {' | '.join(head)} |"
    yield f"|---|{'---:|' * (len(head) - 1)}"
    for row in rows:
        yield f"| {' | '.join(row)} |"


def _csv(head: Sequence[str], rows: Iterable[Sequence[object]]) -> str:
    text = StringIO()
    writer = csv.writer(text, lineterminator="\n")
    writer.writerow(head)
    writer.writerows(rows)
    return text.getvalue()


def _last_day(month: str) -> str:
    year, number = map(int, month.split("-"))
    return f"{month}-{monthrange(year, number)[1]}"
