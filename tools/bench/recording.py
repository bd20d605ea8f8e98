"""Play one purchase from events/ through the real handlers, and record DynamoDB's responses to each function."""

import contextlib
import io
import json
import os
from collections.abc import Mapping
from functools import cache
from http import HTTPStatus
from typing import Any

from local import ROOT, settings
from local.aws import template
from local.aws.template import Template
from local.in_process.api import load_handler
from local.in_process.dynamodb import Emulator, InProcess
from tools.bench.process import SUCCESSES
from tools.bench.replay import Exchange, Replay
from tools.bench.stripe_responses import SECOND_INTENT, UNPAID_KEY, UNPAID_ORDER
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


def memory_of(function: str) -> int:
    """The MB of memory that the template gives a function."""
    return next(one.memory for one in _template().functions if one.name == function)


@cache
def _template() -> Template:
    parameters = {"FrontendUrls": secrets()["FRONTEND_URL"], "SecretsPrefix": PREFIX, "AWS::StackName": "bench"}
    url = {"StripeWebhookFunctionUrl.FunctionUrl": "https://url.example/"}
    return template.read(ROOT / "template.yaml", parameters, url)


def event(function: str) -> dict[str, Any]:
    """The function's event; a refund is of the one order of this purchase, and another order is cancelled."""
    read: dict[str, Any] = json.loads((ROOT / "events" / f"{function}.json").read_text())
    if function in ("quote_refund", "refund_payment"):
        read["body"] = json.dumps(json.loads(read["body"]) | {"payment_id": events.ORDER})
    if function == "cancel_checkout":
        read["pathParameters"] = {"payment_id": UNPAID_ORDER}
    return read


def _place_unpaid_order() -> None:
    """Place the order that is cancelled."""
    create = event("create_checkout")
    create["headers"]["idempotency-key"] = UNPAID_KEY
    _play("create_checkout", create)


def _pay_again() -> None:
    """Pay the order of this purchase once more: its payment is quarantined, and then released."""
    again = event("stripe_webhook")
    paid = json.loads(again["body"])
    paid["id"], paid["data"]["object"]["id"] = "evt_second", SECOND_INTENT
    again["body"] = json.dumps(paid)
    again["headers"]["stripe-signature"] = events.signature(again["body"], secrets()["STRIPE_WEBHOOK_SECRET"])
    _play("stripe_webhook", again)


def record(replay: Replay) -> None:
    """Play the purchase, so that `replay` gives DynamoDB's responses from then on."""
    recorder = _Recorder()
    emulator = Emulator(recorder)
    own = {
        "SECRETS_PREFIX": "",
        "STRIPE_API_BASE": replay.recording_address,
        "AWS_ENDPOINT_URL_EVENTBRIDGE": replay.recording_address,
    }
    of_functions = environments()
    os.environ.update(of_functions[FUNCTIONS[0]] | secrets() | own)
    emulator.attach(store_client.client())
    for table in _template().tables:
        emulator.client.create_table(TableName=table.name, **table.definition)
    telemetry.logger.setLevel("CRITICAL")
    _place_unpaid_order()
    for function in FUNCTIONS:
        if function == "release_payment":
            recorder.exchanges, replay.recording = [], ""
            _pay_again()
        recorder.exchanges, replay.recording = [], function
        os.environ.update(of_functions[function] | secrets() | own)
        replay.stripe_requests[function], replay.event_requests[function] = [], []
        _play(function, event(function))
        replay.recorded[function] = recorder.exchanges
    replay.recording = ""


def _play(function: str, played: dict[str, Any]) -> None:
    with contextlib.redirect_stdout(io.StringIO()):  # metrics are printed
        result = load_handler(function)(played, Context())
    assert result.get("statusCode", HTTPStatus.OK) in SUCCESSES, f"{function} returned {result}"


class _Recorder(InProcess):
    """DynamoDB in this process; it keeps every exchange."""

    def __init__(self) -> None:
        super().__init__()
        self.exchanges: list[Exchange] = []

    def respond(self, target: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        status, headers, response = super().respond(target, body)
        self.exchanges.append(Exchange(target.rpartition(".")[2], body.decode(), response.decode()))
        return status, headers, response
