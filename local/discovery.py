"""Find the stacks that run in this checkout: each leaves a note for the tools while it runs."""

import contextlib
import json
import os
import socket
from collections.abc import Callable, Iterator, Mapping
from dataclasses import asdict, dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local import ROOT, environment
from local.aws import template
from local.aws.template import Template
from local.environment import Addresses
from local.launcher import Stack
from local.settings import Settings

NOTES = ".cache/local/stacks"  # a file for each stack, by its process id
LONG_AGO = datetime.min.replace(tzinfo=UTC)


@dataclass(frozen=True)
class RunningStack:
    """A stack's API address, the environment variables that lead to its tables, and what else its note says."""

    api: str
    environment: Mapping[str, str]
    addresses: Mapping[str, Any] = field(default_factory=dict)  # of each part, by the names of `Addresses`
    pid: int = 0
    started_at: datetime = LONG_AGO


@contextlib.contextmanager
def discoverable(notes: Path, addresses: Addresses) -> Iterator[Callable[[Template], None]]:
    """What leaves a note of the stack with this template, or changes it; the note goes at the end of the block."""
    path = notes / f"{os.getpid()}.json"
    started_at = datetime.now(UTC).isoformat()

    def leave(declared: Template) -> None:
        note = {
            "pid": os.getpid(),
            "started_at": started_at,
            "addresses": asdict(addresses),
            "environment": environment.for_tools(declared.environment, addresses.dynamodb, addresses.api),
        }
        path.parent.mkdir(parents=True, exist_ok=True)
        _write(path, json.dumps(note, indent=2) + "\n")

    try:
        yield leave
    finally:
        path.unlink(missing_ok=True)


def _write(path: Path, text: str) -> None:
    """At once, so that nobody reads half a note."""
    unfinished = path.with_suffix(".unfinished")
    unfinished.write_text(text, encoding="utf-8")
    unfinished.replace(path)


def of(stack: Stack, root: Path = ROOT) -> RunningStack:
    """A stack that this process started."""
    parameters = environment.parameters(Settings(root, stack.values, ports={}))
    variables = template.read(root / "template.yaml", parameters).environment
    return RunningStack(stack.api_url, environment.for_tools(variables, stack.dynamodb_url, stack.api_url))


def find(root: Path) -> RunningStack | None:
    """The running stack, the one that was started last if there are several, or None."""
    return next(iter(find_all(root)), None)


def find_all(root: Path) -> list[RunningStack]:
    """The running stacks, the latest first. The note that a killed one left behind is removed."""
    found = []
    for path in (root / NOTES).glob("*.json"):
        stack = _read(path)
        if stack is None or not _is_listening(stack.api):
            path.unlink(missing_ok=True)
        else:
            found.append(stack)
    return sorted(found, key=lambda stack: stack.started_at, reverse=True)


def _read(path: Path) -> RunningStack | None:
    try:
        note = json.loads(path.read_text(encoding="utf-8"))
        started_at = datetime.fromisoformat(note["started_at"])
        return RunningStack(
            note["addresses"]["api"], note["environment"], note["addresses"], int(note["pid"]), started_at
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None


def _is_listening(url: str) -> bool:
    with socket.socket() as probe:
        probe.settimeout(1)
        return probe.connect_ex(("127.0.0.1", urlsplit(url).port or 80)) == 0
