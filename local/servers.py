"""Several uvicorn servers in one event loop, on ports that are taken before anything else starts."""

import asyncio
import contextlib
import errno
import logging
import socket
import time
from collections.abc import AsyncIterator, Iterator, Sequence
from dataclasses import dataclass
from http import HTTPStatus

import uvicorn
from starlette.types import ASGIApp, Message, Receive, Scope, Send

from local.logs import Console

HOST = "127.0.0.1"
BACKLOG = 1024
GRACE = 1  # seconds for requests under way when the stack stops


class PortInUseError(Exception):
    """Another program has the port; the message says which port, what for, and what to change."""


@dataclass(frozen=True)
class Claim:
    """A port that is ours from now on, for the service that will answer there."""

    service: str
    socket: socket.socket

    @property
    def port(self) -> int:
        port: int = self.socket.getsockname()[1]
        return port

    @property
    def url(self) -> str:
        return f"http://localhost:{self.port}"


def claim(service: str, port: int, variable: str) -> Claim:
    """Raises PortInUseError. The socket listens at once, so that nobody can take the port after us."""
    # With its protocol named: else asyncio takes its connections for no TCP and leaves Nagle's algorithm on, so that
    # every answer waits 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((HOST, port))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        reason = "in use" if error.errno == errno.EADDRINUSE else f"not available ({error.strerror})"
        raise PortInUseError(f"port {port} ({service}) is {reason}: stop what uses it, or set {variable}") from error
    return Claim(service, listener)


class _Server(uvicorn.Server):
    """Leaves the signals to the stack, which has more than one server to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(apps: Sequence[tuple[Claim, ASGIApp]], console: Console) -> AsyncIterator[None]:
    """All of them answer inside the block, and none after it."""
    servers = [_Server(_config(claim, app, console)) for claim, app in apps]
    tasks = [
        asyncio.create_task(server.serve(sockets=[claim.socket]))
        for server, (claim, _) in zip(servers, apps, strict=True)
    ]
    try:
        await _started(servers, tasks)
        yield
    finally:
        # From here on it would only complain about the requests that the stop cuts off.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


def _config(claim: Claim, app: ASGIApp, console: Console) -> uvicorn.Config:
    return uvicorn.Config(
        AccessLine(app, claim.service, console),
        log_level="warning",
        access_log=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=GRACE,
    )


async def _started(servers: Sequence[uvicorn.Server], tasks: Sequence[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        if any(task.done() for task in tasks):
            raise RuntimeError("a server did not start")  # uvicorn has said why
        await asyncio.sleep(0.005)


class AccessLine:
    """Middleware: a console line for each request worth telling, with its method, path, status and milliseconds."""

    def __init__(self, app: ASGIApp, service: str, console: Console) -> None:
        self._app = app
        self._service = service
        self._console = console

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        status = 0
        started = time.perf_counter()

        async def watch(message: Message) -> None:
            nonlocal status
            if message["type"] == "http.response.start":
                status = message["status"]
            await send(message)

        try:
            await self._app(scope, receive, watch)
        finally:
            if not self._is_a_file_of_the_shop(scope, status):
                took = (time.perf_counter() - started) * 1000
                self._console.line(
                    f"{self._service:<10} {scope['method']} {scope['path']} {status or 'cut off'} {took:.0f} ms"
                )

    def _is_a_file_of_the_shop(self, scope: Scope, status: int) -> bool:
        """A dozen lines for every look at its page would bury the ones that tell of a purchase."""
        return self._service == "storefront" and scope["method"] == "GET" and status == HTTPStatus.OK
