"""Authenticate trusted services by their key. Apart from `auth`, so that they need not load PyJWT."""

import hmac
from collections.abc import Iterable
from dataclasses import dataclass

from topup.api.endpoint import Request
from topup.domain.errors import Credential, Forbidden, Unauthorized
from topup.runtime import config
from topup.runtime.secret_values import ApiKey, Scope
from topup.runtime.telemetry import logger

HEADER = "x-api-key"


@dataclass(frozen=True)
class Service:
    """An authenticated service."""

    name: str

    @property
    def actor(self) -> str:
        """Who the ledger says has called."""
        return f"service:{self.name}"


def require(request: Request, scope: Scope) -> Service:
    """The service whose key this is, if it may do this; raises Unauthorized, Forbidden.

    Takes the same time for every wrong key. A key that is not known may have been stored a moment ago, so that the
    stored keys are read again.
    """
    given = request.headers.get(HEADER, "").encode("utf-8", "surrogatepass")
    key = _find(config.api_keys(), given) or _find(config.api_keys(look_again=True), given)
    if key is None:
        raise Unauthorized("X-API-Key is missing or wrong", Credential.NO_KEY)
    service = Service(key.name)
    logger.thread_safe_append_keys(caller=service.actor)
    if scope not in key.scopes:
        raise Forbidden(f"The key {key.name!r} lacks the scope {scope.value!r}")
    return service


def _find(keys: Iterable[ApiKey], given: bytes) -> ApiKey | None:
    right = [key for key in keys if hmac.compare_digest(given, key.key.encode())]
    return right[0] if right else None
