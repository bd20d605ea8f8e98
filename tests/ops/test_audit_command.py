"""`audit` as a command: what it prints, in which order, and its exit codes."""

from collections.abc import Callable
from typing import Any

import pytest
from botocore.exceptions import ClientError

from ops import cli
from ops.audit import Audit
from ops.audit import command as audit_command
from tests.ops.test_commands import Aws, aws

__all__ = ["aws"]

METRIC = {
    "Namespace": "Topup",
    "MetricData": [
        {
            "MetricName": "AuditViolations",
            "Dimensions": [{"Name": "service", "Value": "topup-prod"}],
            "Unit": "Count",
            "Value": 1,
        }
    ],
}


@pytest.fixture
def reads(monkeypatch: pytest.MonkeyPatch, aws: Aws) -> Callable[..., None]:
    """Let the audit of the tables find this, and then fail, if an error is given."""
    aws.has_stack(OrdersTableName="orders-1", CreditsTableName="credits-1")

    def reads(error: Exception | None = None, **found_there: Any) -> None:
        def audit(*_: Any, found: Audit, **__: Any) -> Audit:
            vars(found).update(found_there)
            if error:
                raise error
            return found

        monkeypatch.setattr(audit_command, "audit", audit)

    return reads


def run(capsys: pytest.CaptureFixture[str]) -> tuple[int, str, str]:
    code = cli.main(["audit", "--stack", "topup-prod"])
    printed = capsys.readouterr()
    return code, printed.out, printed.err


def test_it_prints_the_findings_and_writes_their_number(
    reads: Callable[..., None], aws: Aws, capsys: pytest.CaptureFixture[str]
):
    reads(users=2, findings=["user u: wrong"])
    aws.stub("cloudwatch").add_response("put_metric_data", {}, METRIC)

    assert run(capsys) == (1, "user u: wrong\n2 users, 0 entries, 0 lots, 0 payments: 1 violation\n", "")


def test_a_metric_that_cannot_be_written_is_a_warning_after_the_findings(
    reads: Callable[..., None], aws: Aws, capsys: pytest.CaptureFixture[str]
):
    reads(users=2, findings=["user u: wrong"])
    aws.stub("cloudwatch").add_client_error("put_metric_data", "AccessDenied", "You may not")

    code, out, err = run(capsys)

    assert (code, out) == (1, "user u: wrong\n2 users, 0 entries, 0 lots, 0 payments: 1 violation\n")
    assert err.startswith("warning: the metric AuditViolations was not written: stack topup-prod, its metrics: ")
    assert err.count("\n") == 1


def test_who_was_not_judged_is_named_and_is_no_violation(
    reads: Callable[..., None], aws: Aws, capsys: pytest.CaptureFixture[str]
):
    reads(users=2, busy=["user u"])
    metric = {**METRIC, "MetricData": [METRIC["MetricData"][0] | {"Value": 0}]}  # type: ignore[operator]
    aws.stub("cloudwatch").add_response("put_metric_data", {}, metric)

    code, out, _ = run(capsys)

    assert code == 0
    assert out.splitlines() == [
        "user u: busy, not judged: it changed at every try to read it; audit again at a quieter hour",
        "2 users, 0 entries, 0 lots, 0 payments: no violations, 1 busy, not judged",
    ]


def test_a_table_that_keeps_failing_ends_it_with_what_was_found_so_far_and_how_far_it_got(
    reads: Callable[..., None], capsys: pytest.CaptureFixture[str]
):
    response: Any = {"Error": {"Code": "ThrottlingException", "Message": "slow down"}}
    reads(ClientError(response, "Scan"), users=2, entries=7, findings=["user u: wrong"])

    code, out, err = run(capsys)

    assert (code, out) == (2, "user u: wrong\n")
    assert err == (
        "cannot run audit: stack topup-prod: An error occurred (ThrottlingException) when calling the Scan operation: "
        "slow down → the table is busy: run it again at a quieter hour "
        "(not everything was read: 2 users, 7 entries, 0 lots, 0 payments: 1 violation)\n"
    )
