"""Call the deployed HTTP API with an httpx client: each request becomes the event that API Gateway would send."""

import re
from collections.abc import Iterator
from datetime import UTC, datetime
from urllib.parse import unquote, urlsplit

import httpx

from local.aws import http_events
from local.aws.gateway import is_text
from local.aws.http_events import IncomingRequest
from local.aws.intrinsics import ACCOUNT_ID
from local.aws.routing import find_route
from local.aws.template import Function, Route
from tools.deploy_local.stack import Stack

FUNCTION = re.compile(r"/functions/\$\{(?P<logical_id>[A-Za-z0-9]+)")


class DeployedApi(httpx.BaseTransport):
    """Sends each request through Lambda's API to the function that the deployed API definition names for its route."""

    def __init__(self, stack: Stack) -> None:
        self._stack = stack
        self.routes = tuple(_routes(stack))
        self._ids: dict[str, str] = {}

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        incoming = _incoming(request)
        match = find_route(self.routes, incoming.method, incoming.path)
        if match is None:
            return httpx.Response(404, json={"message": "Not Found"})
        event = http_events.event(
            incoming,
            datetime.now(UTC),
            route_key=match.route.key,
            raw_path=unquote(incoming.path),
            context=self._context(),
            as_text=is_text(incoming.header("content-type")),
            path_parameters=match.parameters,
        )
        result = self._stack.invoke(self._physical_id(match.route.function.logical_id), event)
        response = http_events.to_response(result, default_content_type="text/plain;charset=UTF-8")
        return httpx.Response(response.status, headers=list(response.headers), content=response.body)

    def _physical_id(self, logical_id: str) -> str:
        if logical_id not in self._ids:
            self._ids[logical_id] = self._stack.physical_id(logical_id)
        return self._ids[logical_id]

    def _context(self) -> dict[str, str]:
        host = urlsplit(self._stack.outputs["ApiUrl"]).netloc
        api_id = host.partition(".")[0]
        return {"accountId": ACCOUNT_ID, "apiId": api_id, "domainName": host, "domainPrefix": api_id}


def _routes(stack: Stack) -> Iterator[Route]:
    """The routes in the OpenAPI document that SAM has made from the functions' events."""
    for path, methods in stack.template["Resources"]["Api"]["Properties"]["Body"]["paths"].items():
        for method, operation in methods.items():
            found = FUNCTION.search(operation["x-amazon-apigateway-integration"]["uri"]["Fn::Sub"])
            if found:
                yield Route(method.upper(), path, _function(found["logical_id"]))


def _function(logical_id: str) -> Function:
    """Only the name matters here; the emulator knows the rest."""
    return Function(logical_id, code="", handler="", timeout=0, memory=0, environment={}, has_url=False)


def _incoming(request: httpx.Request) -> IncomingRequest:
    return IncomingRequest(
        method=request.method,
        path=request.url.raw_path.decode("ascii").partition("?")[0],
        query=request.url.query.decode("ascii"),
        headers=tuple((name.lower(), value) for name, value in request.headers.items()),
        body=request.read(),
        source_ip="127.0.0.1",
        protocol="HTTP/1.1",
    )
