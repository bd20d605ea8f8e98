"""docs/performance.md: each benchmark writes its own section, and leaves the other's as it is."""

import datetime
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path

from tools.bench.layers import ROOT

PAGE = ROOT / "docs" / "performance.md"
HEAD = """# Performance

How long a cold start takes, and what a warm invocation costs, measured by the commands named below on the built layers.
Times differ from machine to machine and from Lambda, so each budget is a ratio to a yardstick that ran in turn with it.
"""


def write(name: str, text: str) -> None:
    """Put the section between its marks, or at the end where it is new."""
    page = PAGE.read_text() if PAGE.exists() else HEAD
    begin, end = f"<!-- {name} -->", f"<!-- end of {name} -->"
    section = f"{begin}\n{text.strip()}\n{end}"
    if begin in page:
        page = re.sub(f"{begin}.*?{end}", lambda _: section, page, flags=re.DOTALL)
    else:
        page = f"{page.rstrip()}\n\n{section}\n"
    PAGE.write_text(page)
    print(text.strip())
    print(f"\nwritten to {PAGE.relative_to(ROOT)}")


def table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """A Markdown table, its first column to the left and the others to the right."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measured_by(command: str, interpreter_version: str, rounds: int) -> str:
    today = datetime.datetime.now(datetime.UTC).date()
    return (
        f"`{command}`, {today}, {rounds} rounds, medians; {os.cpu_count()} processors"
        f" ({processor()}), {platform.system()}, Python {interpreter_version}."
    )


def processor() -> str:
    """The processor's name, where the system tells."""
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return f"{platform.machine()}, {named[1]}" if named else platform.machine()
