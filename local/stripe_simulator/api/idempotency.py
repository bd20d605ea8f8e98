"""Idempotency keys: for a day, the same key gets the same response."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from local.stripe_simulator.core.errors import InvalidParameter
from local.stripe_simulator.objects.base import Json

RETENTION = timedelta(hours=24)
MAX_KEY_LENGTH = 255


@dataclass(frozen=True)
class Response:
    status: int
    body: Json
    request_id: str
    storable: bool = True


@dataclass(frozen=True)
class Stored:
    at: datetime
    path: str
    params: Json
    response: Response


class IdempotencyKeys:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._stored: dict[str, Stored] = {}

    def clear(self) -> None:
        self._stored.clear()

    def find(self, key: str, path: str, params: Json) -> Response | None:
        """The stored response; raises InvalidParameter if the key belongs to another request."""
        self._prune()
        if len(key) > MAX_KEY_LENGTH:
            raise InvalidParameter(f"Idempotency keys are at most {MAX_KEY_LENGTH} characters long.")
        stored = self._stored.get(key)
        if stored is None:
            return None
        if stored.path != path:
            raise conflict(
                f"Keys for idempotent requests can only be used for the same endpoint they were first used for "
                f"('{path}' vs '{stored.path}'). Try using a key other than '{key}' if you meant to execute a "
                f"different request."
            )
        if stored.params != params:
            raise conflict(
                f"Keys for idempotent requests can only be used with the same parameters they were first used with. "
                f"Try using a key other than '{key}' if you meant to execute a different request."
            )
        return stored.response

    def store(self, key: str, path: str, params: Json, response: Response) -> None:
        self._stored[key] = Stored(self._now(), path, params, response)

    def _prune(self) -> None:
        oldest_kept = self._now() - RETENTION
        while self._stored and (oldest := next(iter(self._stored.items())))[1].at <= oldest_kept:
            del self._stored[oldest[0]]


def conflict(message: str) -> InvalidParameter:
    return InvalidParameter(message, error_type="idempotency_error")
