"""A hold's public id: it names the user too, whose records it is among, so that no index has to find it."""

import base64
import binascii

from topup.domain import idempotency
from topup.domain.errors import HoldNotFound

LONGEST = 1_500  # characters: a user id of 255 characters has at most 1,020 bytes


def of(user_id: str, hold_id: str) -> str:
    """The id as clients see it: `<uuid>.<user id in base64url>`."""
    owner = base64.urlsafe_b64encode(user_id.encode()).decode().rstrip("=")
    return f"{hold_id}.{owner}"


def parse(text: str) -> tuple[str, str]:
    """The user's id and the hold's own; raises HoldNotFound for what `public` did not make."""
    hold_id, _, owner = text.partition(".")
    try:
        if len(text) > LONGEST or not idempotency.is_id(hold_id):
            raise ValueError
        padded = owner.encode("ascii") + b"=" * (-len(owner) % 4)
        user_id = base64.b64decode(padded, altchars=b"-_", validate=True).decode()
    except (ValueError, binascii.Error):
        raise HoldNotFound from None
    if not user_id:
        raise HoldNotFound
    return user_id, hold_id
