"""A client of the API and of the simulator's controls, and what callers wait for and insist on."""

import json
import time
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

PATIENCE = 15.0  # seconds for what happens by itself: a webhook, a status


class BrokenPromiseError(Exception):
    """A response is not what the guide promises."""


Seen = TypeVar("Seen")


def poll(look: Callable[[], Seen], condition: Callable[[Seen], bool], promise: str) -> Seen:
    """Looks until the condition holds. Raises BrokenPromiseError."""
    deadline = time.monotonic() + PATIENCE
    while not condition(seen := look()):
        if time.monotonic() > deadline:
            broken(f"{promise}, within {PATIENCE:.0f} s; at last it was {seen}")
        time.sleep(0.05)  # between two looks, so that they do not take the handlers' time
    return seen


def session_of(payment: dict[str, Any]) -> str:
    """The Checkout Session's id, which its page's address ends with."""
    return str(payment["payment_url"]).partition("#")[0].rpartition("/")[2]


def expect(kept: bool, promise: str) -> None:
    if not kept:
        broken(promise)


def broken(promise: str) -> NoReturn:
    raise BrokenPromiseError(f"not as promised: {promise}")


def shortened(document: Any) -> str:
    """As JSON, and not too much of it."""
    if document is None:
        return ""
    text = json.dumps(document, ensure_ascii=False)
    return text if len(text) <= 400 else f"{text[:400]} …"
