"""Authenticate trusted services by their key. Apart from `auth`, so that they need not load cryptography."""

import hmac
from collections.abc import Iterable

from topup.api.endpoint import Request
from topup.domain.errors import Credential, Unauthorized
from topup.runtime import config

ACTOR = "service:default"  # who the ledger says has called with a key


def require(request: Request) -> None:
    """Let a trusted service through; raises Unauthorized. Takes the same time for every wrong key.

    A key that is not known may have been stored a moment ago, so that the stored keys are read again.
    """
    given = request.headers.get("x-api-key", "").encode("utf-8", "surrogatepass")
    if not _is_one_of(config.api_keys(), given) and not _is_one_of(config.api_keys(look_again=True), given):
        raise Unauthorized("X-API-Key is missing or wrong", Credential.NO_KEY)


def _is_one_of(keys: Iterable[str], given: bytes) -> bool:
    is_right = [hmac.compare_digest(given, key.encode()) for key in keys]
    return any(is_right)
