"""Write docs/performance.md: each benchmark replaces its own section and keeps the others."""

import datetime
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path

from local import ROOT

PAGE = ROOT / "docs" / "performance.md"
HEAD = """# Performance

How long a cold start takes and what a warm invocation costs, measured on the built layers by the commands named below.
Times differ between machines, and from Lambda. So each budget is a ratio to a yardstick that ran in the same round.

How `tools/build/layer.py` builds the layers, and why:

- Every source has its bytecode beside it, as an unchecked-hash `.pyc`. Lambda's disk is read-only, so without it every
  cold start would compile everything. The sources stay: a start without them took as long (ratio 1.00), and tracebacks
  would show no lines.
- Of botocore's data only what DynamoDB and Parameter Store need is kept, decompressed and without documentation.
- Package metadata, stubs, headers, tests and commands are left out: nothing reads them.
- The same sources give the same files, modes and times, and so the same archive. SAM writes no times into its archive;
  the order of entries is that of the folder on disk.
- Clients are made by botocore from one session: `boto3.client` makes the same ones, with more to import. A function
  imports PyJWT, pydantic and stripe only if it reads tokens, reads bodies or calls Stripe. PyJWT imports cryptography,
  even for a shared secret.
"""


def write(name: str, text: str) -> None:
    """Replace the section between its marks, or append a new one."""
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
    """A Markdown table; all columns but the first are numbers."""
    lines = [head, ["---", *["---:"] * (len(head) - 1)], *rows]
    return "\n".join(f"| {' | '.join(line)} |" for line in lines)


def measured_by(command: str, interpreter_version: str, rounds: int) -> str:
    today = datetime.datetime.now(datetime.UTC).date()
    return (
        f"`{command}`, {today}, {rounds} rounds, medians; {os.cpu_count()} processors"
        f" ({processor()}), {platform.system()}, Python {interpreter_version}."
    )


def processor() -> str:
    """The processor's architecture, and its name if the system has it."""
    cpuinfo = Path("/proc/cpuinfo")
    named = re.search(r"model name\s*: (.+)", cpuinfo.read_text()) if cpuinfo.exists() else None
    return f"{platform.machine()}, {named[1]}" if named else platform.machine()
