"""Every function in Lambda's own container, by `sam local invoke`, with its event, against the local stack."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

from local.launcher import running
from tools.generate import events
from tools.invoke import __main__ as invoke

EVENTS = events.events()


def missing() -> str | None:
    """The part that `sam local invoke` needs and this machine does not have."""
    if not invoke.SAM.exists():
        return "no AWS SAM CLI: make template sets it up"
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        return "no Docker engine answers"
    return None


pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture(scope="module")
def answers(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """What each function answers, invoked in the order of the events."""
    with running() as stack:
        around = invoke.Surroundings(stack.api_url, stack.stripe_url, stack.dynamodb_url, stack.values)
        invoke.prepare(around)
        with invoke.reachable(around) as seen:
            template = invoke.build(tmp_path_factory.mktemp("sam") / "build", seen)
            yield {name: invoke.invoke(template, name) for name in EVENTS}


@pytest.mark.parametrize("name", [name for name, event in EVENTS.items() if "requestContext" in event])
def test_a_function_answers_its_request_from_its_container(answers: dict[str, Any], name: str):
    assert answers[name]["statusCode"] == 200, answers[name]


def test_the_events_are_one_purchase(answers: dict[str, Any]):
    def body(name: str) -> Any:
        return json.loads(answers[name]["body"])

    assert body("get_payment")["status"] == "succeeded"
    assert body("spend_credits")["amount"] == 100
    assert body("refund_payment")["credits_refunded"] == 275
    assert {row["transaction_type"] for row in body("list_transactions")["transactions"]} >= {
        "purchased",
        "spent",
        "refunded",
    }


def test_the_background_functions_run_in_their_containers(answers: dict[str, Any]):
    assert answers["expire_credits"] == {"batchItemFailures": []}
    assert answers["reconcile"]["failures"] == 0


def test_every_function_was_invoked(answers: dict[str, Any]):
    folders = {path.parent.name for path in Path("functions").glob("*/app.py")}

    assert {name.removesuffix("_url") for name in answers} == folders
