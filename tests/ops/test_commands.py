"""`make audit`, `reconcile` and `replay-expiry` over a deployed stack: what they ask AWS for, and how they refuse."""

import io
import json
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.response import StreamingBody
from botocore.stub import Stubber

from ops import audit, reconcile, replay_expiry, target
from ops.target import TargetError

RECORD = {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "1", "Keys": {"record": {"S": "EXPIRY#lot"}}}}


class Aws:
    """AWS's clients, each of which answers as it was told, and to nothing else."""

    def __init__(self) -> None:
        self._clients: dict[str, Any] = {}
        self._stubs: dict[str, Stubber] = {}

    def client(self, service: str, **_: Any) -> Any:
        self.stub(service)
        return self._clients[service]

    def stub(self, service: str) -> Stubber:
        if service not in self._stubs:
            self._clients[service] = make_client(service, region_name="eu-central-1")
            self._stubs[service] = Stubber(self._clients[service])
            self._stubs[service].activate()
        return self._stubs[service]

    def has_stack(self, **outputs: str) -> None:
        described = {
            "StackName": "topup-prod",
            "StackStatus": "CREATE_COMPLETE",
            "CreationTime": "2026-01-01T00:00:00Z",
            "Outputs": [{"OutputKey": name, "OutputValue": value} for name, value in outputs.items()],
        }
        self.stub("cloudformation").add_response(
            "describe_stacks", {"Stacks": [described]}, {"StackName": "topup-prod"}
        )

    def has_function(self, logical_id: str, answer: Any, event: dict[str, Any], error: str | None = None) -> None:
        resource = {
            "StackResourceDetail": {
                "LogicalResourceId": logical_id,
                "PhysicalResourceId": f"topup-prod-{logical_id}-1",
                "ResourceType": "AWS::Lambda::Function",
                "LastUpdatedTimestamp": "2026-01-01T00:00:00Z",
                "ResourceStatus": "CREATE_COMPLETE",
            }
        }
        wanted = {"StackName": "topup-prod", "LogicalResourceId": logical_id}
        self.stub("cloudformation").add_response("describe_stack_resource", resource, wanted)
        invoked = {"StatusCode": 200, "Payload": a_body(json.dumps(answer).encode())}
        name = f"topup-prod-{logical_id}-1"
        asked = {"FunctionName": name, "Qualifier": "live", "Payload": json.dumps(event).encode()}
        self.stub("lambda").add_response("invoke", invoked | ({"FunctionError": error} if error else {}), asked)

    def done(self) -> None:
        for stub in self._stubs.values():
            stub.assert_no_pending_responses()


make_client: Any = boto3.client


def a_body(content: bytes) -> StreamingBody:
    return StreamingBody(io.BytesIO(content), len(content))


@pytest.fixture
def aws(monkeypatch: pytest.MonkeyPatch) -> Iterator[Aws]:
    made = Aws()
    monkeypatch.setattr("boto3.client", made.client)
    yield made
    made.done()


def a_report(**figures: Any) -> dict[str, Any]:
    return {"events": 3, "failures": 0, "complete": True, "repaired": 0, **figures}


def a_batch(tmp_path: Path, payload: Any = None) -> str:
    path = tmp_path / "batch.json"
    path.write_text(json.dumps({"version": "1.0", "payload": payload or json.dumps({"Records": [RECORD]})}))
    return str(path)


# -------------------------------------------------------------------------------------------------------- where


