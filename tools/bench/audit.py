"""`make bench-audit`: how fast an export is audited, and in how much memory, by how many ledger entries it has."""

import argparse
import os
import shutil
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from local import ROOT
from tools.bench import budgets, histories, report
from tools.bench.budgets import Figure

SIZES = (1_000_000, 10_000_000)
DIRECTORY = ROOT / ".cache" / "bench-audit"
SAMPLE_EVERY = 0.2  # seconds
MEGABYTE = 1_000_000


@dataclass(frozen=True)
class Result:
    """One audit: `cpu` are the seconds of all its processes, `memory` the most bytes that they held together."""

    entries: int
    items: int
    export_bytes: int
    seconds: float
    cpu: float
    memory: int


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.audit", description="Measure the audit of an export.")
    parser.add_argument("--entries", type=int, nargs="*", default=SIZES, help="ledger entries of each export")
    results = [measure(entries) for entries in parser.parse_args().entries]
    report.write("audit", section(results))
    budgets.exit_if_missed(figure for result in results for figure in figures(result))


def figures(result: Result) -> list[Figure]:
    """What has a budget."""
    of = f"an audit of {result.entries:,} entries"
    per_million = result.cpu / result.items * 1_000_000
    return [
        Figure(f"{of}, CPU seconds for a million records", per_million, budgets.AUDITED, digits=1),
        Figure(f"{of}, MB", result.memory / MEGABYTE, budgets.AUDIT_MEMORY, digits=0),
    ]


def measure(entries: int) -> Result:
    """Write an export, audit it in a process of its own, and remove it."""
    shutil.rmtree(DIRECTORY, ignore_errors=True)
    try:
        written = histories.write(DIRECTORY, entries)
        return _audit(written)
    finally:
        shutil.rmtree(DIRECTORY, ignore_errors=True)


def _audit(entries: int) -> Result:
    files = list(DIRECTORY.glob("*/AWSDynamoDB/*/data/*.json.gz"))
    command = [sys.executable, "-m", "ops", "audit", "--from", str(DIRECTORY)]
    environment = {**os.environ, "PYTHONPATH": f"{ROOT / 'layers' / 'topup'}", "TMPDIR": str(DIRECTORY)}
    cpu_before, began = _cpu_of_children(), time.perf_counter()
    with subprocess.Popen(command, cwd=ROOT, env=environment, stdout=subprocess.PIPE, text=True) as process:
        memory = 0
        while process.poll() is None:
            memory = max(memory, sum(map(_memory_of, _family(process.pid))))
            time.sleep(SAMPLE_EVERY)
        seconds = time.perf_counter() - began
        said = process.stdout.read().strip() if process.stdout else ""
    if process.returncode:
        raise SystemExit(f"The audit of what it should find right ended with {process.returncode}: {said}")
    return Result(
        entries=entries,
        items=histories.items_in(DIRECTORY),
        export_bytes=sum(file.stat().st_size for file in files),
        seconds=seconds,
        cpu=_cpu_of_children() - cpu_before,
        memory=memory,
    )


def _cpu_of_children() -> float:
    """Seconds of CPU that ended children and theirs have used."""
    times = os.times()
    return times.children_user + times.children_system


def _family(pid: int) -> Iterator[int]:
    """A process and all that it has started (Linux)."""
    yield pid
    try:
        children = [child for task in Path(f"/proc/{pid}/task").iterdir() for child in _children(task)]
    except OSError:
        return
    for child in children:
        yield from _family(child)


def _children(task: Path) -> list[int]:
    return [int(child) for child in (task / "children").read_text().split()]


def _memory_of(pid: int) -> int:
    """What a process holds, with its share of what it has in common with others, in bytes; 0 once it has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def section(results: Sequence[Result]) -> str:
    """What docs/performance.md says."""
    head = ["entries", "all records", "files, MB", "seconds", "CPU s", "entries / s", "per CPU s", "memory, MB"]
    rows = [
        [
            f"{one.entries:,}",
            f"{one.items:,}",
            f"{one.export_bytes / MEGABYTE:,.0f}",
            f"{one.seconds:,.0f}",
            f"{one.cpu:,.0f}",
            f"{one.entries / one.seconds:,.0f}",
            f"{one.entries / one.cpu:,.0f}",
            f"{one.memory / MEGABYTE:,.0f}",
        ]
        for one in results
    ]
    return f"""## Audit of an export

`make bench-audit`, {datetime.now(UTC).date()}; {os.cpu_count()} processors ({report.processor()}).

`make audit FROM=` over exports of purchases, spends, holds, refunds and disputes: the histories of a few users of a
real shop, copied under other names, and one user with a tenth of all entries. "All records" are also the lots, orders,
timers and the markers of requests. Memory is the most that all processes held together. CPU seconds are of all
processes: where the seconds are more, the machine had other work meanwhile, and would have taken less without.

{report.table(head, rows)}
"""


if __name__ == "__main__":
    main()
