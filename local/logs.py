"""The console, with one short line per event, and logs/app.log, with all that the handlers log."""

import contextlib
import io
import json
import threading
import traceback
from collections.abc import Iterator
from contextvars import ContextVar
from pathlib import Path
from typing import TextIO

MAX_LOG_BYTES = 10 * 1024 * 1024  # a larger file is deleted when the stack starts
SHOWN_LEVELS = ("WARNING", "ERROR", "CRITICAL")

_function: ContextVar[str] = ContextVar("function")  # whose handler runs in this context


class Console:
    """Writes whole lines. Control characters, which a client or a handler may have sent, are escaped."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._lock = threading.Lock()

    def line(self, text: str) -> None:
        printable = "".join(char if char.isprintable() else f"\\x{ord(char):02x}" for char in text)
        with self._lock:
            self._stream.write(printable + "\n")
            self._stream.flush()


class LogError(Exception):
    """A log cannot be written; the message says which one and why."""


class HandlerLog:
    """logs/app.log; what a handler logs as a warning or worse is also a line on the console."""

    def __init__(self, path: Path, console: Console) -> None:
        """Raises LogError."""
        try:
            self._file = _open(path)
        except OSError as error:
            raise LogError(f"{path} cannot be written: {error.strerror}") from error
        self.console = console
        self.last_problem = ""  # the last warning or error that was shown

    @contextlib.contextmanager
    def of(self, function: str) -> Iterator[None]:
        """Inside the block, what this context prints is the function's log."""
        token = _function.set(function)
        try:
            yield
        finally:
            _function.reset(token)

    def line(self, text: str) -> None:
        self._file.write(text + "\n")
        if message := _console_message(text):
            self.last_problem = f"{_function.get('')}: {message}"
            self.console.line(f"  {self.last_problem}")

    def failure(self, error: BaseException) -> None:
        self._file.write("".join(traceback.format_exception(error)))

    def close(self) -> None:
        self._file.close()


def _open(path: Path) -> TextIO:
    path.parent.mkdir(exist_ok=True)
    if path.exists() and path.stat().st_size > MAX_LOG_BYTES:
        path.unlink()
    return path.open("a", encoding="utf-8", buffering=1)


def _console_message(text: str) -> str | None:
    if not text.startswith("{"):
        return None
    try:
        record = json.loads(text)
    except ValueError:
        return None
    if record.get("level") not in SHOWN_LEVELS:
        return None
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
        if _function.get(None) is None:
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
