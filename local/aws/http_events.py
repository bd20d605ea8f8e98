"""Payload format 2.0 of API Gateway and function URLs: from a request to an event, from a result to a response.

AWS documents the shapes. Where it leaves a rule open (which bodies are base64, how paths are decoded), this module does
what was measured on AWS.
"""

import base64
import json
import secrets
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any
from urllib.parse import parse_qsl

from starlette.requests import ClientDisconnect, Request
from starlette.responses import Response

MAX_REQUEST_BYTES = 10 * 1024 * 1024  # API Gateway quota: payload size
MAX_HEADER_BYTES = 10_240  # API Gateway quota: total combined size of request line and header values


class HeadersTooLargeError(Exception):
    """The request line and the headers are over API Gateway's 10,240 bytes."""


class RequestTooLargeError(Exception):
    """The body is over API Gateway's 10 MB."""


class MalformedResultError(Exception):
    """AWS cannot make an HTTP response of the function's result."""


@dataclass(frozen=True)
class IncomingRequest:
    method: str
    path: str  # percent-encoded
    query: str
    headers: tuple[tuple[str, str], ...]
    body: bytes
    source_ip: str
    protocol: str

    def header(self, name: str) -> str | None:
        """The first value, or None."""
        return next((value for key, value in self.headers if key == name), None)


@dataclass(frozen=True)
class HttpResponse:
    status: int
    headers: tuple[tuple[str, str], ...]
    body: bytes

    def with_header(self, name: str, value: str) -> "HttpResponse":
        """This response with one more header."""
        return HttpResponse(self.status, (*self.headers, (name, value)), self.body)

    def to_starlette(self) -> Response:
        """Headers are appended, because there may be several cookies."""
        response = Response(self.body, self.status)
        for name, value in self.headers:
            if name not in ("content-length", "connection"):
                response.headers.append(name, value)
        return response


def check_headers(request: Request) -> None:
    """Raises HeadersTooLargeError."""
    line = f"{request.method}  HTTP/1.1"
    target = len(request.scope.get("raw_path", b"")) + len(request.scope["query_string"])
    if len(line) + target + sum(len(value) for _, value in request.scope["headers"]) > MAX_HEADER_BYTES:
        raise HeadersTooLargeError


async def read_request(request: Request) -> IncomingRequest:
    """Raises RequestTooLargeError as soon as the body passes the limit, whatever its Content-Length says."""
    chunks, size = [], 0
    try:
        async for chunk in request.stream():
            size += len(chunk)
            if size > MAX_REQUEST_BYTES:
                raise RequestTooLargeError
            chunks.append(chunk)
    except ClientDisconnect:
        chunks.clear()  # no one will read the response
    scope = request.scope
    return IncomingRequest(
        method=request.method,
        path=scope.get("raw_path", scope["path"].encode()).decode("ascii", "replace") or "/",
        query=scope["query_string"].decode("ascii", "replace"),
        headers=tuple((name.decode("latin-1").lower(), value.decode("latin-1")) for name, value in scope["headers"]),
        body=b"".join(chunks),
        source_ip=request.client.host if request.client else "127.0.0.1",
        protocol=f"HTTP/{scope['http_version']}",
    )


def event(
    request: IncomingRequest,
    now: datetime,
    *,
    route_key: str,
    raw_path: str,
    context: Mapping[str, str],
    as_text: bool,
    path_parameters: Mapping[str, str] | None = None,
    request_id: str | None = None,
) -> dict[str, Any]:
    """Keys without a value are absent, as on AWS. `as_text`: the body is a string, not base64."""
    made: dict[str, Any] = {
        "version": "2.0",
        "routeKey": route_key,
        "rawPath": raw_path,
        "rawQueryString": request.query,
        "headers": _headers(request),
        "requestContext": _request_context(request, now, route_key, raw_path, context)
        | {"requestId": request_id or new_request_id()},
        "isBase64Encoded": bool(request.body) and not as_text,
    }
    optional = {
        "cookies": [cookie for value in _all(request, "cookie") for cookie in value.split("; ")],
        "queryStringParameters": _combined(parse_qsl(request.query, keep_blank_values=True)),
        "pathParameters": dict(path_parameters or {}),
        "body": request.body.decode("utf-8", "replace") if as_text else base64.b64encode(request.body).decode(),
    }
    return made | {key: value for key, value in optional.items() if value}


def new_request_id() -> str:
    """An id as API Gateway gives one to each request."""
    return secrets.token_urlsafe(11) + "="


def _request_context(
    request: IncomingRequest, now: datetime, route_key: str, raw_path: str, context: Mapping[str, str]
) -> dict[str, Any]:
    return {
        **context,
        "http": {
            "method": request.method,
            "path": raw_path,
            "protocol": request.protocol,
            "sourceIp": request.source_ip,
            "userAgent": request.header("user-agent") or "",
        },
        "routeKey": route_key,
        "stage": "$default",
        "time": now.strftime("%d/%b/%Y:%H:%M:%S +0000"),
        "timeEpoch": int(now.timestamp() * 1000),  # milliseconds
    }


def _headers(request: IncomingRequest) -> dict[str, str]:
    """Without cookies, which have their own key in the event; with the x-… headers that AWS adds."""
    _, _, port = (request.header("host") or "").partition(":")
    added = [
        ("x-amzn-trace-id", f"Root=1-{secrets.token_hex(4)}-{secrets.token_hex(12)}"),
        ("x-forwarded-for", request.source_ip),
        ("x-forwarded-port", port or "80"),
        ("x-forwarded-proto", "http"),
    ]
    return _combined([pair for pair in (*request.headers, *added) if pair[0] != "cookie"])


def _combined(pairs: list[tuple[str, str]]) -> dict[str, str]:
    combined: dict[str, str] = {}
    for name, value in pairs:
        combined[name] = f"{combined[name]},{value}" if name in combined else value
    return combined


def _all(request: IncomingRequest, name: str) -> list[str]:
    return [value for key, value in request.headers if key == name]


def to_response(result: Any, default_content_type: str) -> HttpResponse:
    """A result without statusCode is the body of a 200: JSON, unless it is a string. Raises MalformedResultError."""
    if not (isinstance(result, dict) and "statusCode" in result):
        body = result if isinstance(result, str) else json.dumps(result)
        return HttpResponse(200, (("content-type", "application/json"),), body.encode())
    given = result.get("headers") or {}
    if not isinstance(given, dict):
        raise MalformedResultError(f"headers must be a mapping, not {type(given).__name__}")
    headers = [(str(name).lower(), _text(value)) for name, value in given.items()]
    if not any(name == "content-type" for name, _ in headers):
        headers.append(("content-type", default_content_type))
    headers += [("set-cookie", cookie) for cookie in result.get("cookies") or ()]
    return HttpResponse(_status(result["statusCode"]), tuple(headers), _body(result))


def _text(value: Any) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, str | int | float):
        return str(value)
    raise MalformedResultError("a header's value must be text or a number")


def _status(value: Any) -> int:
    if str(value).isdecimal() and 100 <= int(value) <= 599:
        return int(value)
    raise MalformedResultError(f"statusCode must be a number from 100 to 599, not {value!r}")


def _body(result: Mapping[str, Any]) -> bytes:
    body = result.get("body")
    if body is None:
        return b""
    if not isinstance(body, str):
        raise MalformedResultError(f"body must be a string, not {type(body).__name__}")
    try:
        return base64.b64decode(body, validate=True) if result.get("isBase64Encoded") else body.encode()
    except ValueError as error:
        raise MalformedResultError("isBase64Encoded is true, but body is not base64") from error
