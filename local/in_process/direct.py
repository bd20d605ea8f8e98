"""Do at once, and here, what would be done in other threads: nothing else then runs at the same time."""

from collections.abc import Callable, Iterator
from concurrent.futures import Executor, Future
from contextlib import contextmanager
from typing import Any

from topup.reconciliation.questions import Questions


class Direct(Executor):
    """What is submitted has been done when `submit` returns."""

    def submit(self, do: Callable[..., Any], /, *args: Any, **named: Any) -> "Future[Any]":
        done: Future[Any] = Future()
        try:
            done.set_result(do(*args, **named))
        except Exception as error:  # as every executor: whoever takes the result gets it
            done.set_exception(error)
        return done


@contextmanager
def questions() -> Iterator[Questions]:
    """Instead of `topup.reconciliation.questions.opened`: one question after another, without pauses."""
    yield Questions(Direct(), at_once=1, every=0, pause=0)
