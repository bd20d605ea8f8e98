"""Child processes that run tests, and end at the first failure or when they have used up their time."""

import os
import resource
import select
import signal
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field

import pytest

Say = Callable[[str], None]
Work = Callable[[Say], None]

SURVIVED, KILLED = 0, 1
# A mutant may make a test slower, and the machine is busy.
PATIENCE = 5
STARTING = 20.0  # seconds of the processor that a child has beyond the time of its tests


@dataclass
class Child:
    """A running child: `read_end` is where it says which test failed."""

    pid: int
    read_end: int
    began: float
    seconds: float
    said: bytes = b""
    status: int | None = None

    @property
    def killer(self) -> str:
        """The test that failed; empty where none did."""
        if self.status is not None and os.waitstatus_to_exitcode(self.status) == SURVIVED:
            return ""
        return self.said.decode().strip() or "took too long"


@dataclass
class Children:
    """At most so many children at once."""

    most: int
    running: list[Child] = field(default_factory=list)

    def start(self, work: Work, seconds: float) -> Child:
        """Run this in a child; it gets a function with which it says something to the parent."""
        read_end, write_end = os.pipe()
        pid = os.fork()
        if pid == 0:
            os.close(read_end)
            _in_child(work, write_end, seconds)
        os.close(write_end)
        child = Child(pid, read_end, time.monotonic(), seconds)
        self.running.append(child)
        return child

    def ended(self) -> list[Child]:
        """Wait until one has ended, and return those that have."""
        while True:
            for child in self.running:
                while select.select([child.read_end], [], [], 0)[0] and (said := os.read(child.read_end, 65536)):
                    child.said += said
            over = [child for child in self.running if self._is_over(child)]
            if over:
                self.running = [child for child in self.running if child not in over]
                return over
            select.select([child.read_end for child in self.running], [], [], 0.5)
            time.sleep(0.005)

    def _is_over(self, child: Child) -> bool:
        # A test that waits for what never comes uses no processor.
        if time.monotonic() - child.began > 10 * (child.seconds + STARTING):
            with suppress(ProcessLookupError):
                os.kill(child.pid, signal.SIGKILL)
        pid, status = os.waitpid(child.pid, os.WNOHANG)
        if pid == 0:
            return False
        while said := os.read(child.read_end, 65536):
            child.said += said
        os.close(child.read_end)
        child.status = status
        return True


def _in_child(work: Work, write_end: int, seconds: float) -> None:
    status = 70
    try:
        nothing = os.open(os.devnull, os.O_WRONLY)
        os.dup2(nothing, 1)
        os.dup2(nothing, 2)
        used = resource.getrusage(resource.RUSAGE_SELF)
        limit = int(used.ru_utime + used.ru_stime + PATIENCE * seconds + STARTING)
        resource.setrlimit(resource.RLIMIT_CPU, (limit, limit + 5))
        work(lambda text: _write(write_end, text))
        status = SURVIVED
    except BaseException as error:  # whatever it is: nothing may go on in two processes
        _write(write_end, f"{type(error).__name__}: {error}"[:200])
    finally:
        os._exit(status)


def _write(write_end: int, text: str) -> None:
    data = text.encode()
    while data:
        data = data[os.write(write_end, data) :]


class FirstFailure:
    """A plugin of pytest that says which test failed first, and ends the process."""

    def __init__(self, failed: Say) -> None:
        self.failed = failed

    def pytest_runtest_logreport(self, report: pytest.TestReport) -> None:
        if report.failed:
            self.failed(report.nodeid)
            os._exit(KILLED)


def run_items(session: pytest.Session, items: list[pytest.Item], failed: Say) -> None:
    """Run these tests; at the first failure say which, and end the process."""

    session.config.pluginmanager.register(FirstFailure(failed), "mutants-first-failure")
    for item, following in zip(items, [*items[1:], None], strict=True):
        session.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
