"""The stack's time: this machine's, plus an offset that POST /_local/clock increases."""

import json
from collections.abc import Callable
from datetime import UTC, datetime, timedelta

from starlette.requests import Request
from starlette.responses import JSONResponse, Response

TEN_YEARS = 3650 * 86400  # seconds; more in one step is a typing error


class Clock:
    """It only moves forward: timestamps that were stored already never lie in the future."""

    def __init__(self) -> None:
        self._offset = timedelta(0)
        self._listeners: list[Callable[[], None]] = []

    def now(self) -> datetime:
        return datetime.now(UTC) + self._offset

    def advance(self, seconds: int) -> None:
        self._offset += timedelta(seconds=seconds)
        for listener in self._listeners:
            listener()

    def on_move(self, listener: Callable[[], None]) -> Callable[[], None]:
        """Call `listener` after each step. Returns a function that removes it."""
        self._listeners.append(listener)
        return lambda: self._listeners.remove(listener)


class ClockEndpoint:
    """GET shows the time; POST `{"advance_seconds": 86400}` moves it."""

    def __init__(self, clock: Clock) -> None:
        self._clock = clock

    async def show(self, _request: Request) -> Response:
        now = self._clock.now()
        return JSONResponse({"now": now.strftime("%Y-%m-%dT%H:%M:%SZ")})

    async def move(self, request: Request) -> Response:
        seconds = _advance_seconds(await request.body())
        if seconds is None:
            problem = {"field": "advance_seconds", "message": f"must be a whole number from 1 to {TEN_YEARS}"}
            return JSONResponse({"title": "Unprocessable Content", "status": 422, "errors": [problem]}, 422)
        self._clock.advance(seconds)
        return await self.show(request)


def _advance_seconds(body: bytes) -> int | None:
    try:
        document = json.loads(body)
    except ValueError:
        return None
    if not isinstance(document, dict) or document.keys() != {"advance_seconds"}:
        return None
    seconds = document["advance_seconds"]
    return seconds if type(seconds) is int and 0 < seconds <= TEN_YEARS else None
