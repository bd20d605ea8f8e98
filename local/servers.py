"""Several uvicorn servers in one event loop, on ports that are reserved before anything else starts."""

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

from local.aws import event_bus
from local.logs import Console
from local.own_pages import OwnPages, OwnPagesOnly
from local.settings import THIS_MACHINE

BACKLOG = 1024
GRACE = 1  # seconds for requests under way when the stack stops


class PortInUseError(Exception):
    """Other programs have these ports; the message names each one, its service, and what to change."""

    def __init__(self, problems: Sequence[str], variables: Sequence[str]) -> None:
        what = "it" if len(problems) == 1 else "them"
        super().__init__(f"{', '.join(problems)}: stop what uses {what}, or set {', '.join(variables)}")
        self.problems = problems
        self.variables = variables


@dataclass(frozen=True)
class Port:
    """A port that is reserved for a service."""

    service: str
    socket: socket.socket

    @property
    def number(self) -> int:
        number: int = self.socket.getsockname()[1]
        return number

    @property
    def url(self) -> str:
        return f"http://localhost:{self.number}"


def reserve(service: str, number: int, variable: str, address: str = THIS_MACHINE) -> Port:
    """Reserve a port for a service: its socket listens at once, at this address. Raises PortInUseError."""
    # Without its protocol, asyncio does not recognise the socket as TCP and leaves Nagle's algorithm on: every response
    # would wait 40 ms for the client's delayed acknowledgement.
    listener = socket.socket(proto=socket.IPPROTO_TCP)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((address, number))
        listener.listen(BACKLOG)
    except OSError as error:
        listener.close()
        reason = "in use" if error.errno == errno.EADDRINUSE else f"not available ({error.strerror})"
        raise PortInUseError([f"port {number} ({service}) is {reason}"], [variable]) from error
    return Port(service, listener)


class _Server(uvicorn.Server):
    """Leaves signals to the stack, which has several servers to stop."""

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield


@contextlib.asynccontextmanager
async def serving(apps: Sequence[tuple[Port, ASGIApp]], own: OwnPages, console: Console) -> AsyncIterator[None]:
    """All servers accept requests inside the block, from our own pages and from programs, and none does after it."""
    servers = [_Server(_config(port, app, own, console)) for port, app in apps]
    tasks = [
        asyncio.create_task(server.serve(sockets=[port.socket]))
        for server, (port, _) in zip(servers, apps, strict=True)
    ]
    try:
        await _started(servers, tasks)
        yield
    finally:
        # From here on, uvicorn would only report the requests that the stop interrupts.
        logging.getLogger("uvicorn.error").setLevel(logging.CRITICAL)
        for server in servers:
            server.should_exit = True
        await asyncio.gather(*tasks)


def _config(port: Port, app: ASGIApp, own: OwnPages, console: Console) -> uvicorn.Config:
    guarded: ASGIApp = OwnPagesOnly(app, own, lambda reason: console.line(f"  refused: {reason}"))
    return uvicorn.Config(
        AccessLine(guarded, port.service, console),
        log_level="warning",
        access_log=False,
        lifespan="on",
        ws="none",
        timeout_graceful_shutdown=GRACE,
    )


async def _started(servers: Sequence[uvicorn.Server], tasks: Sequence[asyncio.Task[None]]) -> None:
    while not all(server.started for server in servers):
        if any(task.done() for task in tasks):
            raise RuntimeError("a server did not start")  # uvicorn has reported why
        await asyncio.sleep(0.005)


class AccessLine:
    """Middleware: a console line for each request, with the time, its method, path, status and milliseconds."""

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
            if not (self._is_storefront_file(scope, status) or self._has_another_line(scope, status)):
                took = (time.perf_counter() - started) * 1000
                self._console.timed(
                    f"{self._service:<10} {scope['method']} {scope['path']} {status or 'interrupted'} {took:.0f} ms"
                )

    def _has_another_line(self, scope: Scope, status: int) -> bool:
        """An event of Stripe's that was handled, and ours that are published, have lines that say what came of them."""
        is_event = self._service == "webhook" or scope["path"].startswith(event_bus.PATH)
        return is_event and status == HTTPStatus.OK

    def _is_storefront_file(self, scope: Scope, status: int) -> bool:
        """Each view of the page loads a dozen files, whose lines would hide those of a purchase."""
        return self._service == "storefront" and scope["method"] == "GET" and status == HTTPStatus.OK
