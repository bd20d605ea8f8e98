"""`make bench-audit`: what it measures is a right export of the wanted size, and what it writes down."""

from pathlib import Path

import pytest

from ops.audit import Audit, exported
from ops.export import files
from tests.tools.test_bench_budgets import ended
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


@pytest.mark.parametrize(
    ("cpu", "memory", "missed"),
    [
        (13.4, 4_295_000_000, []),
        (13.5, 1, ["an audit of 1,000 entries, CPU seconds for a million records: 13.5, budget 13.4"]),
        (1, 4_296_000_000, ["an audit of 1,000 entries, MB: 4296, budget 4295"]),
    ],
)
def test_a_missed_budget_is_named_and_ends_the_command_with_an_error(
    monkeypatch: pytest.MonkeyPatch, cpu: float, memory: int, missed: list[str]
):
    result = audit.Result(entries=1000, items=1_000_000, export_bytes=1, seconds=1, cpu=cpu, memory=memory)
    written: list[str] = []
    monkeypatch.setattr(audit, "measure", lambda _entries: result)
    monkeypatch.setattr("tools.bench.report.write", lambda _name, text: written.append(text))
    monkeypatch.setattr("sys.argv", ["audit", "--entries", "1000"])

    assert ended(audit.main) == missed
    assert written == [audit.section([result])]
