"""Start a local stack in another process, on free ports: for the demonstration and the end-to-end tests."""

import contextlib
import json
import os
import select
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import IO, Any

from local import LAYER, ROOT, settings, tokens

# Seconds. Each takes two, but machines that run tests are busy. A process that ends is noticed at once.
START_TIMEOUT = 120.0
STOP_TIMEOUT = 60.0


class StackFailedError(Exception):
    """The stack did not start or did not stop; the message ends with what it printed last."""


@dataclass(frozen=True)
class Stack:
    """The addresses and credentials of a running stack."""

    api_url: str
    webhook_url: str
    stripe_url: str  # empty without the simulator
    web_url: str
    dynamodb_url: str
    user_token: str = field(repr=False)
    admin_token: str = field(repr=False)
    api_key: str = field(repr=False)
    log: str  # the file of what the handlers log; relative to the project, unless the stack writes elsewhere
    seconds: float  # how long the start took
    values: Mapping[str, str] = field(repr=False)  # settings
    process: subprocess.Popen[str] = field(repr=False)

    def token(self, user_id: str, **claims: Any) -> str:
        """A token that the stack accepts; `claims` add to or replace its own."""
        return tokens.mint(self.values, user_id, datetime.now(UTC), **claims)


@contextlib.contextmanager
def running(root: Path = ROOT, state: Path | None = None, /, **environment: str) -> Iterator[Stack]:
    """Start the checkout in `root`, with the settings of .env.example and `environment`, without the developer's .env.

    state: the folder that the stack writes to; None is `root`.

    Raises StackFailedError when the stack does not start, or does not stop at the end.
    """
    with tempfile.TemporaryFile("w+", encoding="utf-8") as errors:
        process = subprocess.Popen(
            [sys.executable, "-m", "local", "--json", "--no-dotenv", "--until-stdin-ends", *_state(state)],
            cwd=root,
            env=environment_of(root, environment),
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            stderr=errors,
            text=True,
            start_new_session=True,  # Ctrl-C ends this process, which then stops the stack
        )
        try:
            ready = _ready_line(process, errors)
            yield Stack(**ready, values=settings.load(root, environment, dotenv=False).values, process=process)
        finally:
            _stop(process, errors)


def environment_of(root: Path, overrides: Mapping[str, str]) -> dict[str, str]:
    """This process's environment without a developer's settings: free ports, the code in `root`, and `overrides`."""
    inherited = {name: value for name, value in os.environ.items() if name not in settings.KNOWN}
    path = os.pathsep.join(filter(None, [str(root), str(root / LAYER), inherited.get("PYTHONPATH")]))
    return {**inherited, "PYTHONPATH": path, **dict.fromkeys(settings.DEFAULT_PORTS, "0"), **overrides}


def _state(folder: Path | None) -> list[str]:
    return ["--state", str(folder)] if folder else []


def _ready_line(process: subprocess.Popen[str], errors: IO[str]) -> dict[str, Any]:
    assert process.stdout is not None
    readable, _, _ = select.select([process.stdout], [], [], START_TIMEOUT)
    line = process.stdout.readline() if readable else ""
    if not line:
        raise StackFailedError(f"the stack did not start: {_last_output(errors)}")
    ready: dict[str, Any] = json.loads(line)
    return ready


def _stop(process: subprocess.Popen[str], errors: IO[str]) -> None:
    with process:
        process.send_signal(signal.SIGTERM)
        try:
            code = process.wait(STOP_TIMEOUT)
        except subprocess.TimeoutExpired:
            process.kill()
            raise StackFailedError(f"the stack did not stop: {_last_output(errors)}") from None
    if code not in (
        0,
        1,
        -signal.SIGTERM,
    ):  # 1: it failed to start, as reported; SIGTERM may come before its handler is set
        raise StackFailedError(f"the stack ended with {code}: {_last_output(errors)}")


def _last_output(errors: IO[str]) -> str:
    errors.seek(0)
    return errors.read()[-2000:].strip() or "it printed nothing"
