"""Read users' ledgers from an export, sorted by DuckDB, which keeps on disk what its memory does not hold."""

import json
import tempfile
from collections.abc import Iterator
from contextlib import closing
from typing import Any

import duckdb

from ops.export.files import Export
from topup import store
from topup.domain.credits import Entry
from topup.domain.lots import Lot
from topup.store.ledgers import PREFIXES

MEMORY = "1GB"
ITEMS_AT_A_TIME = 1_000
SORTED = """
    SELECT Item FROM read_ndjson($files, columns = {Item: 'JSON'}, compression = 'gzip')
    WHERE list_any_value([p FOR p IN $prefixes IF starts_with(Item ->> '$.record.S', p)]) IS NOT NULL
    ORDER BY Item ->> '$.user_id.S', Item ->> '$.record.S'
"""


def ledgers(export: Export) -> Iterator[tuple[str, Iterator[Entry | Lot]]]:
    """Every user's ledger in the export, as `store.all_ledgers` has them."""
    return store.ledgers_of(_sorted_items(export))


def _sorted_items(export: Export) -> Iterator[Any]:
    parameters = {"files": [str(path) for path in export.credits.files], "prefixes": list(PREFIXES)}
    with tempfile.TemporaryDirectory() as spilled:
        config: dict[str, Any] = {"memory_limit": MEMORY, "temp_directory": spilled}
        with closing(duckdb.connect(config=config)) as database:
            found = database.execute(SORTED, parameters)
            while items := found.fetchmany(ITEMS_AT_A_TIME):
                for (item,) in items:
                    yield json.loads(item)
