"""Where the stack that runs in this checkout is: a note for the tools, there for as long as the stack."""

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
    """A running stack: its API's address, and the variables that lead to its tables."""

    api: str
    environment: Mapping[str, str]


@contextlib.contextmanager
def noted(root: Path, addresses: Addresses, declared: Template) -> Iterator[None]:
    """Leaves the note, and takes it away again unless another stack has left its own since."""
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
    """A stack's that this process has started itself."""
    parameters = environment.parameters(Settings(root, stack.values, ports={}))
    variables = template.read(root / "template.yaml", parameters).environment
    return RunningStack(stack.api_url, environment.for_tools(variables, stack.dynamodb_url))


def find(root: Path) -> RunningStack | None:
    """The running stack's; None if none runs, whatever note an earlier one could not take away."""
    try:
        note = json.loads((root / NOTE).read_text(encoding="utf-8"))
        found = RunningStack(note["addresses"]["api"], note["environment"])
    except (OSError, ValueError, KeyError):
        return None
    return found if _answers(found.api) else None


def _answers(url: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port or 80)) == 0
