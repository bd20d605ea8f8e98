"""Simulate Stripe in a thread of this process: bind the port first, because the functions need it, and serve later."""

import contextlib
import random
import socket
import threading
import time
from collections.abc import Iterator
from datetime import UTC, datetime

import uvicorn

from local.own_pages import OwnPages, OwnPagesOnly
from local.stripe_simulator.__main__ import listen
from local.stripe_simulator.app import create_app
from local.stripe_simulator.simulator import Simulator
from tools.deploy_local.processes import DeploymentError

START_TIMEOUT = 10.0  # seconds


@contextlib.contextmanager
def listener() -> Iterator[tuple[socket.socket, str]]:
    """A bound port that is not served yet, and its address."""
    with listen(0) as bound:
        yield bound, f"http://localhost:{bound.getsockname()[1]}"


@contextlib.contextmanager
def serving(
    bound: socket.socket, address: str, *, secret_key: str, webhook: tuple[str, str] | None = None
) -> Iterator[None]:
    """Serve the simulator inside the block. `webhook`: a URL and its signing secret. Raises DeploymentError."""
    simulator = Simulator(
        address,
        now=lambda: datetime.now(UTC),
        rng=random.SystemRandom(),
        secret_key=secret_key,
        webhooks=[webhook] if webhook else [],
    )
    app = OwnPagesOnly(create_app(simulator), OwnPages.of([address], address))
    server = uvicorn.Server(uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1))
    thread = threading.Thread(target=server.run, kwargs={"sockets": [bound]}, daemon=True)
    thread.start()
    try:
        _wait(server)
        yield
    finally:
        server.should_exit = True
        thread.join()


def _wait(server: uvicorn.Server) -> None:
    deadline = time.monotonic() + START_TIMEOUT
    while not server.started:
        if time.monotonic() > deadline:
            raise DeploymentError("the Stripe simulator does not start")
        time.sleep(0.01)
