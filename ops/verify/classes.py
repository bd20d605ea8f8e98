"""The class of a value in an answer of Stripe's: what kind of thing it is, whatever it is this time."""

import re
from typing import Any

# pi_3…, cs_test_a1…: a prefix in lower case, then letters and digits, some of which no word has.
ID = re.compile(r"\b(?P<prefix>[a-z]{2,}_(?:test_|live_)?)(?=[a-z]*[A-Z0-9])[A-Za-z0-9]{8,}\b")
WORD = re.compile(r"[a-z][a-z0-9]*(?:[_.][a-z0-9]+)*")  # one of a list: `requires_action`, `charge.refunded`, `cny`
URL = re.compile(r"https?://\S+")
EPOCH = range(1_000_000_000, 10_000_000_000)  # seconds, from 2001 to 2286


def type_of(value: Any) -> str:
    """JSON's type, with an article."""
    match value:
        case None:
            return "null"
        case bool():
            return "a boolean"
        case int():
            return "an integer"
        case float():
            return "a number"
        case str():
            return "a string"
        case list():
            return "a list"
    return "an object"


def class_of(value: Any) -> str:
    """As a report names it. A word stands for itself: another one means another thing."""
    match value:
        case bool():
            return str(value).lower()
        case int():
            return _class_of_integer(value)
        case str():
            return _class_of_text(value)
    return type_of(value)


def _class_of_integer(value: int) -> str:
    if value in EPOCH:
        return "epoch seconds"
    return "0" if value == 0 else "an integer" if value > 0 else "a negative integer"


def _class_of_text(text: str) -> str:
    if found := ID.fullmatch(text):
        return f"an id `{found['prefix']}…`"
    if URL.fullmatch(text):
        return "a URL"
    if WORD.fullmatch(text):
        return f"`{text}`"
    return "text" if text else "empty text"