@pytest.mark.parametrize("command", [audit.main, reconcile.main])
def test_without_a_stack_a_command_says_what_is_missing(
    command: Any, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert command([], root=tmp_path) == 2

    said = capsys.readouterr().err
    assert said.endswith("no local stack is running: start one with `make run`, or name a deployed one with STACK=…\n")
    assert said.count("\n") == 1


def test_the_note_of_a_stack_that_is_gone_counts_for_nothing(tmp_path: Path):
    (tmp_path / ".cache/local").mkdir(parents=True)
    note = {"addresses": {"api": "http://localhost:1"}, "environment": {}}
    (tmp_path / ".cache/local/stack.json").write_text(json.dumps(note))

    with pytest.raises(TargetError, match="no local stack is running"):
        target.local_stack(tmp_path)


def test_the_tables_of_a_deployed_stack_are_its_outputs(aws: Aws):
    aws.has_stack(OrdersTableName="orders-1", CreditsTableName="credits-1", ApiUrl="https://api.example")

    found = target.deployed_tables("topup-prod")

    assert (found["ORDERS_TABLE"], found["CREDITS_TABLE"]) == ("orders-1", "credits-1")


def test_a_stack_of_somebody_elses_is_refused(aws: Aws, capsys: pytest.CaptureFixture[str]):
    aws.has_stack(ApiUrl="https://api.example")

    assert audit.main(["--stack", "topup-prod"]) == 2
    assert "stack topup-prod has no output CreditsTableName, OrdersTableName" in capsys.readouterr().err


def test_what_aws_refuses_is_told_in_one_line(aws: Aws, capsys: pytest.CaptureFixture[str]):
    aws.stub("cloudformation").add_client_error("describe_stacks", "ValidationError", "Stack topup-prod does not exist")

    assert audit.main(["--stack", "topup-prod"]) == 2
    said = capsys.readouterr().err
    assert said.startswith("cannot audit: stack topup-prod: ")
    assert "Stack topup-prod does not exist" in said
    assert said.count("\n") == 1


# ---------------------------------------------------------------------------------------------------- reconcile


@pytest.mark.parametrize(
    ("report", "code"), [(a_report(), 0), (a_report(failures=1), 1), (a_report(complete=False), 1)]
)
def test_reconcile_runs_the_deployed_function_and_shows_its_report(
    aws: Aws, capsys: pytest.CaptureFixture[str], report: dict[str, Any], code: int
):
    aws.has_function("ReconcileFunction", report, {"window_hours": 48, "sweep_after_hours": 0})

    ended = reconcile.main(["--stack", "topup-prod", "--window-hours", "48", "--sweep-after-hours", "0"])

    assert ended == code
    assert json.loads(capsys.readouterr().out) == report


def test_a_function_that_failed_is_told_as_such(aws: Aws, capsys: pytest.CaptureFixture[str]):
    failure = {"errorType": "ValueError", "errorMessage": "window_hours must be a whole number"}
    aws.has_function("ReconcileFunction", failure, {"window_hours": 9999}, error="Unhandled")

    assert reconcile.main(["--stack", "topup-prod", "--window-hours", "9999"]) == 2
    assert "ValueError: window_hours must be a whole number" in capsys.readouterr().err


# ------------------------------------------------------------------------------------------------ replay-expiry


@pytest.mark.parametrize(("failures", "code", "said"), [([], 0, "1 done, 0 failed"), (["1"], 1, "0 done, 1 failed")])
def test_a_failed_batch_is_run_again_by_the_deployed_function(
    aws: Aws, tmp_path: Path, capsys: pytest.CaptureFixture[str], failures: list[str], code: int, said: str
):
    answer = {"batchItemFailures": [{"itemIdentifier": number} for number in failures]}
    aws.has_function("ExpireCreditsFunction", answer, {"Records": [RECORD]})

    assert replay_expiry.main([a_batch(tmp_path), "--stack", "topup-prod"]) == code

    told = capsys.readouterr().out
    assert said in told
    assert ("failed: " in told) is bool(failures)


def test_a_batch_may_lie_in_the_bucket_and_its_payload_may_be_an_object(aws: Aws):
    content = json.dumps({"payload": {"Records": [RECORD]}}).encode()
    aws.stub("s3").add_response("get_object", {"Body": a_body(content)}, {"Bucket": "failures", "Key": "aws/lambda/1"})

    assert replay_expiry.read("s3://failures/aws/lambda/1") == {"Records": [RECORD]}


@pytest.mark.parametrize("payload", ["no JSON", {"Records": 1}, [1]])
def test_what_is_no_failed_batch_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], payload: Any):
    assert replay_expiry.main([a_batch(tmp_path, payload)]) == 2
    assert "is no failed batch" in capsys.readouterr().err


def test_a_file_that_is_not_there_is_named(capsys: pytest.CaptureFixture[str]):
    assert replay_expiry.main(["/nowhere.json"]) == 2
    assert capsys.readouterr().err == "cannot replay: /nowhere.json: No such file or directory\n"
