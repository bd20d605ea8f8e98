"""Write docs/performance.md: each benchmark replaces its own section and keeps the others."""

import datetime
import os
import platform
import re
import statistics
import subprocess
from collections.abc import Sequence
from pathlib import Path

from local import ROOT, sections

PAGE = ROOT / "docs" / "performance.md"


def write(name: str, text: str) -> None:
    """Replace the section between its marks, or append a new one."""
    PAGE.write_text(sections.replaced(PAGE.read_text(), name, text))
    print(text.strip())
    print(f"\nwritten to {PAGE.relative_to(ROOT)}")


def show(name: str, text: str, *, is_whole: bool) -> None:
    """Write the section where everything was measured, else only print it."""
    if is_whole:
        write(name, text)
    else:
        print(text)


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measured_by(command: str, interpreter: str, rounds: int) -> str:
    """Which command measured, when, how often and where; `interpreter` is the Python that ran the functions.

    The load says whether the machine had other work: one command alone makes it little more than 1.
    """
    today = datetime.datetime.now(datetime.UTC).date()
    version = subprocess.run([interpreter, "--version"], capture_output=True, text=True, check=True).stdout.split()[1]
    return (
        f"`{command}`, {today}, {rounds} rounds, medians; {os.cpu_count()} processors"
        f" ({processor()}), {platform.system()}, Python {version}; load at the end {os.getloadavg()[0]:.1f}."
    )


def median_ratio(ours: Sequence[float], others: Sequence[float]) -> float:
    """The median of the rounds' own ratios: other load on the machine slows both of a round."""
    return statistics.median(mine / other for mine, other in zip(ours, others, strict=True))


def processor() -> str:
    """The processor's architecture, and its name if the system has it."""
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return f"{platform.machine()}, {named[1]}" if named else platform.machine()
