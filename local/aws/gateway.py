"""API Gateway's HTTP API as the template declares it: routes, CORS, payload format 2.0, its limits and its errors."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import unquote

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route as StarletteRoute
from starlette.types import Receive, Scope, Send

from local.aws import http_events
from local.aws.cors import is_preflight, preflight, with_cors
from local.aws.functions import FunctionError, PayloadTooLargeError
from local.aws.http_events import HttpResponse, IncomingRequest
from local.aws.intrinsics import ACCOUNT_ID, REGION
from local.aws.project import Runtime
from local.aws.routing import Match, find_route
from local.aws.template import TemplateError
from local.clock import Clock, ClockEndpoint

INTEGRATION_TIMEOUT = 30  # seconds; API Gateway quota: maximum integration timeout of an HTTP API
# Everything else reaches the function as base64, form posts and bodies without a type included.
TEXT_TYPES = ("application/json", "application/javascript", "application/xml")
CONTEXT = {
    "accountId": ACCOUNT_ID,
    "apiId": "local",
    "domainName": f"local.execute-api.{REGION}.amazonaws.com",
    "domainPrefix": "local",
}


class Gateway:
    """The ASGI application behind every path but /_local/…"""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        answer = await self._answer(Request(scope, receive))
        await answer.to_starlette()(scope, receive, send)

    async def _answer(self, request: Request) -> HttpResponse:
        try:
            template = self._runtime.project.template()
        except TemplateError:  # the console has the reason
            return SERVER_ERROR
        try:
            incoming = await http_events.read_request(request)
        except http_events.RequestTooLargeError:
            return with_cors(TOO_LARGE, template.cors, request.headers.get("origin"))
        if is_preflight(incoming):
            return preflight(incoming, template.cors)
        match = find_route(template.routes, incoming.method, incoming.path)
        answer = await self._invoke(incoming, match) if match else NOT_FOUND
        return with_cors(answer, template.cors, incoming.header("origin"))

    async def _invoke(self, request: IncomingRequest, match: Match) -> HttpResponse:
        event = http_events.event(
            request,
            self._runtime.clock.now(),
            route_key=match.route.key,
            raw_path=unquote(request.path),  # decoded, unlike a function URL's
            context=CONTEXT,
            as_text=is_text(request.header("content-type")),
            path_parameters=match.parameters,
        )
        try:
            with anyio.fail_after(INTEGRATION_TIMEOUT):
                result = await self._runtime.functions.invoke(match.route.function, event)
            return http_events.to_response(result, default_content_type="text/plain;charset=UTF-8")
        except TimeoutError:
            return UNAVAILABLE
        except PayloadTooLargeError:
            return TOO_LARGE
        except http_events.MalformedResultError as error:
            self._runtime.console.line(f"  {match.route.function.name}: {error}")
            return SERVER_ERROR
        except FunctionError:
            return SERVER_ERROR


def create_app(gateway: Gateway, clock: Clock, controls: Iterable[StarletteRoute] = ()) -> Starlette:
    """The API's port: the gateway, and the stack's own clock and controls beside it."""
    endpoint = ClockEndpoint(clock)
    app = Starlette(
        routes=[
            StarletteRoute("/_local/clock", endpoint.show, methods=["GET"]),
            StarletteRoute("/_local/clock", endpoint.move, methods=["POST"]),
            *controls,
        ]
    )
    app.router.default = gateway  # and no pattern, which would not match a path with an escaped line break
    return app


def is_text(content_type: str | None) -> bool:
    """Whether API Gateway hands a body of this type to the function as a string."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in TEXT_TYPES


def _error(status: HTTPStatus, message: str) -> HttpResponse:
    body = json.dumps({"message": message}, separators=(",", ":")).encode()
    return HttpResponse(status, (("content-type", "application/json"),), body)


# API Gateway's own answers, in its own words.
NOT_FOUND = _error(HTTPStatus.NOT_FOUND, "Not Found")
TOO_LARGE = _error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
SERVER_ERROR = _error(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error")
UNAVAILABLE = _error(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable")
