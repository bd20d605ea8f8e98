"""The simulator on a port: REST API, pay page, controls, and the worker that delivers webhooks."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager

from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import PlainTextResponse, Response
from starlette.routing import Route
from starlette.types import Receive, Scope, Send

from local.stripe_simulator import controls
from local.stripe_simulator.core.errors import Unanswered
from local.stripe_simulator.page import pages
from local.stripe_simulator.simulator import Simulator
from local.stripe_simulator.worker import DeliveryWorker

# Longer than the time-out of any client under test.
HANG_SECONDS = 60.0


def create_app(simulator: Simulator, *, hang_seconds: float = HANG_SECONDS) -> Starlette:
    """hang_seconds: how long a call with a time-out fault holds its connection open before it is cut."""

    async def rest(request: Request) -> Response:
        path: str = request.scope["raw_path"].decode("ascii")
        target = f"{path}?{request.url.query}" if request.url.query else path
        try:
            status, headers, body = simulator.request(
                request.method, target, dict(request.headers), await request.body()
            )
        except Unanswered:
            return NoAnswer(hang_seconds)
        return Response(body, status, headers)

    @asynccontextmanager
    async def lifespan(app: Starlette) -> AsyncIterator[None]:  # noqa: ARG001
        async with DeliveryWorker(simulator):
            yield

    routes = [
        Route("/v1/{path:path}", rest, methods=["GET", "POST", "DELETE", "PUT", "PATCH"]),
        *pages.routes(simulator),
        *controls.routes(simulator),
        Route("/", about),
        Route("/favicon.ico", no_icon),
    ]
    return Starlette(routes=routes, lifespan=lifespan)


async def about(request: Request) -> Response:  # noqa: ARG001
    return PlainTextResponse(
        "A local simulator of Stripe: no real payments, and no proof against the real Stripe.\n"
        "REST API: /v1/…   pay pages: /c/pay/{session}   controls: /_sim/…\n"
    )


async def no_icon(request: Request) -> Response:  # noqa: ARG001
    return Response(status_code=204)  # browsers ask by themselves; a 404 would only clutter their console


class NoAnswer(Response):
    """Holds the connection until the client gives up or the time is over, then cuts it."""

    def __init__(self, seconds: float) -> None:
        super().__init__()
        self._seconds = seconds

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:  # noqa: ARG002
        try:
            await asyncio.wait_for(disconnected(receive), self._seconds)
        except TimeoutError:
            # A body that is promised and never sent makes the server close the connection.
            await send({"type": "http.response.start", "status": 200, "headers": [(b"content-length", b"1")]})


async def disconnected(receive: Receive) -> None:
    while (await receive())["type"] != "http.disconnect":
        pass
