"""The API in process: the template's routes, HTTP API events as AWS makes them, the real handlers."""

import importlib.util
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import jwt

from local import ROOT
from local.aws import http_events
from local.aws.http_events import IncomingRequest
from local.aws.routing import find_route
from local.aws.template import Template, read
from local.in_process.dynamodb import Emulator
from local.in_process.environment import API_KEY, JWT_SECRET

CONTEXT = {"accountId": "1", "apiId": "test", "domainName": "test", "domainPrefix": "test"}


@cache
def template() -> Template:
    return read(
        ROOT / "template.yaml",
        {"FrontendUrls": "https://shop.example", "SecretsPrefix": "/topup/test", "AWS::StackName": "topup-test"},
        {"StripeWebhookFunctionUrl.FunctionUrl": "https://url.example/"},
    )


@cache
def load_handler(name: str) -> Callable[[dict[str, Any], Any], dict[str, Any]]:
    """The handler of functions/<name>/app.py. All modules are called app, so each is loaded by its path."""
    spec = importlib.util.spec_from_file_location(f"function_{name}", ROOT / "functions" / name / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    handler: Callable[[dict[str, Any], Any], dict[str, Any]] = module.handler
    return handler


@dataclass(frozen=True)
class ApiResponse:
    status: int
    headers: Mapping[str, str]
    body: str

    def json(self) -> Any:
        return json.loads(self.body)


@dataclass
class Context:
    """What a function reads of its Lambda context: it has all of the template's time, until a test says otherwise."""

    function_name: str = "test"
    seconds_left: Callable[[], float] | None = None

    def get_remaining_time_in_millis(self) -> int:
        return int((self.seconds_left() if self.seconds_left else timeout_of(self.function_name)) * 1000)


@cache
def timeout_of(function: str) -> float:
    """The function's timeout in seconds, from the template."""
    return next((body.timeout for body in template().functions if body.name == function), 29.0)


@dataclass
class Api:
    """Calls the API at the time `now`, which a test may change; `context` makes what a function gets besides."""

    now: datetime
    dynamodb: Emulator
    context: Callable[[str], Context] = Context

    def get(self, path: str, headers: Mapping[str, str] | None = None) -> ApiResponse:
        return self.request("GET", path, headers)

    def post(
        self, path: str, body: Any = None, headers: Mapping[str, str] | None = None, *, raw: bytes | None = None
    ) -> ApiResponse:
        content = json.dumps(body).encode() if raw is None else raw
        return self.request("POST", path, {"content-type": "application/json", **(headers or {})}, content)

    def request(
        self, method: str, target: str, headers: Mapping[str, str] | None = None, content: bytes = b""
    ) -> ApiResponse:
        path, _, query = target.partition("?")
        match = find_route(template().routes, method, path)
        assert match, f"no route {method} {path}"
        request = IncomingRequest(
            method=method,
            path=path,
            query=query,
            headers=tuple((name.lower(), value) for name, value in (headers or {}).items()),
            body=content,
            source_ip="127.0.0.1",
            protocol="HTTP/1.1",
        )
        event = http_events.event(
            request,
            self.now,
            route_key=match.route.key,
            raw_path=path,
            context=CONTEXT,
            as_text=_is_utf8(content) and path != "/api/payments/webhook/stripe",
            path_parameters=match.parameters,
        )
        return self.invoke(match.route.function.name, event)

    def invoke(self, function: str, event: dict[str, Any]) -> ApiResponse:
        with self.dynamodb.acting_as(function):
            result = load_handler(function)(event, self.context(function))
        return ApiResponse(result["statusCode"], result["headers"], result["body"])


def token(user_id: str = "user-1", **claims: Any) -> str:
    """A valid token; a claim of None is left out."""
    payload = {"sub": user_id, "exp": 4_000_000_000, **claims}
    return jwt.encode({name: value for name, value in payload.items() if value is not None}, JWT_SECRET, "HS256")


def as_user(user_id: str = "user-1", **claims: Any) -> dict[str, str]:
    return {"authorization": f"Bearer {token(user_id, **claims)}"}


def as_admin() -> dict[str, str]:
    return as_user("admin-1", role="admin")


def as_support() -> dict[str, str]:
    return as_user("support-1", role="support")


def as_buyer(user_id: str = "user-1", **claims: Any) -> dict[str, str]:
    return as_user(user_id, **claims) | {"x-api-key": API_KEY}


def _is_utf8(content: bytes) -> bool:
    try:
        content.decode()
    except UnicodeDecodeError:
        return False
    return True
