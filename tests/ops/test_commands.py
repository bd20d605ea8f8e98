"""`audit`, `reconcile` and `replay-expiry` on a deployed stack: their requests to AWS, and what they print."""

import io
import json
import socket
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Any

import boto3
import pytest
from botocore.exceptions import NoCredentialsError
from botocore.response import StreamingBody
from botocore.stub import Stubber

from local.discovery import RunningStack
from ops import cli, replay, target
from ops.errors import CannotRunError
from ops.reconcile import as_table
from topup.reconciliation import Report, Tally

RECORD = {"eventName": "REMOVE", "dynamodb": {"SequenceNumber": "1", "Keys": {"record": {"S": "EXPIRY#lot"}}}}


class Aws:
    """Clients of AWS that expect exactly the requests that a test has announced, and return its responses."""

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

    def has_resource(self, logical_id: str) -> None:
        resource = {
            "StackResourceDetail": {
                "LogicalResourceId": logical_id,
                "PhysicalResourceId": f"topup-prod-{logical_id}-1",
                "ResourceType": "AWS::Lambda::Function",
                "LastUpdatedTimestamp": "2026-01-01T00:00:00Z",
                "ResourceStatus": "CREATE_COMPLETE",
            }
        }
        self.stub("cloudformation").add_response(
            "describe_stack_resource", resource, {"StackName": "topup-prod", "LogicalResourceId": logical_id}
        )

    def has_function(self, logical_id: str, result: Any, event: dict[str, Any], error: str | None = None) -> None:
        self.has_resource(logical_id)
        invoked = {"StatusCode": 200, "Payload": a_body(json.dumps(result).encode())}
        name = f"topup-prod-{logical_id}-1"
        request = {"FunctionName": name, "Qualifier": "live", "Payload": json.dumps(event).encode()}
        self.stub("lambda").add_response("invoke", invoked | ({"FunctionError": error} if error else {}), request)

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
    """As functions/reconcile/app.py returns it."""
    report = asdict(Report(events=Tally(found=3, repaired=2, ended=1))) | {"repaired": 2, "ended": 1}
    return report | figures


def a_batch(tmp_path: Path, payload: Any = None) -> str:
    path = tmp_path / "batch.json"
    path.write_text(json.dumps({"version": "1.0", "payload": payload or json.dumps({"Records": [RECORD]})}))
    return str(path)


# ------------------------------------------------------------------------------------------------- which stack


@pytest.mark.parametrize("command", ["audit", "reconcile"])
def test_without_a_stack_a_command_says_what_is_missing(
    command: str, tmp_path: Path, capsys: pytest.CaptureFixture[str]
):
    assert cli.main([command], root=tmp_path) == 2

    assert capsys.readouterr().err == (
        f"cannot run {command}: no local stack is running: "
        "start one with `make run`, or name a deployed one with --stack (make: STACK=)\n"
    )


def test_a_local_stack_that_does_not_respond_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    monkeypatch.setattr("local.discovery.find", lambda _root: RunningStack("http://127.0.0.1:1", {}))

    assert cli.main(["reconcile"], root=tmp_path) == 2
    assert capsys.readouterr().err.startswith("cannot run reconcile: the local stack at http://127.0.0.1:1: ")


def test_the_note_of_a_stopped_stack_is_ignored(tmp_path: Path):
    notes = tmp_path / ".cache/local/stacks"
    notes.mkdir(parents=True)
    (notes / "1.json").write_text(json.dumps(a_note("http://localhost:1")))
    (notes / "2.json").write_text("{")

    with pytest.raises(CannotRunError, match="no local stack is running"):
        target.local_stack(tmp_path)
    assert list(notes.iterdir()) == []


def a_note(api: str, started_at: str = "2026-11-26T08:00:00+00:00") -> dict[str, Any]:
    return {"pid": 1, "started_at": started_at, "addresses": {"api": api}, "environment": {"of": api}}


def test_of_several_running_stacks_the_latest_is_found(tmp_path: Path):
    notes = tmp_path / ".cache/local/stacks"
    notes.mkdir(parents=True)
    with socket.socket() as one, socket.socket() as other:
        for number, listening in enumerate((one, other)):
            listening.bind(("127.0.0.1", 0))
            listening.listen()
            api = f"http://localhost:{listening.getsockname()[1]}"
            (notes / f"{number}.json").write_text(json.dumps(a_note(api, f"2026-11-26T08:00:0{number}+00:00")))
        assert target.local_stack(tmp_path).api == api

    assert len(list(notes.iterdir())) == 2


