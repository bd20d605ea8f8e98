"""The simulator over HTTP: REST API, pay page, controls, and the worker that delivers webhooks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from local.stripe_simulator import controls
from local.stripe_simulator.core.errors import NoResponse
from local.stripe_simulator.page import documents, pages
from local.stripe_simulator.simulator import Simulator
from local.stripe_simulator.worker import DeliveryWorker

# Longer than the timeout of any client under test.
HANG_SECONDS = 60.0


def create_app(simulator: Simulator, *, hang_seconds: float = HANG_SECONDS) -> Starlette:
    """hang_seconds: how long a timeout fault holds a connection open before closing it."""

    async def rest(request: Request) -> Response:
        path: str = request.scope["raw_path"].decode("ascii")
        target = f"{path}?{request.url.query}" if request.url.query else path
        try:
            status, headers, body = simulator.request(
                request.method, target, dict(request.headers), await request.body()
            )
        except NoResponse:
            return HungResponse(hang_seconds)
        return Response(body, status, headers)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001
        async with DeliveryWorker(simulator):
            yield

    routes = [
        Route("/v1/{path:path}", rest, methods=["GET", "POST", "DELETE", "PUT", "PATCH"]),
        *pages.routes(simulator),
        *documents.routes(simulator),
        *controls.routes(simulator),
        Route("/", about),
        Route("/favicon.ico", no_icon),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def about(request: Request) -> Response:  # noqa: ARG001
    return PlainTextResponse(
        "A local simulator of Stripe: no real payments. What works here may still fail with the real Stripe.\n"
        "REST API: /v1/…   pay pages: /c/pay/{session}   controls: /_sim/…\n"
    )


async def no_icon(request: Request) -> Response:  # noqa: ARG001
    return Response(status_code=204)  # browsers request it; a 404 would only clutter their console


class HungResponse(Response):
    """Sends no response: holds the connection until the client disconnects or the time is up, then closes it."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        try:
            await asyncio.wait_for(disconnected(receive), self._seconds)
        except TimeoutError:
            # A Content-Length without a body makes the server close the connection.
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


async def disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
