"""Stripe's API at the wire: the real library, with scripted responses behind its HTTP client."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

import stripe

ScriptedResponse = tuple[int, Mapping[str, Any]]


@dataclass(frozen=True)
class WireRequest:
    method: str
    url: str
    headers: Mapping[str, str]
    params: Mapping[str, str]

    @property
    def idempotency_key(self) -> str | None:
        return self.headers.get("Idempotency-Key")


Script = Callable[[WireRequest], ScriptedResponse]


class StripeWire(stripe.HTTPClient):
    """Records every request and responds with the next script, or with `otherwise` if there is none."""

    name = "wire"

    def __init__(self, otherwise: Script) -> None:
        super().__init__()
        self.requests: list[WireRequest] = []
        self._scripts: list[Script] = []
        self._otherwise = otherwise

    def then(self, *scripts: Script) -> None:
        self._scripts.extend(scripts)

    def request(  # type: ignore[override]
        self, method: str, url: str, headers: Mapping[str, str], post_data: Any = None, **_: Any
    ) -> tuple[str, int, Mapping[str, str]]:
        request = WireRequest(method, url, headers, dict(parse_qsl(post_data or "")))
        self.requests.append(request)
        script = self._scripts.pop(0) if self._scripts else self._otherwise
        status, body = script(request)
        return json.dumps(body), status, {"Request-Id": "req_test"}

    def close(self) -> None:
        pass


def opens_session(request: WireRequest) -> ScriptedResponse:
    """Open a Checkout Session; the same Idempotency-Key returns the same one, as with Stripe. A list has none."""
    if request.method.upper() == "GET":
        return 200, {"object": "list", "data": [], "has_more": False, "url": "/v1/checkout/sessions"}
    key = request.idempotency_key or "none"
    session_id = f"cs_test_{key.rpartition('/')[2].replace('-', '')}"  # without the stack's name
    return 200, {
        "id": session_id,
        "object": "checkout.session",
        "url": f"https://checkout.stripe.com/c/pay/{session_id}",
    }


def responds(status: int, body: Mapping[str, Any]) -> Script:
    return lambda _request: (status, body)


def refuses(status: int, **error: str) -> Script:
    return responds(status, {"error": {"type": "api_error", "message": "no", **error}})


def times_out(_request: WireRequest) -> ScriptedResponse:
    error = stripe.APIConnectionError("timed out")  # type: ignore[no-untyped-call]
    error.should_retry = True
    raise error


def times_out_after(script: Script) -> Script:
    """Stripe carries the request out, but its response is lost."""

    def lost(request: WireRequest) -> ScriptedResponse:
        script(request)
        return times_out(request)

    return lost
