"""Ids that follow from an Idempotency-Key, and fingerprints that tell one request from another."""

import hashlib
import json
import re
import uuid
from collections.abc import Mapping

from topup.domain.errors import IdempotencyConflict

_NAMESPACE = uuid.UUID("0c9e3f5c-2f0b-4f5e-9f57-1d6f4f6f2b0e")
_ID = re.compile(r"[0-9a-f]{8}(-[0-9a-f]{4}){3}-[0-9a-f]{12}")


def id_from_key(owner: str, key: str | None) -> str:
    """The id of what `owner` makes with `key`: the same for the same two, so that writing it once is idempotent.

    A new id where there is no key.
    """
    if key is None:
        return str(uuid.uuid4())
    return str(uuid.uuid5(_NAMESPACE, f"{len(owner)}:{owner}:{key}"))


def is_id(text: str) -> bool:
    """Whether `id_from_key` could have made this text; anything else needs no read of the table."""
    return bool(_ID.fullmatch(text))


def fingerprint(*request: str | int | bool | None) -> str:
    """What makes two requests the same: what they ask for, whatever the result was."""
    return hashlib.sha256(json.dumps(request).encode()).hexdigest()


def of_mapping(metadata: Mapping[str, str]) -> list[str]:
    """What a fingerprint has of a mapping, in whatever order its keys come."""
    return [text for name in sorted(metadata) for text in (name, metadata[name])]


def check_same_request(stored: str, given: str) -> None:
    """Raise IdempotencyConflict where a key comes with another request than the one that it was used for."""
    if stored != given:
        raise IdempotencyConflict("This Idempotency-Key was used for another request; use a new key for a new one")
