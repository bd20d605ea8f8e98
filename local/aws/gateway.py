"""API Gateway's HTTP API, as the template declares it: routes, CORS, payload format 2.0, limits and errors."""

import json
from collections.abc import Iterable
from http import HTTPStatus
from urllib.parse import unquote

import anyio
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.routing import Route as StarletteRoute
from starlette.types import ASGIApp, Receive, Scope, Send

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
# A body of any other type, or without one, reaches the function as base64; so do form posts.
TEXT_TYPES = ("application/json", "application/javascript", "application/xml")
CONTEXT = {
    "accountId": ACCOUNT_ID,
    "apiId": "local",
    "domainName": f"local.execute-api.{REGION}.amazonaws.com",
    "domainPrefix": "local",
}


class Gateway:
    """The ASGI application for every path except /_local/…"""

    def __init__(self, runtime: Runtime) -> None:
        self._runtime = runtime

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        request_id = http_events.new_request_id()
        response = await self._respond(Request(scope, receive), request_id)
        await response.with_header("apigw-requestid", request_id).to_starlette()(scope, receive, send)

    async def _respond(self, request: Request, request_id: str) -> HttpResponse:
        try:
            template = self._runtime.project.template()
        except TemplateError:  # the console shows the reason
            return SERVER_ERROR
        try:
            http_events.check_headers(request)
            incoming = await http_events.read_request(request)
        except http_events.HeadersTooLargeError:
            return with_cors(HEADERS_TOO_LARGE, template.cors, request.headers.get("origin"))
        except http_events.RequestTooLargeError:
            return with_cors(TOO_LARGE, template.cors, request.headers.get("origin"))
        if is_preflight(incoming):
            return preflight(incoming, template.cors)
        match = find_route(template.routes, incoming.method, incoming.path)
        response = await self._invoke(incoming, match, request_id) if match else NOT_FOUND
        return with_cors(response, template.cors, incoming.header("origin"))

    async def _invoke(self, request: IncomingRequest, match: Match, request_id: str) -> HttpResponse:
        event = http_events.event(
            request,
            self._runtime.clock.now(),
            route_key=match.route.key,
            raw_path=unquote(request.path),  # decoded, unlike a function URL's
            context=CONTEXT,
            as_text=is_text(request.header("content-type")),
            path_parameters=match.parameters,
            request_id=request_id,
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


def create_app(gateway: ASGIApp, clock: Clock, controls: Iterable[StarletteRoute] = ()) -> Starlette:
    """The application at the API's port: the gateway, and under /_local the clock and the controls."""
    endpoint = ClockEndpoint(clock)
    app = Starlette(
        routes=[
            StarletteRoute("/_local/clock", endpoint.show, methods=["GET"]),
            StarletteRoute("/_local/clock", endpoint.move, methods=["POST"]),
            *controls,
        ]
    )
    app.router.default = gateway  # not a route: its pattern would not match a path with an escaped line break
    return app


def is_text(content_type: str | None) -> bool:
    """True if the function gets a body of this type as text."""
    kind = (content_type or "").partition(";")[0].strip().lower()
    return kind.startswith("text/") or kind in TEXT_TYPES


def _error(status: HTTPStatus, message: str) -> HttpResponse:
    body = json.dumps({"message": message}, separators=(",", ":")).encode()
    return HttpResponse(status, (("content-type", "application/json"),), body)


# API Gateway's own responses, with its wording.
NOT_FOUND = _error(HTTPStatus.NOT_FOUND, "Not Found")
HEADERS_TOO_LARGE = _error(HTTPStatus.REQUEST_HEADER_FIELDS_TOO_LARGE, "Request Header Fields Too Large")
TOO_LARGE = _error(HTTPStatus.REQUEST_ENTITY_TOO_LARGE, "Request Entity Too Large")
SERVER_ERROR = _error(HTTPStatus.INTERNAL_SERVER_ERROR, "Internal Server Error")
UNAVAILABLE = _error(HTTPStatus.SERVICE_UNAVAILABLE, "Service Unavailable")
