"""Find the stack that runs in this checkout: it leaves a note for the tools while it runs."""

import contextlib
import json
import os
import socket
from collections.abc import Iterator, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from urllib.parse import urlsplit

from local import ROOT, environment
from local.aws import template
from local.aws.template import Template
from local.environment import Addresses
from local.launcher import Stack
from local.settings import Settings

NOTE = ".cache/local/stack.json"


@dataclass(frozen=True)
class RunningStack:
    """A stack's API address, and the environment variables that lead to its tables."""

    api: str
    environment: Mapping[str, str]


@contextlib.contextmanager
def discoverable(root: Path, addresses: Addresses, declared: Template) -> Iterator[None]:
    """Leave the note for as long as the block runs; remove it at the end, unless it is another stack's by then."""
    path = root / NOTE
    variables = environment.for_tools(declared.environment, addresses.dynamodb)
    text = json.dumps({"pid": os.getpid(), "addresses": asdict(addresses), "environment": variables}, indent=2)
    path.parent.mkdir(parents=True, exist_ok=True)
    path.write_text(text + "\n", encoding="utf-8")
    try:
        yield
    finally:
        with contextlib.suppress(OSError):
            if path.read_text(encoding="utf-8") == text + "\n":
                path.unlink()


def of(stack: Stack, root: Path = ROOT) -> RunningStack:
    """A stack that this process started."""
    parameters = environment.parameters(Settings(root, stack.values, ports={}))
    variables = template.read(root / "template.yaml", parameters).environment
    return RunningStack(stack.api_url, environment.for_tools(variables, stack.dynamodb_url))


def find(root: Path) -> RunningStack | None:
    """The running stack, or None. A note that a killed stack left behind does not count."""
    try:
        note = json.loads((root / NOTE).read_text(encoding="utf-8"))
        found = RunningStack(note["addresses"]["api"], note["environment"])
    except (OSError, ValueError, KeyError):
        return None
    return found if _is_listening(found.api) else None


def _is_listening(url: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port or 80)) == 0
