"""The demo shop's server: static files, and the calls that a browser must not make itself: they need the API key.

It also serves the page of the API, at /docs.
"""

import base64
import json
from collections.abc import Awaitable, Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from http import HTTPStatus
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx
from starlette.applications import Starlette
from starlette.middleware import Middleware
from starlette.middleware.base import BaseHTTPMiddleware
from starlette.middleware.gzip import GZipMiddleware
from starlette.requests import Request
from starlette.responses import JSONResponse, RedirectResponse, Response
from starlette.routing import Mount, Route
from starlette.staticfiles import StaticFiles

from local import reference

STATIC = Path(__file__).with_name("static")

# The API tells services more, such as which of them holds the credits.
SHOWN_OF_A_HOLD = ("hold_id", "description", "held", "ends_at")

# API Gateway's own limit.
API_TIMEOUT_SECONDS = 30.0


@dataclass(frozen=True)
class StorefrontConfig:
    """Where the API is, and who the visitor is. Secrets stay out of the repr, and so out of logs."""

    api_url: str
    user_token: str = field(repr=False)
    admin_token: str = field(repr=False)  # never sent to the browser, like the key: the page acts for a buyer
    api_key: str = field(repr=False)
    simulator_url: str | None = None
    now: Callable[[], datetime] = lambda: datetime.now(UTC)  # the stack's time, which a developer may have moved


def create_app(config: StorefrontConfig) -> Starlette:
    """Build the demo shop for one API and one visitor."""

    async def page_config(_: Request) -> Response:
        return JSONResponse(_config_for_browser(config))

    async def buy(request: Request) -> Response:
        return await _forward_purchase(config, request)

    async def holds(_: Request) -> Response:
        return await _visitors_holds(config)

    return Starlette(
        routes=[
            Route("/config.json", page_config),
            Route("/buy", buy, methods=["POST"]),
            Route("/holds", holds),
            Route("/docs", lambda _: RedirectResponse("/docs/")),
            Mount("/docs", _reference(config)),
            Mount("/", StaticFiles(directory=STATIC, html=True)),
        ],
        middleware=[
            Middleware(GZipMiddleware),
            Middleware(BaseHTTPMiddleware, dispatch=_with_headers(_security_headers(config))),
        ],
    )


def _reference(config: StorefrontConfig) -> Starlette:
    """The page of the API. What it may load is in the page itself, for the folder that `make docs` writes."""

    async def data(_: Request) -> Response:
        return Response(reference.data(config.api_url), media_type="text/javascript")

    headers = {
        "Cache-Control": "no-cache",  # Redoc is large: the browser asks whether it has changed
        "Content-Security-Policy": "frame-ancestors 'none'",
    }
    return Starlette(
        routes=[Route(f"/{reference.DATA}", data), Mount("/", StaticFiles(directory=reference.STATIC, html=True))],
        middleware=[Middleware(BaseHTTPMiddleware, dispatch=_with_headers(headers))],
    )


def _config_for_browser(config: StorefrontConfig) -> dict[str, str | None]:
    """Only what the page needs: any visitor can read it."""
    shown: dict[str, str | None] = {
        "api_url": config.api_url.rstrip("/"),
        "user_token": config.user_token,
        "simulator_url": config.simulator_url,
        "now": config.now().isoformat(),
    }
    if user_id := _subject(config.user_token):
        shown["user_id"] = user_id
    return shown


async def _forward_purchase(config: StorefrontConfig, request: Request) -> Response:
    """Add the API key, which identifies a trusted service, and pass everything else through unchanged."""
    forwarded = ("Authorization", "Content-Type", "Idempotency-Key")
    headers = {name: request.headers[name] for name in forwarded if name in request.headers}
    return await _call(config, "POST", "/api/payments/stripe/create", headers=headers, content=await request.body())


async def _visitors_holds(config: StorefrontConfig) -> Response:
    """The open holds of this shop's visitor and of nobody else: only services and staff may list holds."""
    user_id = _subject(config.user_token)
    if user_id is None:
        return JSONResponse({"holds": []})
    answer = await _call(config, "GET", f"/api/users/{quote(user_id, safe='')}/holds", headers={})
    if answer.status_code != HTTPStatus.OK:
        return answer
    listed = json.loads(bytes(answer.body))["holds"]
    return JSONResponse({"holds": [{name: hold[name] for name in SHOWN_OF_A_HOLD} for hold in listed]})


async def _call(
    config: StorefrontConfig, method: str, path: str, *, headers: Mapping[str, str], **request: Any
) -> Response:
    """Call the API as a trusted service, and return what it answers."""
    url = f"{config.api_url.rstrip('/')}{path}"
    try:
        # trust_env=False: a proxy set for the internet must not catch a call to this machine.
        async with httpx.AsyncClient(timeout=API_TIMEOUT_SECONDS, trust_env=False) as client:
            response = await client.request(method, url, headers={**headers, "X-API-Key": config.api_key}, **request)
    except httpx.TransportError:
        return _unreachable(config.api_url)
    kept = ("Content-Type", "Retry-After")
    return Response(
        response.content,
        response.status_code,
        headers={name: response.headers[name] for name in kept if name in response.headers},
    )


def _unreachable(api_url: str) -> Response:
    status = HTTPStatus.BAD_GATEWAY
    return JSONResponse(
        {
            "type": "about:blank",
            "title": status.phrase,
            "status": status.value,
            "detail": f"The API at {api_url} does not respond. It is safe to retry: nothing has been paid yet.",
            "code": "api_unreachable",
        },
        status,
        media_type="application/problem+json",
    )


def _subject(token: str) -> str | None:
    """The user id in a token, to show it on the page. The API checks the token."""
    try:
        payload = token.split(".")[1]
        claims = json.loads(base64.urlsafe_b64decode(payload + "=" * (-len(payload) % 4)))
        subject = claims["sub"]
    except (IndexError, KeyError, TypeError, ValueError):
        return None
    return subject if isinstance(subject, str) else None


def _security_headers(config: StorefrontConfig) -> dict[str, str]:
    # Only the origin: a path in connect-src would have to match exactly.
    api = urlsplit(config.api_url)
    policy = [
        "default-src 'self'",
        f"connect-src 'self' {api.scheme}://{api.netloc}",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
        "object-src 'none'",
    ]
    return {
        "Cache-Control": "no-store",  # a reload shows edited files
        "Content-Security-Policy": "; ".join(policy),
        "Referrer-Policy": "no-referrer",  # the address contains the payment's id
        "X-Content-Type-Options": "nosniff",
    }


Next = Callable[[Request], Awaitable[Response]]


def _with_headers(headers: Mapping[str, str]) -> Callable[[Request, Next], Awaitable[Response]]:
    async def add(request: Request, call_next: Next) -> Response:
        response = await call_next(request)
        for name, value in headers.items():
            response.headers.setdefault(name, value)
        return response

    return add
