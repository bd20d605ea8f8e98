"""Read users' ledgers from an export, sorted by DuckDB, which keeps on disk what memory does not hold."""

import json
from collections.abc import Iterator
from typing import Any

import duckdb

from ops.export.files import Export
from topup import store
from topup.domain.credits import Entry
from topup.domain.lots import Lot

ITEMS_AT_A_TIME = 10_000


def ledgers(export: Export) -> Iterator[tuple[str, Iterator[Entry | Lot]]]:
    """Every user's ledger in the export, as `store.all_ledgers` has them."""
    return store.ledgers_of(_sorted_items(export))


def _sorted_items(export: Export) -> Iterator[Any]:
    files = [str(path) for path in export.credits.files]
    with duckdb.connect() as database:
        found = database.execute(
            """
            SELECT Item FROM read_ndjson(?, columns = {Item: 'JSON'})
            WHERE starts_with(Item->>'$.record.S', 'ENTRY#') OR Item->>'$.record.S' SIMILAR TO '(EMPTY)?LOT#.*'
            ORDER BY Item->>'$.user_id.S', Item->>'$.record.S'
            """,
            [files],
        )
        while items := found.fetchmany(ITEMS_AT_A_TIME):
            for (item,) in items:
                yield json.loads(item)
