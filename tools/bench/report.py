"""docs/performance.md: each benchmark writes its own section, and leaves the other's as it is."""

import datetime
import os
import platform
import re
from collections.abc import Sequence
from pathlib import Path

from local import ROOT

PAGE = ROOT / "docs" / "performance.md"
HEAD = """# Performance

How long a cold start takes, and what a warm invocation costs, measured by the commands named below on the built layers.
Times differ from machine to machine and from Lambda, so each budget is a ratio to a yardstick that ran in turn with it.

How the layers are made (`tools/build/layer.py`), and why:

- Bytecode lies beside every source as an unchecked-hash `.pyc`: Lambda's disk is read-only, so that without it every
  cold start compiles everything anew. Sources stay: without them a start took as long (ratio 1.00), and tracebacks
  would show no lines.
- Of botocore's data, only what DynamoDB and Parameter Store need, unpacked and without its texts for people.
- No package metadata, stubs, headers, tests or commands: nothing reads them.
- The same sources give the same files, modes and times, and so the same archive. SAM writes no times into its own; the
  order of its entries is that of the folder on the disk that it zips from.
- Clients are botocore's, from one session: `boto3.client` is the same with more to import. A function loads PyJWT,
  pydantic and stripe only if it reads tokens, bodies or Stripe; PyJWT loads cryptography, even for a shared secret.
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
