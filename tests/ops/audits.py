"""Audit a shop in both ways: its tables, and an export of them."""

import tempfile
from pathlib import Path

from local.in_process.shop import Shop
from ops.audit import Audit, audit, exported
from ops.export import command, files


def audited(shop: Shop) -> Audit:
    """What the audit of the tables finds."""
    return audit(lambda: shop.now)


def exported_and_audited(shop: Shop, processes: int = 1) -> Audit:
    """What the audit of an export of the tables finds."""
    found = Audit()
    with tempfile.TemporaryDirectory() as directory:
        names = {"credits": shop.dynamodb.credits_table, "orders": shop.dynamodb.orders_table}
        command.scan(names, Path(directory), shop.now)
        with exported.opened(files.read(Path(directory)), found, lambda _text: None, processes) as tables:
            tables.audit(lambda _found: None)
    return found
