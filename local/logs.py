"""The console, with one short line per event, and what the handlers log: logs/app.log, and logs/metrics.log apart."""

import contextlib
import io
import json
import threading
import time
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, TextIO

MAX_LOG_BYTES = 10 * 1024 * 1024  # a larger file is deleted when the stack starts
SHOWN_LEVELS = ("WARNING", "ERROR", "CRITICAL")
METRIC = '{"_aws":'  # how a line in CloudWatch's embedded metric format begins

Record = dict[str, Any]


@dataclass
class Invocation:
    """One run of a function's handler, and what it has logged of a Stripe event."""

    function: str
    of_event: list[Record] = field(default_factory=list)

    def event_line(self) -> str | None:
        """What came of the event, for people: its type, the payment, and the credits that moved."""
        if not self.of_event:
            return None
        payment = next((str(record["payment_id"])[:8] for record in self.of_event if "payment_id" in record), "")
        outcome = ", ".join(filter(None, map(_outcome, self.of_event))) or "nothing of ours"
        return " ".join(filter(None, ("webhook", self.of_event[0]["event_type"], payment, "→", outcome)))


def _outcome(record: Record) -> str:
    """What a line of the log says that came of its event; empty for most lines."""
    credits = f" {record['credits']:+,}" if record.get("credits") else ""
    match record["message"]:
        case "order changed":
            review = ", under review" if record.get("quarantine_reason") else ""
            return f"{record['status']}{credits}{review}"
        case "reversal changed":
            return f"{record['kind']} {record['status']}{credits}"
        case "request failed" | "request refused":
            return f"{record['status']} {record['code']}"
        case "nothing to change":
            return "nothing to change"
    return ""


_invocation: ContextVar[Invocation] = ContextVar("invocation")  # the one that runs in this context


class Console:
    """Writes whole lines. Control characters, which a client or a handler may have sent, are escaped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def timed(self, text: str) -> None:
        """A line with this machine's time."""
        self.line(f"{time.strftime('%H:%M:%S')} {text}")

    def line(self, text: str) -> None:
        printable = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
        with self._lock:
            self._stream.write(printable + "\n")
            self._stream.flush()


class LogError(Exception):
    """A log cannot be written; the message says which one and why."""


class HandlerLog:
    """logs/app.log, and logs/metrics.log beside it.

    What a handler logs as a warning or worse is also a line on the console, and so is what came of a Stripe event.
    """

    def __init__(self, path: Path, console: Console) -> None:
        """Raises LogError."""
        self._file, self._metrics = _open(path), _open(path.with_name("metrics.log"))
        self.console = console
        self.last_problem = ""  # the last warning or error that was shown

    @contextlib.contextmanager
    def of(self, function: str) -> Iterator[None]:
        """Inside the block, what this context prints is the function's log."""
        invocation = Invocation(function)
        token = _invocation.set(invocation)
        try:
            yield
        finally:
            _invocation.reset(token)
            if text := invocation.event_line():
                self.console.timed(text)

    def line(self, text: str) -> None:
        if text.startswith(METRIC):
            self._metrics.write(text + "\n")
            return
        self._file.write(text + "\n")
        record = _parsed(text)
        if record is None:
            return
        invocation = _invocation.get(Invocation(""))
        if "event_type" in record:
            invocation.of_event.append(record)
        if record.get("level") in SHOWN_LEVELS:
            self.last_problem = f"{invocation.function}: {_console_message(record)}"
            self.console.line(f"  {self.last_problem}")

    def failure(self, error: BaseException) -> None:
        self._file.write("".join(traceback.format_exception(error)))

    def close(self) -> None:
        self._file.close()
        self._metrics.close()


def _open(path: Path) -> TextIO:
    try:
        path.parent.mkdir(exist_ok=True)
        if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
            path.unlink()
        return path.open("a", encoding="utf-8", buffering=1)
    except OSError as error:
        raise LogError(f"{path} cannot be written: {error.strerror}") from error


def _parsed(text: str) -> Record | None:
    if not text.startswith("{"):
        return None
    try:
        record: Record = json.loads(text)
    except ValueError:
        return None
    return record


def _console_message(record: Record) -> str:
    *_, exception = ["", *str(record.get("exception") or "").splitlines()]  # a traceback's last line names the error
    reason = record.get("detail") or exception
    return f"{record['level']} {record.get('message')}" + (f": {reason}" if reason else "")


class RoutedOutput(io.TextIOBase):
    """Replaces sys.stdout or sys.stderr: what a handler prints goes to its log, everything else to the console."""

    def __init__(self, ordinary: TextIO, log: HandlerLog) -> None:
        self._ordinary = ordinary
        self._log = log
        self._unfinished = threading.local()

    def write(self, text: str) -> int:
        if _invocation.get(None) is None:
            return self._ordinary.write(text)
        *lines, rest = (getattr(self._unfinished, "text", "") + text).split("\n")
        self._unfinished.text = rest
        for line in lines:
            self._log.line(line)
        return len(text)

    def flush(self) -> None:
        self._ordinary.flush()

    def writable(self) -> bool:
        return True
