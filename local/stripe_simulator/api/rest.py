"""One REST call from request to response: key, route, fault, idempotency, handler."""

import base64
import binascii
import hmac
import json
from collections.abc import Mapping
from dataclasses import dataclass
from urllib.parse import unquote, urlsplit

from local.stripe_simulator.api import forms
from local.stripe_simulator.api.calls import Call, Route
from local.stripe_simulator.api.expand import expanded
from local.stripe_simulator.api.faults import Faults, refuse_before_running, server_error
from local.stripe_simulator.api.idempotency import IdempotencyKeys, Response
from local.stripe_simulator.api.routes import ROUTES
from local.stripe_simulator.core.errors import InvalidParameter, NoResponse, Refused, StripeError
from local.stripe_simulator.core.world import NO_REQUEST, World
from local.stripe_simulator.objects.base import API_VERSION, Json

HttpResponse = tuple[int, dict[str, str], bytes]


@dataclass(frozen=True)
class Request:
    id: str
    method: str
    path: str
    query: str
    headers: Mapping[str, str]  # names in lower case
    body: bytes

    @property
    def idempotency_key(self) -> str | None:
        return self.headers.get("idempotency-key") if self.method == "POST" else None

    @property
    def version(self) -> str | None:
        return self.headers.get("stripe-version")

    def raw_params(self) -> Json:
        try:
            body = self.body.decode() if self.method == "POST" else ""
        except UnicodeDecodeError:
            raise InvalidParameter("Invalid request body: not UTF-8.") from None
        return forms.decode("&".join(part for part in (self.query, body) if part))


class RestApi:
    def __init__(self, world: World, secret_key: str) -> None:
        self.world = world
        self.faults = Faults()
        self.keys = IdempotencyKeys(world.now)
        self._secret_key = secret_key

    def respond(self, method: str, url: str, headers: Mapping[str, str], body: bytes) -> HttpResponse:
        """raises NoResponse when a timeout fault matches the call."""
        parts = urlsplit(url)
        lower = {name.lower(): value for name, value in headers.items()}
        request = Request(self.world.ids.request(), method.upper(), unquote(parts.path), parts.query, lower, body)
        try:
            response = self._respond(request)
        except StripeError as error:
            response = Response(error.status, error.body(), request.id)
        return http_response(request, response)

    def _respond(self, request: Request) -> Response:
        authenticate(request, self._secret_key)
        route, object_id = route_of(request)
        action = self.faults.take(request.method, request.path)
        if action == "timeout_before":
            raise NoResponse
        refuse_before_running(action)
        response = self._idempotently(request, route, object_id, fails=action == "500")
        if action == "timeout_after":
            raise NoResponse
        return response

    def _idempotently(self, request: Request, route: Route, object_id: str, *, fails: bool) -> Response:
        raw = request.raw_params()
        key = request.idempotency_key
        if key and (stored := self.keys.find(key, request.path, raw)):
            return stored
        response = self._run(request, route, object_id, raw, fails=fails)
        if key and response.storable:
            self.keys.store(key, request.path, raw, response)
        return response

    def _run(self, request: Request, route: Route, object_id: str, raw: Json, *, fails: bool) -> Response:
        self.world.request = {"id": request.id, "idempotency_key": request.idempotency_key}
        try:
            params = route.parameters.read(raw)
            if fails:
                raise server_error()
            call = Call(self.world, params, request.path, object_id, request.version)
            body = expanded(self.world, route.handle(call), params.get("expand", []))
            return Response(200, body, request.id)
        except StripeError as error:
            return Response(error.status, error.body(), request.id, storable=error.storable)
        except Refused as refused:  # a step that the controls refuse too
            return Response(400, StripeError(str(refused), code=refused.code).body(), request.id)
        finally:
            self.world.request = NO_REQUEST


def authenticate(request: Request, secret_key: str) -> None:
    scheme, _, given = request.headers.get("authorization", "").partition(" ")
    key = basic_user(given) if scheme.lower() == "basic" else given.strip()
    if not key:
        message = (
            "You did not provide an API key. You need to provide your API key in the Authorization header, "
            "using Bearer auth (e.g. 'Authorization: Bearer YOUR_SECRET_KEY')."
        )
        raise InvalidParameter(message, status=401)
    if not hmac.compare_digest(key.encode(), secret_key.encode()):
        raise InvalidParameter(f"Invalid API Key provided: {masked(key)}", status=401)


def basic_user(encoded: str) -> str:
    try:
        return base64.b64decode(encoded, validate=True).decode().partition(":")[0]
    except (binascii.Error, UnicodeDecodeError):
        return ""


def masked(key: str) -> str:
    return f"{key[:8]}{'*' * 12}{key[-4:]}" if len(key) > 16 else "*" * len(key)


def route_of(request: Request) -> tuple[Route, str]:
    for route in ROUTES:
        object_id = route.match(request.method, request.path)
        if object_id is not None:
            return route, object_id
    message = f"Unrecognized request URL ({request.method}: {request.path}). The simulator does not support it."
    raise InvalidParameter(message, status=404)


def http_response(request: Request, response: Response) -> HttpResponse:
    headers = {
        "Content-Type": "application/json",
        "Request-Id": request.id,
        "Stripe-Version": request.version or API_VERSION,
    }
    if request.idempotency_key:
        headers |= {"Idempotency-Key": request.idempotency_key, "Original-Request": response.request_id}
    if response.request_id != request.id:
        headers["Idempotent-Replayed"] = "true"
    if response.status == 500:
        headers["Stripe-Should-Retry"] = "false"  # a retry would only replay the stored response
    body = json.dumps(response.body, indent=2, ensure_ascii=False).encode()
    return response.status, headers, body