def test_the_tables_of_a_deployed_stack_are_its_outputs(aws: Aws):
    aws.has_stack(OrdersTableName="orders-1", CreditsTableName="credits-1", ApiUrl="https://api.example")

    found = target.deployed_tables("topup-prod")

    assert (found["ORDERS_TABLE"], found["CREDITS_TABLE"]) == ("orders-1", "credits-1")


def test_another_products_stack_is_refused(aws: Aws, capsys: pytest.CaptureFixture[str]):
    aws.has_stack(ApiUrl="https://api.example")

    assert cli.main(["audit", "--stack", "topup-prod"]) == 2
    assert "stack topup-prod has no output CreditsTableName, OrdersTableName" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("code", "message", "advice"),
    [
        ("ValidationError", "Stack topup-prod does not exist", "check the stack's name, AWS_PROFILE and AWS_REGION"),
        ("ExpiredToken", "The security token has expired", "sign in to AWS (`aws sso login`), or set AWS_PROFILE"),
        ("AccessDenied", "You may not", "docs/runbook.md lists the permissions that each command needs"),
    ],
)
@pytest.mark.parametrize("command", ["audit", "doctor", "stripe-webhook"])
def test_a_refusal_by_aws_is_one_line_with_advice(
    aws: Aws, capsys: pytest.CaptureFixture[str], command: str, code: str, message: str, advice: str
):
    aws.stub("cloudformation").add_client_error("describe_stacks", code, message)

    assert cli.main([command, "--stack", "topup-prod"]) == 2

    printed = capsys.readouterr().err
    assert printed.startswith(f"cannot run {command}: stack topup-prod: ")
    assert printed.endswith(f"{message} → {advice}\n")
    assert printed.count("\n") == 1


