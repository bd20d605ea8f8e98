"""Where the next page of a list starts, as a text that clients hand back without looking inside."""

import base64
import binascii
import json

from topup.domain.errors import FieldError, ValidationFailed

LARGEST = 1_000  # characters; ours are far shorter


def encode(*position: str | int) -> str:
    """The cursor of a position."""
    return base64.urlsafe_b64encode(json.dumps(position).encode()).decode().rstrip("=")


def decode(cursor: str, *kinds: type) -> list[str | int]:
    """The position of a cursor, of just these types; raises ValidationFailed for what `encode` did not make."""
    try:
        if len(cursor) > LARGEST:
            raise ValueError
        padded = cursor.encode("ascii") + b"=" * (-len(cursor) % 4)
        position = json.loads(base64.b64decode(padded, altchars=b"-_", validate=True))
    except (ValueError, binascii.Error, RecursionError):
        raise _refused() from None
    if not isinstance(position, list) or [type(part) for part in position] != list(kinds) or "" in position:
        raise _refused()
    return position


def _refused() -> ValidationFailed:
    return ValidationFailed(FieldError("cursor", "must be the next_cursor of an earlier answer"))
