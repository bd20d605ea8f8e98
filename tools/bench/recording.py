"""One purchase, played from events/ through the real handlers, to have DynamoDB's answers to each function."""

import contextlib
import io
import json
import os
from collections.abc import Sequence
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from local import ROOT, settings
from local.aws import template
from local.in_process.api import load_handler
from local.in_process.dynamodb import Emulator
from tools.bench.answering import Answering, Exchange
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
    """Per function, the environment that the template gives it."""
    parameters = {"FrontendUrls": secrets()["FRONTEND_URL"], "SecretsPrefix": PREFIX, "AWS::StackName": "bench"}
    url = {"StripeWebhookFunctionUrl.FunctionUrl": "https://url.example/"}
    read = template.read(ROOT / "template.yaml", parameters, url)
    aws = {"AWS_REGION": REGION, "AWS_DEFAULT_REGION": REGION, "AWS_ACCESS_KEY_ID": "x", "AWS_SECRET_ACCESS_KEY": "x"}
    return {function.name: {**function.environment, **aws, "STACK_NAME": events.STACK} for function in read.functions}


def event(function: str) -> dict[str, Any]:
    """The function's event, about the one order of this purchase."""
    read: dict[str, Any] = json.loads((ROOT / "events" / f"{function}.json").read_text())
    if function == "refund_payment":
        read["body"] = json.dumps(json.loads(read["body"]) | {"payment_id": events.ORDER})
    return read


def record(answers: Answering) -> None:
    """Play the purchase, and let `answers` answer from now on what DynamoDB answered."""
    recorder = _Recorder()
    environment = environments()
    os.environ.update(
        environment[FUNCTIONS[0]] | secrets() | {"SECRETS_PREFIX": "", "STRIPE_API_BASE": answers.address}
    )
    recorder.attach(store_client.client())
    parameters = {"FrontendUrls": secrets()["FRONTEND_URL"], "AWS::StackName": "bench"}
    url = {"StripeWebhookFunctionUrl.FunctionUrl": "https://url.example/"}
    for table in template.read(ROOT / "template.yaml", parameters, url).tables:
        recorder.client.create_table(TableName=table.name, **table.definition)
    telemetry.logger.setLevel("CRITICAL")
    for function in FUNCTIONS:
        recorder.exchanges, answers.recording, answers.stripe_requests[function] = [], function, []
        with contextlib.redirect_stdout(io.StringIO()):  # their metrics are lines of the log
            answer = load_handler(function)(event(function), Context())
        assert answer.get("statusCode", 200) == 200, f"{function} answered {answer}"
        answers.recorded[function] = recorder.exchanges
    answers.recording = ""


class _Recorder(Emulator):
    """DynamoDB in process, which keeps what is said."""

    exchanges: Sequence[Exchange] = ()

    def _respond(self, request: AWSPreparedRequest) -> AWSResponse:
        answer = super()._respond(request)
        operation = _text(request.headers["X-Amz-Target"]).rpartition(".")[2]
        self.exchanges = [*self.exchanges, Exchange(operation, _text(request.body), answer.content.decode())]
        return answer


def _text(value: Any) -> str:
    return value.decode() if isinstance(value, bytes) else str(value)
