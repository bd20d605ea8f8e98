"""Requests to the API that fail on demand, as `PUT /_local/faults` asks: how a client meets a bad moment.

The simulator's faults are between the functions and Stripe; these are between a client and the functions.
"""

import json
from dataclasses import asdict
from http import HTTPStatus
from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError
from starlette.requests import Request
from starlette.responses import JSONResponse, Response
from starlette.routing import Route
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.aws import http_events
from local.stripe_simulator.api.faults import Fault, Faults
from local.stripe_simulator.app import HANG_SECONDS, HungResponse
from topup.api import problems
from topup.domain.errors import Busy

PATH = "/_local/faults"


class NextFault(BaseModel):
    """do: `timeout_before` has no effect, `timeout_after` takes effect, and neither is answered; a status has none.

    503 is the API's own answer when it is busy; 429 and 500 are API Gateway's, when it throttles or a function fails.
    """

    model_config = ConfigDict(extra="forbid")

    path: Annotated[str, Field(pattern="^[/*]")]
    do: Literal["timeout_before", "timeout_after", "503", "429", "500"]
    method: Literal["GET", "POST"] | None = None


class NextFaults(BaseModel):
    model_config = ConfigDict(extra="forbid")

    next: Annotated[list[NextFault], Field(max_length=1000)]


class FaultyApi:
    """Middleware (ASGI): the API, but the next requests that match a fault fail."""

    def __init__(self, api: ASGIApp, hang_seconds: float = HANG_SECONDS) -> None:
        self._api = api
        self._hang_seconds = hang_seconds
        self._faults = Faults()

    def routes(self) -> list[Route]:
        return [Route(PATH, self.show, methods=["GET"]), Route(PATH, self.set, methods=["PUT"])]

    async def show(self, _request: Request) -> Response:
        """The faults that have not struck yet."""
        return JSONResponse({"next": [asdict(fault) for fault in self._faults.pending]})

    async def set(self, request: Request) -> Response:
        """`{"next": [{"path": "/api/users/credits/*", "do": "503"}]}` replaces the faults that have not struck yet."""
        try:
            body = NextFaults.model_validate_json(await request.body())
        except ValidationError as error:
            wrong = [{"field": ".".join(map(str, one["loc"])), "message": one["msg"]} for one in error.errors()]
            return JSONResponse({"title": "Unprocessable Content", "status": 422, "errors": wrong}, 422)
        self._faults.pending = [Fault(**fault.model_dump()) for fault in body.next]
        return await self.show(request)

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        action = self._faults.take(scope["method"], scope["path"])
        if action is None:
            await self._api(scope, receive, send)
        elif action in ("timeout_before", "timeout_after"):
            if action == "timeout_after":
                await self._api(scope, receive, _unanswered)
            await HungResponse(self._hang_seconds)(scope, receive, send)
        else:
            await _failure(action)(scope, receive, send)


async def _unanswered(_message: Message) -> None:
    """The response is lost."""


def _failure(action: str) -> Response:
    if action == "503":
        busy = Busy("The service is busy; please retry")
        document = json.dumps(problems.document(busy, http_events.new_request_id()))
        return Response(document, problems.status_of(busy), problems.headers(busy), problems.MEDIA_TYPE)
    status = HTTPStatus(int(action))
    return JSONResponse({"message": status.phrase}, status)  # API Gateway's wording
