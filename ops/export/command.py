"""Write both tables to files: from the deployed stack by DynamoDB's export, from the local one by a scan."""

import sys
from argparse import Namespace
from collections.abc import Mapping
from datetime import datetime
from functools import partial
from pathlib import Path

from ops import opened
from ops.errors import CannotRunError
from ops.export import deployed, files
from topup.runtime import config
from topup.store import patience


def run(options: Namespace) -> int:
    out = _directory(options.out)
    if options.stack:
        deployed.export(options.stack, out, _say)
    else:
        with opened.stack(options, with_stripe=False) as now:
            settings = config.settings()
            scan({"credits": settings.credits_table, "orders": settings.orders_table}, out, now())
    found = files.read(out)
    print(
        f"{found.credits.items} items of credits, {found.orders.items} of orders, "
        f"as of {found.taken_at:%Y-%m-%dT%H:%M:%SZ}, in {out}"
    )
    return 0


def _directory(name: str | None) -> Path:
    if not name:
        raise CannotRunError("OUT is missing (make: OUT=): name a directory for the files")
    out = Path(name)
    if out.exists() and any(out.iterdir()) and not (out / deployed.NOTE).exists():
        raise CannotRunError(f"{out} is not empty: name a new directory")
    return out


def scan(names: Mapping[str, str], out: Path, taken_at: datetime) -> None:
    """Write these tables, which `topup.store` works on. What changes during a scan may be in it in part."""
    for table, name in names.items():
        items = patience.items("scan", TableName=name, ConsistentRead=True)
        files.write(out / table, items, taken_at, partial(_say_written, table))


def _say_written(table: str, items: int) -> None:
    _say(f"{table}: {items} items")


def _say(text: str) -> None:
    print(f"… {text}", file=sys.stderr, flush=True)
