"""`python -m local.stripe_simulator --webhook-url http://localhost:8001/`: run the simulator alone."""

import argparse
import contextlib
import random
import socket
import sys
from datetime import UTC, datetime

import uvicorn

from local.own_pages import OwnPages, OwnPagesOnly
from local.stripe_simulator.app import create_app
from local.stripe_simulator.core.errors import StripeError
from local.stripe_simulator.simulator import Simulator

HOST = "127.0.0.1"


def main() -> int:
    options = arguments()
    webhooks = [(url, options.webhook_secret) for url in options.webhook_url]
    try:
        listener = listen(options.port)
    except (OSError, OverflowError) as error:
        print(f"stripe simulator: port {options.port} cannot be used: {error}", file=sys.stderr)
        return 1
    with listener:
        port = listener.getsockname()[1]
        try:
            simulator = Simulator(
                f"http://localhost:{port}",
                now=lambda: datetime.now(UTC),
                rng=random.SystemRandom(),
                secret_key=options.secret_key,
                webhooks=webhooks,
            )
        except StripeError as error:
            print(f"stripe simulator: {error}", file=sys.stderr)
            return 1
        serve(simulator, listener)
    return 0


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m local.stripe_simulator", description=__doc__)
    parser.add_argument("--port", type=int, default=12111, help="0 picks a free port")
    parser.add_argument("--webhook-url", action="append", default=[], help="repeat for several endpoints")
    parser.add_argument("--webhook-secret", default="whsec_local_simulator")
    parser.add_argument("--secret-key", default="sk_test_local_simulator")
    return parser.parse_args()


def listen(port: int) -> socket.socket:
    listener = socket.socket()
    try:
        listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        listener.bind((HOST, port))
    except BaseException:
        listener.close()
        raise
    return listener


class Server(uvicorn.Server):
    """Prints one line when it is ready."""

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        for listener in sockets or ():
            print(f"stripe simulator: ready on http://localhost:{listener.getsockname()[1]}", flush=True)


def serve(simulator: Simulator, listener: socket.socket) -> None:
    address = f"http://localhost:{listener.getsockname()[1]}"
    app = OwnPagesOnly(create_app(simulator), OwnPages.of([address], address))
    config = uvicorn.Config(app, log_level="warning", timeout_graceful_shutdown=1)
    with contextlib.suppress(KeyboardInterrupt):
        Server(config).run(sockets=[listener])


if __name__ == "__main__":
    sys.exit(main())
