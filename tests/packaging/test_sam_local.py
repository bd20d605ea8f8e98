"""`sam local invoke` runs every function in Lambda's own container, with its event, against the local stack."""

import json
import shutil
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.launcher import running
from tools.generate import events
from tools.invoke import __main__ as invoke

EVENTS = events.events()


def missing() -> str | None:
    """What `sam local invoke` needs and this machine lacks; None if nothing."""
    if not invoke.SAM.exists():
        return "no AWS SAM CLI: `make template` installs it"
    if not shutil.which("docker") or subprocess.run(["docker", "info"], capture_output=True, check=False).returncode:
        return "no Docker engine"
    return None


pytestmark = pytest.mark.skipif(missing() is not None, reason=str(missing()))


@pytest.fixture(scope="module")
def results(tmp_path_factory: pytest.TempPathFactory) -> Iterator[dict[str, Any]]:
    """The result of each function, invoked in the order of the events."""
    with running() as started:
        stack = invoke.LocalStack(started.api_url, started.stripe_url, started.dynamodb_url, started.values)
        # The events are of another year than the stack's clock: it would expire at once what they buy and hold.
        httpx.put(f"{started.api_url}/_local/reaper", json={"paused": True}).raise_for_status()
        invoke.prepare(stack)
        with invoke.reachable(stack) as reached:
            template = invoke.build(tmp_path_factory.mktemp("sam") / "build", reached)
            yield {name: invoke.invoke(template, name) for name in EVENTS}


@pytest.mark.parametrize("name", [name for name, event in EVENTS.items() if "requestContext" in event])
def test_a_function_responds_from_its_container(results: dict[str, Any], name: str):
    expected = {"grant_credits": 201, "open_hold": 201, "no_route": 204, "release_payment": 409}.get(name, 200)
    assert results[name]["statusCode"] == expected, results[name]


def test_the_events_play_one_purchase(results: dict[str, Any]):
    def body(name: str) -> Any:
        return json.loads(results[name]["body"])

    assert body("get_payment")["status"] == "succeeded"
    assert body("spend_credits")["amount"] == 100
    assert body("grant_credits")["balance_after"] - body("adjust_credits")["balance_after"] == 5
    assert body("refund_payment")["credits_refunded"] == 275
    assert {row["transaction_type"] for row in body("list_transactions")["transactions"]} >= {
        "purchased",
        "spent",
        "granted",
        "adjusted",
        "refunded",
    }


def test_the_background_functions_run_in_their_containers(results: dict[str, Any]):
    assert results["expire_credits"] == {"batchItemFailures": []}
    assert results["daily_report"]["is_read"] is True
    assert results["publish_events"] == {"batchItemFailures": []}
    assert results["reconcile"]["failures"] == 0


def test_every_function_was_invoked(results: dict[str, Any]):
    folders = {path.parent.name for path in Path("functions").glob("*/app.py")}

    assert {name.removesuffix("_url") for name in results} == folders
