"""What all objects have in common."""

import marshal
from typing import Any

Json = dict[str, Any]

# The API version of every object and event here.
API_VERSION = "2026-10-28.endive"

NO_ADDRESS: Json = {"city": None, "country": None, "line1": None, "line2": None, "postal_code": None, "state": None}


def words(text: str) -> tuple[str, ...]:
    """Split a long list of names."""
    return tuple(text.split())


def snapshot(value: Any) -> Any:
    """A deep copy of JSON. copy.deepcopy takes many times as long, and simulations create millions of events."""
    return marshal.loads(marshal.dumps(value))  # noqa: S302 - what was made here a moment ago


def list_object(data: list[Json], url: str, *, has_more: bool = False) -> Json:
    return {"object": "list", "data": data, "has_more": has_more, "url": url}
