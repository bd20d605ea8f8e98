"""The official Stripe CLI against the simulator."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import pytest
import stripe

ROOT = Path(__file__).resolve().parents[2]
KEY = "sk_test_simulatedaccount0000"  # the CLI requires a key of this form and length
SECRET = "whsec_simulated"
DEADLINE = 60.0  # seconds; reached only if something is wrong


def find_cli() -> str | None:
    candidates = [os.environ.get("STRIPE_CLI"), shutil.which("stripe"), ROOT / ".cache/npm/node_modules/.bin/stripe"]
    return next((str(path) for path in candidates if path and Path(path).exists()), None)


CLI = find_cli()
pytestmark = pytest.mark.skipif(CLI is None, reason="the Stripe CLI is not installed (npm package @stripe/cli)")


def eventually(condition: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not condition():
        assert time.monotonic() < deadline, "it did not happen in time"
        threading.Event().wait(0.02)


class Receiver:
    """A webhook endpoint that keeps the events whose signature is valid."""

    def __init__(self) -> None:
        self.events: list[stripe.Event] = []
        receiver = self

        class Handler(BaseHTTPRequestHandler):
            def do_POST(self) -> None:
                body = self.rfile.read(int(self.headers["content-length"]))
                event = stripe.Webhook.construct_event(body, self.headers["Stripe-Signature"], SECRET)
                receiver.events.append(event)
                self.send_response(200)
                self.send_header("content-length", "0")
                self.end_headers()

            def log_message(self, format: str, *args: Any) -> None:  # noqa: A002
                pass

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_address[1]}/"

    def types(self) -> list[str]:
        return [event.type for event in self.events]


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    made = Receiver()
    thread = threading.Thread(target=made.server.serve_forever, args=(0.02,))
    thread.start()
    yield made
    made.server.shutdown()
    thread.join(DEADLINE)
    made.server.server_close()


@dataclass
class Cli:
    """The CLI with its own home folder, using a running simulator."""

    api: str
    home: Path

    def __call__(self, *arguments: str) -> str:
        environment = {"PATH": os.environ["PATH"], "HOME": str(self.home), "XDG_CONFIG_HOME": str(self.home)}
        command = [str(CLI), *arguments, "--api-base", self.api, "--api-key", KEY]
        done = subprocess.run(
            command, env=environment, capture_output=True, text=True, timeout=60, check=False, stdin=subprocess.DEVNULL
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def json(self, *arguments: str) -> dict[str, Any]:
        document: dict[str, Any] = json.loads(self(*arguments))
        return document


@pytest.fixture
def cli(receiver: Receiver, tmp_path: Path) -> Iterator[Cli]:
    command = [sys.executable, "-m", "local.stripe_simulator", "--port", "0", "--secret-key", KEY]
    command += ["--webhook-url", receiver.url, "--webhook-secret", SECRET]
    with subprocess.Popen(command, cwd=ROOT, stdout=subprocess.PIPE, text=True) as simulator:
        try:
            assert simulator.stdout
            ready = re.search(r"ready on http://localhost:([0-9]+)", simulator.stdout.readline())
            assert ready
            yield Cli(f"http://127.0.0.1:{ready[1]}", tmp_path)
        finally:
            simulator.terminate()
            simulator.wait(DEADLINE)


def test_the_cli_creates_a_checkout_session(cli: Cli) -> None:
    session = cli.json(
        "checkout", "sessions", "create", "--mode", "payment", "--success-url", "https://shop.example/",
        "-d", "line_items[0][price_data][currency]=cny",
        "-d", "line_items[0][price_data][unit_amount]=10000",
        "-d", "line_items[0][price_data][product_data][name]=Standard",
        "-d", "line_items[0][quantity]=1",
    )  # fmt: skip

    assert (session["object"], session["status"], session["amount_total"]) == ("checkout.session", "open", 10_000)
    assert cli.json("checkout", "sessions", "retrieve", session["id"])["id"] == session["id"]


def test_the_cli_triggers_a_completed_checkout(cli: Cli, receiver: Receiver) -> None:
    assert "Trigger succeeded" in cli("trigger", "checkout.session.completed")

    eventually(lambda: "checkout.session.completed" in receiver.types())
    completed = next(event for event in receiver.events if event.type == "checkout.session.completed")
    assert (completed.data.object["payment_status"], completed.data.object["amount_total"]) == ("paid", 3_000)


def test_the_cli_resends_an_event(cli: Cli, receiver: Receiver) -> None:
    cli("trigger", "checkout.session.expired")
    eventually(lambda: "checkout.session.expired" in receiver.types())
    event = next(event for event in receiver.events if event.type == "checkout.session.expired")

    assert cli.json("events", "resend", event.id)["id"] == event.id
    eventually(lambda: [got.id for got in receiver.events].count(event.id) == 2)


@pytest.mark.parametrize(
    ("trigger", "event_type"),
    [
        ("payment_intent.succeeded", "payment_intent.succeeded"),
        ("payment_intent.payment_failed", "payment_intent.payment_failed"),
        ("checkout.session.async_payment_succeeded", "checkout.session.async_payment_succeeded"),
        ("checkout.session.async_payment_failed", "checkout.session.async_payment_failed"),
        ("charge.refunded", "refund.created"),
        ("charge.dispute.created", "charge.dispute.created"),
    ],
)
def test_the_cli_triggers_the_events_that_the_webhook_handles(
    cli: Cli, receiver: Receiver, trigger: str, event_type: str
) -> None:
    cli("trigger", trigger)

    eventually(lambda: event_type in receiver.types())
