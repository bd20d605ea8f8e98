"""Idempotency keys: the same key answers the same, for a day."""

from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta

from local.stripe_simulator.core.errors import InvalidParameter
from local.stripe_simulator.objects.base import Json

KEPT = timedelta(hours=24)
LONGEST_KEY = 255


@dataclass(frozen=True)
class Answer:
    status: int
    body: Json
    request_id: str
    storable: bool = True


@dataclass(frozen=True)
class Stored:
    at: datetime
    path: str
    params: Json
    answer: Answer


class IdempotencyKeys:
    def __init__(self, now: Callable[[], datetime]) -> None:
        self._now = now
        self._stored: dict[str, Stored] = {}

    def forget(self) -> None:
        self._stored.clear()

    def recall(self, key: str, path: str, params: Json) -> Answer | None:
        """The stored answer; raises InvalidParameter if the key belongs to another request."""
        self._prune()
        if len(key) > LONGEST_KEY:
            raise InvalidParameter(f"Idempotency keys are at most {LONGEST_KEY} characters long.")
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
        return stored.answer

    def store(self, key: str, path: str, params: Json, answer: Answer) -> None:
        self._stored[key] = Stored(self._now(), path, params, answer)

    def _prune(self) -> None:
        kept_since = self._now() - KEPT
        while self._stored and (oldest := next(iter(self._stored.items())))[1].at <= kept_since:
            del self._stored[oldest[0]]


def conflict(message: str) -> InvalidParameter:
    return InvalidParameter(message, error_type="idempotency_error")
