"""Play one purchase from events/ through the real handlers, and record DynamoDB's responses to each function."""

import contextlib
import io
import json
import os
from collections.abc import Mapping
from typing import Any

from local import ROOT, settings
from local.aws import template
from local.aws.template import Template
from local.in_process.api import load_handler
from local.in_process.dynamodb import Emulator, InProcess
from tools.bench.replay import Exchange, Replay
from tools.generate import events
from topup.runtime import telemetry
from topup.store import client as store_client

PREFIX = "/topup/bench"
REGION = "us-east-1"
FUNCTIONS = tuple(name for name in events.events() if not name.endswith("_url"))


class Context:
    """What the handlers use of Lambda's context."""

    function_name = "bench"

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


def secrets() -> dict[str, str]:
    """The values that the events are signed with."""
    return settings.parse(ROOT / ".env.example")


def environments() -> dict[str, dict[str, str]]:
    """By function, the environment that the template gives it."""
    aws = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    functions = _template().functions
    return {function.name: {**function.environment, **aws, "STACK_NAME": events.STACK} for function in functions}


def _template() -> Template:
    parameters = {"FrontendUrls": secrets()["FRONTEND_URL"], "SecretsPrefix": PREFIX, "AWS::StackName": "bench"}
    url = {"StripeWebhookFunctionUrl.FunctionUrl": "https://url.example/"}
    return template.read(ROOT / "template.yaml", parameters, url)


def event(function: str) -> dict[str, Any]:
    """The function's event; a refund is of the one order of this purchase."""
    read: dict[str, Any] = json.loads((ROOT / "events" / f"{function}.json").read_text())
    if function in ("quote_refund", "refund_payment"):
        read["body"] = json.dumps(json.loads(read["body"]) | {"payment_id": events.ORDER})
    return read


def record(replay: Replay) -> None:
    """Play the purchase, so that `replay` gives DynamoDB's responses from then on."""
    recorder = _Recorder()
    emulator = Emulator(recorder)
    own = {
        "SECRETS_PREFIX": "",
        "STRIPE_API_BASE": replay.address,
        "AWS_ENDPOINT_URL_EVENTBRIDGE": replay.address,
    }
    os.environ.update(environments()[FUNCTIONS[0]] | secrets() | own)
    emulator.attach(store_client.client())
    for table in _template().tables:
        emulator.client.create_table(TableName=table.name, **table.definition)
    telemetry.logger.setLevel("CRITICAL")
    for function in FUNCTIONS:
        recorder.exchanges, replay.recording, replay.stripe_requests[function] = [], function, []
        with contextlib.redirect_stdout(io.StringIO()):  # metrics are printed
            result = load_handler(function)(event(function), Context())
        assert result.get("statusCode", 200) in (200, 201, 204), f"{function} returned {result}"
        replay.recorded[function] = recorder.exchanges
    replay.recording = ""


class _Recorder(InProcess):
    """DynamoDB in this process; it keeps every exchange."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[Exchange] = []

    def respond(self, target: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        status, headers, response = super().respond(target, body)
        self.exchanges.append(Exchange(target.rpartition(".")[2], body.decode(), response.decode()))
        return status, headers, response
