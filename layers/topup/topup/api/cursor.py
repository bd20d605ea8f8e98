"""Encode where the next page of a list starts, as an opaque text that clients send back."""

import base64
import binascii
import json
from collections.abc import Mapping
from typing import TypeVar
from urllib.parse import urlencode

from topup.domain import idempotency, times
from topup.domain.errors import FieldError, ValidationFailed

LARGEST = 1_000  # characters; ours are far shorter


def encode(*position: str | int) -> str:
    """The cursor of a position."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def link(query: Mapping[str, str], next_cursor: str | None) -> dict[str, str]:
    """The Link header (RFC 8288) to the page after this one, whose parameters `query` has; none on the last page.

    Relative to the request's own address: only the caller knows which host, and which prefix before our paths, it has.
    """
    if next_cursor is None:
        return {}
    return {"link": f'<?{urlencode({**query, "cursor": next_cursor})}>; rel="next"'}


Part = TypeVar("Part", str, int)


def decode(cursor: str, kind: type[Part], parts: int) -> list[Part]:
    """The position of a cursor: `parts` values of one type; raises ValidationFailed if `encode` did not make it."""
    try:
        if len(cursor) > LARGEST:
            raise ValueError
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise _refused() from None
    if not isinstance(position, list) or [type(part) for part in position] != [kind] * parts or "" in position:
        raise _refused()
    return position


def decode_order_position(cursor: str) -> tuple[str, str]:
    """The position of an order in a list: when it was placed, and its id; raises ValidationFailed."""
    created_at, payment_id = decode(cursor, str, parts=2)
    if not times.is_sortable_text(created_at) or not idempotency.is_id(payment_id):
        raise _refused()
    return created_at, payment_id


def _refused() -> ValidationFailed:
    return ValidationFailed(FieldError("cursor", "must be the next_cursor of an earlier response"))
