"""The books by the second implementation, books.sql, over the files of an export."""

import json
from collections.abc import Iterable
from pathlib import Path
from typing import Any

import duckdb

from ops.books.ledger import Pool
from ops.books.month import Books

SQL = Path(__file__).with_name("books.sql").read_text(encoding="utf-8")

Key = tuple[Pool, str]
Figures = dict[Key, tuple[int, int]]

_POSTINGS = """
SELECT currency, package, CASE WHEN month = $month THEN movement ELSE 'opening' END, sum(credits)::BIGINT,
    sum(owed)::BIGINT
FROM postings WHERE month <= $month GROUP BY ALL
"""
_CASH = "SELECT currency, package, movement, money, tax FROM cash WHERE month = $month"
_OUTSTANDING = """
WITH latest AS (
    SELECT user_id, lot_id, arg_max(left_over, number)::BIGINT AS left_over, arg_max(owed, number)::BIGINT AS owed
    FROM steps WHERE month <= $month GROUP BY ALL
)
SELECT currency, package,
    coalesce(substr(CASE WHEN is_restored THEN s.expires_at ELSE l.expires_at END, 1, 7), 'never'),
    sum(left_over)::BIGINT, sum(owed)::BIGINT
FROM latest JOIN lots l USING (user_id, lot_id) LEFT JOIN stored_lots s USING (user_id, lot_id)
WHERE left_over <> 0 GROUP BY ALL
"""
_DEBT = "SELECT coalesce(sum(debt_change), 0)::BIGINT FROM entries WHERE month <= $month"


class SqlBooks:
    """All months of the credits table."""

    def __init__(self, database: duckdb.DuckDBPyConnection) -> None:
        self._database = database
        self._database.execute(SQL)

    @classmethod
    def of_export(cls, files: Iterable[Path]) -> "SqlBooks":
        """Of an export's files."""
        database, names = duckdb.connect(), [str(path) for path in files]
        exported = "CREATE TABLE exported AS SELECT Item AS item FROM read_ndjson(?, columns = {Item: 'JSON'})"
        return cls(database.execute(exported, [names]))

    @classmethod
    def of_items(cls, items: Iterable[Any]) -> "SqlBooks":
        """Of items as DynamoDB has them."""
        database, texts = duckdb.connect(), [json.dumps(item) for item in items]
        return cls(database.execute("CREATE TABLE exported AS SELECT unnest(?::VARCHAR[])::JSON AS item", [texts]))

    def months(self) -> list[str]:
        """Those in which anything happened."""
        found = self._database.execute("SELECT DISTINCT month FROM entries ORDER BY month").fetchall()
        return [month for (month,) in found]

    def differences(self, books: Books) -> list[str]:
        """What differs from the other implementation's books of the same month."""
        compared: dict[str, tuple[Any, Any]] = {
            "movements": (self._figures(_POSTINGS, books.month), _joined(books.credits, books.owed_minor)),
            "cash": (self._figures(_CASH, books.month), _joined(books.cash_minor, books.tax_minor)),
            "outstanding": (
                self._figures(_OUTSTANDING, books.month),
                _joined(books.outstanding_credits, books.outstanding_minor),
            ),
            "debt": (self._rows(_DEBT, books.month)[0][0], books.debt),
        }
        return [f"{books.month}: {name}: {a} != {b}" for name, (a, b) in compared.items() if a != b]

    def _rows(self, query: str, month: str) -> list[Any]:
        return self._database.execute(query, {"month": month}).fetchall()

    def _figures(self, query: str, month: str) -> Figures:
        rows = self._rows(query, month)
        figures = {(Pool(currency or None, package or None), str(key)): (a, b) for currency, package, key, a, b in rows}
        return {key: pair for key, pair in figures.items() if pair != (0, 0)}


def _joined(first: Any, second: Any) -> Figures:
    keys = first.keys() | second.keys()
    joined = {(pool, str(column)): (first[pool, column], second[pool, column]) for pool, column in keys}
    return {key: pair for key, pair in joined.items() if pair != (0, 0)}
