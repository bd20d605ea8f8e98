"""The invocations of the functions: which one is running, when it must end, and that it can die."""

from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from greenlet import getcurrent

TIMEOUT = 29.0  # seconds; the template's, for every function that the API calls


class Crash(BaseException):
    """The process has died: no `except Exception` sees it, and the function does nothing more."""


@dataclass(eq=False)
class Invocation:
    """One run of one function; `about` is what the checks need to know of its request."""

    function: str
    number: int
    begun: float  # seconds
    first_commit: int
    timeout: float = TIMEOUT
    about: dict[str, Any] = field(default_factory=dict)
    is_dead: bool = False
    calls: list[str] = field(default_factory=list)  # to DynamoDB: what it read, and what it tried to write


class Invocations:
    """The invocations that are running."""

    def __init__(self) -> None:
        self.running: dict[Any, Invocation] = {}  # by greenlet, in the order of their start
        self.abandoned: dict[Any, Invocation] = {}  # by the greenlet of a request that is carried out late
        self.count = 0

    @property
    def current(self) -> Invocation | None:
        return self.running.get(getcurrent())

    @property
    def author(self) -> Invocation | None:
        """The invocation that sent the request under way, which may have ended since."""
        return self.current or self.abandoned.get(getcurrent())

    def on_behalf_of(self, invocation: Invocation | None, do: Callable[[], Any]) -> Any:
        """Do what an invocation has asked for before it gave up waiting."""
        if invocation:
            self.abandoned[getcurrent()] = invocation
        try:
            return do()
        finally:
            self.abandoned.pop(getcurrent(), None)

    def begin(self, function: str, begun: float, first_commit: int, **about: Any) -> Invocation:
        self.count += 1
        invocation = Invocation(function, self.count, begun, first_commit, about=about)
        self.running[getcurrent()] = invocation
        return invocation

    def end(self) -> None:
        del self.running[getcurrent()]

    def others(self) -> list[Invocation]:
        mine = getcurrent()
        return [invocation for waiting, invocation in self.running.items() if waiting is not mine]
