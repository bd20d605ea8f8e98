"""What the demonstration, the load test and the trial deployment share: waiting, expecting, showing responses."""

import json
import time
from collections.abc import Callable
from typing import Any, NoReturn, TypeVar

TIMEOUT = 15.0  # seconds for a webhook to arrive or a status to change


class BrokenPromiseError(Exception):
    """A response is not what the integration guide promises."""


Seen = TypeVar("Seen")


def poll(read: Callable[[], Seen], condition: Callable[[Seen], bool], promise: str) -> Seen:
    """Read until the condition holds. Raises BrokenPromiseError after TIMEOUT."""
    deadline = time.monotonic() + TIMEOUT
    while not condition(seen := read()):
        if time.monotonic() > deadline:
            broken(f"{promise}, within {TIMEOUT:.0f} s; the last value was {seen}")
        time.sleep(0.05)  # leaves the processor to the handlers
    return seen


def session_of(payment: dict[str, Any]) -> str:
    """The Checkout Session's id: the last part of its page's address."""
    return str(payment["payment_url"]).partition("#")[0].rpartition("/")[2]


def expect(kept: bool, promise: str) -> None:
    if not kept:
        broken(promise)


def broken(promise: str) -> NoReturn:
    raise BrokenPromiseError(f"not as promised: {promise}")


def shortened(document: Any) -> str:
    """As JSON, cut off after 400 characters."""
    if document is None:
        return ""
    text = json.dumps(document, ensure_ascii=False)
    return text if len(text) <= 400 else f"{text[:400]} …"
