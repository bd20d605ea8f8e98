"""A drill touches no stack where money is real, and none that has no faults; it counts what the logs say."""

from datetime import UTC, datetime, timedelta
from typing import Any

import boto3
import pytest
from moto import mock_aws

from tests.ops.test_doctor import STACK, Stack, stack  # noqa: F401 - a fixture
from tools.drill import __main__ as drill
from tools.drill import chaos
from tools.drill.report import Report

NOW = datetime.now(UTC)


def refused(capsys: pytest.CaptureFixture[str]) -> str:
    """Why the drill does not run."""
    capsys.readouterr()
    assert drill.main(["chaos", "--stack", STACK]) == 2
    return capsys.readouterr().err


def test_a_stack_without_faults_is_not_drilled(stack: Stack, capsys: pytest.CaptureFixture[str]):  # noqa: F811
    assert f"stack {STACK} has no faults: make deploy STAGE=" in refused(capsys)


def test_a_stack_with_a_live_key_is_not_drilled(stack: Stack, capsys: pytest.CaptureFixture[str]):  # noqa: F811
    stack.setting("TOPUP_CHAOS", "throttle:0.1")
    stack.put("STRIPE_SECRET_KEY", "sk_live_1")

    assert "has a live Stripe key: no drill may touch it" in refused(capsys)


def test_production_is_not_drilled(stack: Stack, capsys: pytest.CaptureFixture[str]):  # noqa: F811
    stack.setting("TOPUP_CHAOS", "throttle:0.1")
    stack.setting("SECRETS_PREFIX", "/topup/prod")

    assert "where money is real" in refused(capsys)


@pytest.mark.parametrize(
    ("stage", "key", "level", "says"),
    [
        ("staging", "sk_test_1", "warn", "requests fail on purpose, for a drill"),
        ("staging", "sk_live_1", "wrong", "with a live key"),
        ("prod", "sk_test_1", "wrong", "where money is real"),
    ],
)
def test_doctor_finds_faults_that_were_left(stack: Stack, stage: str, key: str, level: str, says: str):  # noqa: F811
    stack.setting("TOPUP_CHAOS", "throttle:0.1")
    stack.clients["cloudformation"].tags["stage"] = stage
    stack.put("STRIPE_SECRET_KEY", key)

    stack.doctor()

    [line] = [line for line in stack.lines(level) if line.split()[1] == "faults:"]
    assert says in line
    assert line.endswith(' SET="Chaos="')


def test_faults_are_counted_from_the_logs_of_all_functions():
    def write(logs: Any, function: str, *messages: str) -> None:
        where = {"logGroupName": f"/aws/lambda/{STACK}/{function}", "logStreamName": "1"}
        logs.create_log_group(logGroupName=where["logGroupName"])
        logs.create_log_stream(**where)
        events = [{"timestamp": int(NOW.timestamp() * 1000), "message": message} for message in messages]
        logs.put_log_events(**where, logEvents=events)

    with mock_aws():
        logs: Any = boto3.client("logs")
        throttled = '{"level":"WARNING","message":"fault injected","fault":"throttle","where":"Query"}'
        write(logs, "spend_credits", throttled, '{"level":"INFO","message":"spent"}', throttled)
        write(logs, "stripe_webhook", throttled.replace("throttle", "timeout_after"))
        write(logs, "get_credits", '{"level":"INFO","message":"no fault"}')

        found = chaos.injected_since(STACK, NOW - timedelta(minutes=1))

    assert found == {("throttle", "Query"): 2, ("timeout_after", "Query"): 1}


def test_a_report_ends_with_its_problems():
    report = Report("A drill")
    with report.step("Something") as step:
        step.show("make audit", "2 users\n")
    assert report.markdown().endswith("$ make audit\n2 users\n```\n\n**Problems:** none\n")

    report.problems.append("a lot is missing")

    assert report.markdown().endswith("**Problems:** 1\n\n- a lot is missing\n")