def test_missing_credentials_are_one_line_with_advice(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    def refused(*_: Any, **__: Any) -> Any:
        raise NoCredentialsError

    monkeypatch.setattr("boto3.client", refused)

    assert cli.main(["reconcile", "--stack", "topup-prod"]) == 2
    assert capsys.readouterr().err == (
        "cannot run reconcile: stack topup-prod, ReconcileFunction: Unable to locate credentials "
        "→ sign in to AWS (`aws sso login`), or set AWS_PROFILE\n"
    )


# ---------------------------------------------------------------------------------------------------- reconcile


@pytest.mark.parametrize(
    ("report", "code"), [(a_report(), 0), (a_report(failures=1), 1), (a_report(complete=False), 1)]
)
def test_reconcile_runs_the_deployed_function_and_prints_its_report(
    aws: Aws, capsys: pytest.CaptureFixture[str], report: dict[str, Any], code: int
):
    aws.has_function("ReconcileFunction", report, {"window_hours": 48, "sweep_after_hours": 0})

    hours = ["--window-hours", "48", "--sweep-after-hours", "0"]
    assert cli.main(["reconcile", "--stack", "topup-prod", "--json", *hours]) == code

    assert json.loads(capsys.readouterr().out) == report


@pytest.mark.parametrize(
    ("figures", "last_line"),
    [
        ({}, "complete: 2 repaired, 0 failures"),
        ({"complete": False, "failures": 4}, "not complete: 2 repaired, 4 failures"),
    ],
)
def test_the_report_is_a_table_of_steps(
    aws: Aws, capsys: pytest.CaptureFixture[str], figures: dict[str, Any], last_line: str
):
    aws.has_function("ReconcileFunction", a_report(**figures), {})

    cli.main(["reconcile", "--stack", "topup-prod"])

    assert capsys.readouterr().out.splitlines() == [
        "step               found  repaired   ended  failed",
        "refunds                0         0       0       0",
        "payments               0         0       0       0",
        "lots                   0         0       0       0",
        "events                 3         2       1       0",
        "paid_events            0         0       0       0",
        "reversal_events        0         0       0       0",
        "stripe_refunds         0         0       0       0",
        "stripe_disputes        0         0       0       0",
        "fraud_warnings         0         0       0       0",
        "",
        last_line,
    ]


def test_the_table_has_a_row_for_each_step_of_the_functions_report():
    report = asdict(Report()) | {"repaired": 0}

    rows = [line.split()[0] for line in as_table(report).splitlines()[1:10]]
    at_stripe = ["events", "paid_events", "reversal_events", "stripe_refunds", "stripe_disputes", "fraud_warnings"]
    assert rows == ["refunds", "payments", "lots", *at_stripe]


def test_what_is_stuck_is_listed_and_no_success(aws: Aws, capsys: pytest.CaptureFixture[str]):
    stuck = {"sweep": "events", "id": "evt_1", "reason": "InvalidEvent", "first_seen": "2026-10-05T10:30:00Z"}
    aws.has_function("ReconcileFunction", a_report(stuck=[stuck]), {})

    assert cli.main(["reconcile", "--stack", "topup-prod"]) == 1

    assert "stuck since 2026-10-05T10:30:00Z: evt_1 (InvalidEvent)" in capsys.readouterr().out.splitlines()


def test_reconcile_asks_for_delivered_events_and_names_what_is_settled(aws: Aws):
    aws.has_function("ReconcileFunction", a_report(), {"all": True, "settled": ["evt_1", "re_1"]})

    settled = ["--settled", "evt_1", "--settled", "re_1"]
    assert cli.main(["reconcile", "--stack", "topup-prod", "--all", *settled]) == 0


def test_a_run_that_is_not_complete_says_to_run_it_again(aws: Aws, capsys: pytest.CaptureFixture[str]):
    aws.has_function("ReconcileFunction", a_report(complete=False), {})

    assert cli.main(["reconcile", "--stack", "topup-prod"]) == 1
    assert capsys.readouterr().err == "it ran out of time: run it again for the rest\n"


def test_a_failure_of_the_function_is_reported(aws: Aws, capsys: pytest.CaptureFixture[str]):
    failure = {"errorType": "ValueError", "errorMessage": "window_hours must be a whole number"}
    aws.has_function("ReconcileFunction", failure, {"window_hours": 9999}, error="Unhandled")

    assert cli.main(["reconcile", "--stack", "topup-prod", "--window-hours", "9999"]) == 2
    assert "ValueError: window_hours must be a whole number" in capsys.readouterr().err


# ------------------------------------------------------------------------------- replay-expiry, replay-events


@pytest.mark.parametrize(("failures", "code", "summary"), [([], 0, "1 done, 0 failed"), (["1"], 1, "0 done, 1 failed")])
@pytest.mark.parametrize("command", ["replay-expiry", "replay-events"])
def test_a_failed_batch_is_run_again_by_the_deployed_function(
    aws: Aws,
    tmp_path: Path,
    capsys: pytest.CaptureFixture[str],
    command: str,
    failures: list[str],
    code: int,
    summary: str,
):
    result = {"batchItemFailures": [{"itemIdentifier": number} for number in failures]}
    aws.has_function(replay.CONSUMERS[command].logical_id, result, {"Records": [RECORD]})

    assert cli.main([command, a_batch(tmp_path), "--stack", "topup-prod"]) == code

    printed = capsys.readouterr().out
    assert summary in printed
    assert ("failed: " in printed) is bool(failures)


def test_a_batch_may_be_in_the_bucket_and_its_payload_may_be_an_object(aws: Aws):
    content = json.dumps({"payload": {"Records": [RECORD]}}).encode()
    aws.stub("s3").add_response("get_object", {"Body": a_body(content)}, {"Bucket": "failures", "Key": "aws/lambda/1"})

    assert replay.read("s3://failures/aws/lambda/1", replay.CONSUMERS["replay-expiry"]) == {"Records": [RECORD]}


@pytest.mark.parametrize("payload", ["no JSON", {"Records": 1}, [1]])
def test_a_file_that_is_not_a_failed_batch_is_refused(tmp_path: Path, capsys: pytest.CaptureFixture[str], payload: Any):
    assert cli.main(["replay-expiry", a_batch(tmp_path, payload)]) == 2
    assert "is not a failed batch" in capsys.readouterr().err


@pytest.mark.parametrize(
    ("command", "function", "right"),
    [
        ("replay-expiry", "topup-prod-PublishEventsFunction-1:live", "publish_events: run replay-events"),
        ("replay-events", "expire_credits", "expire_credits: run replay-expiry"),
    ],
)
def test_a_batch_of_the_other_function_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], command: str, function: str, right: str
):
    path = tmp_path / "batch.json"
    arn = f"arn:aws:lambda:eu-central-1:123456789012:function:{function}"
    path.write_text(json.dumps({"requestContext": {"functionArn": arn}, "payload": json.dumps({"Records": []})}))

    assert cli.main([command, str(path)]) == 2
    assert right in capsys.readouterr().err


def test_a_missing_file_is_named(capsys: pytest.CaptureFixture[str]):
    assert cli.main(["replay-expiry", "/nowhere.json"]) == 2
    assert capsys.readouterr().err == "cannot run replay-expiry: /nowhere.json: No such file or directory\n"


@pytest.mark.parametrize("arguments", [[], [""], ["--stack", "topup-prod"]])
def test_a_batch_that_is_not_named_is_asked_for(arguments: list[str], capsys: pytest.CaptureFixture[str]):
    assert cli.main(["replay-expiry", *arguments]) == 2
    assert capsys.readouterr().err == (
        "cannot run replay-expiry: FILE is missing (make: FILE=): name the failed batch, a path or s3://BUCKET/KEY\n"
    )
