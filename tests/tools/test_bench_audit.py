"""`make bench-audit`: what it measures is a right export of the wanted size, and what it writes down."""

from pathlib import Path

import pytest

from ops.audit import Audit, exported
from ops.export import files
from tools.bench import audit, histories


def test_the_histories_are_right_in_all_that_is_audited(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(histories, "SPENDS", {"small": 1, "middle": 2, "large": 3})

    written = histories.write(tmp_path, 500)

    found, export = Audit(), files.read(tmp_path)
    with exported.opened(export, found, lambda _text: None, 1) as tables:
        tables.audit(lambda _found: None)
    assert found.findings == []
    assert written == found.entries >= 500
    assert found.users > len(histories.ROUND)
    assert histories.items_in(tmp_path) == export.credits.items + export.orders.items > 2 * written


def test_a_row_says_how_fast_and_in_how_much_memory():
    result = audit.Result(
        entries=1_000_000, items=3_000_000, export_bytes=80_000_000, seconds=50, cpu=80, memory=900_000_000
    )

    assert (
        audit.section([result]).splitlines()[-1] == "| 1,000,000 | 3,000,000 | 80 | 50 | 80 | 20,000 | 12,500 | 900 |"
    )
