"""Invocations of the functions: which one is running, when it must end, and what it leaves behind when it dies."""

from dataclasses import dataclass, field
from typing import Any

from greenlet import getcurrent

TIMEOUT = 29.0  # seconds; the template's, of every function that answers somebody


class Crash(BaseException):
    """The process is gone: no `except Exception` sees it, and nothing that it would still do is done."""


@dataclass(eq=False)
class Invocation:
    """One run of one function; `about` is what it is for, for the answers' and windows' sake."""

    function: str
    number: int
    begun: float  # seconds
    first_commit: int
    timeout: float = TIMEOUT
    about: dict[str, Any] = field(default_factory=dict)
    is_dead: bool = False


class Running:
    """The invocations under way."""

    def __init__(self) -> None:
        self.now: dict[Any, Invocation] = {}  # by greenlet; in the order in which they began
        self.count = 0

    @property
    def current(self) -> Invocation | None:
        return self.now.get(getcurrent())

    def begin(self, function: str, begun: float, first_commit: int, **about: Any) -> Invocation:
        self.count += 1
        invocation = Invocation(function, self.count, begun, first_commit, about=about)
        self.now[getcurrent()] = invocation
        return invocation

    def end(self) -> None:
        del self.now[getcurrent()]

    def others(self) -> list[Invocation]:
        mine = getcurrent()
        return [invocation for waiting, invocation in self.now.items() if waiting is not mine]
