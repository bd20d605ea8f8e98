"""`audit` as a command: what it prints, in which order, and its exit codes."""

import shutil
from collections.abc import Callable, Iterator
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest
import stripe
from botocore.exceptions import ClientError

from local.in_process.environment import NOW
from ops import cli, opened
from ops.audit import Audit, exported
from ops.audit import command as audit_command
from ops.audit.stripe_side import StripeSide, Window
from ops.errors import CannotRunError
from ops.export import files
from tests.ops.test_commands import Aws, aws
from tests.unit.test_comparison import a_record
from topup.domain.comparison import MoneyRecord, RecordKind
from topup.domain.errors import Refusal, StripeFailed
from topup.runtime import config
from topup.runtime.telemetry import count, logger

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


# ---------------------------------------------------------------------------------------------------- with Stripe


def test_with_stripe_it_uses_the_stacks_settings_and_its_key(
    aws: Aws, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    aws.has_stack(OrdersTableName="orders-1", CreditsTableName="credits-1")
    aws.has_stack(OrdersTableName="orders-1", CreditsTableName="credits-1", ApiUrl="https://a", WebhookUrl="https://w")
    aws.has_resource("StripeWebhookFunction")
    variables = {"STACK_NAME": "topup-prod", "FORMER_STACK_NAMES": "topup-old", "SECRETS_PREFIX": "/topup/prod"}
    aws.stub("lambda").add_response(
        "get_function_configuration",
        {"Environment": {"Variables": {**variables, "SECRETS": "STRIPE_SECRET_KEY", "FRONTEND_URL": "https://shop"}}},
        {"FunctionName": "topup-prod-StripeWebhookFunction-1"},
    )
    name = "/topup/prod/STRIPE_SECRET_KEY"
    aws.stub("ssm").add_response(
        "get_parameters",
        {"Parameters": [{"Name": name, "Value": "sk_test_stored"}]},
        {"Names": [name], "WithDecryption": True},
    )
    aws.stub("cloudwatch").add_response("put_metric_data", {}, METRIC)
    seen: list[Any] = []

    class Side:
        def __init__(self, window: Window, found: Audit, repair: Callable[[MoneyRecord], str]) -> None:
            self.found = found
            seen.append((window.since, window.until, repair(a_record(created_at=datetime(2020, 1, 1, tzinfo=UTC)))))

        def read(self, _progress: Any) -> None:
            settings = config.settings()
            seen.append((config.stripe_secret_key(), settings.stack_names, settings.orders_table))

        def meet(self, _payment: Any) -> None: ...

        def judge(self) -> None:
            logger.error("for CloudWatch")
            count("ForCloudWatch")
            self.found.findings.append("a difference")

        def close(self) -> None: ...

    monkeypatch.setattr(audit_command, "StripeSide", Side)
    monkeypatch.setattr(audit_command, "audit", lambda *_, **__: None)

    times = ["--since", "2026-10-01", "--until", "2026-11-01T12:00:00+02:00"]
    assert cli.main(["audit", "--stack", "topup-prod", "--stripe", *times]) == 1

    assert seen == [
        (
            datetime(2026, 10, 1, tzinfo=UTC),
            datetime(2026, 11, 1, 10, tzinfo=UTC),
            "make reconcile STACK=topup-prod WINDOW_HOURS=720 ALL=1",
        ),
        ("sk_test_stored", ("topup-prod", "topup-old"), "orders-1"),
    ]
    assert capsys.readouterr().out.splitlines()[0] == "a difference"


@pytest.mark.parametrize(
    ("options", "problem"),
    [
        (["--window-hours", "5"], "a window is for --stripe (make: STRIPE=1)"),
        (["--since", "2026-10-01"], "a window is for --stripe (make: STRIPE=1)"),
    ],
)
def test_a_window_without_stripe_is_refused(options: list[str], problem: str, capsys: pytest.CaptureFixture[str]):
    assert cli.main(["audit", "--stack", "topup-prod", *options]) == 2
    assert problem in capsys.readouterr().err


def test_a_window_that_ends_before_it_begins_is_refused():
    options = cli.parser().parse_args(["audit", "--stripe", "--since", "2026-10-02", "--until", "2026-10-01"])

    with pytest.raises(CannotRunError, match="--since 2026-10-02T00:00:00Z is not before --until 2026-10-01T00:00:00Z"):
        audit_command._window(options, datetime(2026, 11, 1, tzinfo=UTC))


def test_nothing_is_compared_that_was_created_after_an_export():
    options = cli.parser().parse_args(["audit", "--stripe", "--from", "x", "--until", "2026-10-05"])

    window = audit_command._window(options, datetime(2026, 10, 1, tzinfo=UTC))

    assert window.until == datetime(2026, 10, 1, tzinfo=UTC)


@pytest.mark.parametrize(
    ("options", "hours"), [([], 720), (["--window-hours", "48"], 48), (["--until", "2026-10-01"], 720)]
)
def test_the_window_ends_now_or_as_given_and_is_a_month_long_unless_told_otherwise(options: list[str], hours: int):
    parsed = cli.parser().parse_args(["audit", "--stripe", *options])

    window = audit_command._window(parsed, datetime(2026, 11, 1, tzinfo=UTC))

    assert window.until == (parsed.until or datetime(2026, 11, 1, tzinfo=UTC))
    assert window.until - window.since == timedelta(hours=hours)


def test_stripes_refusal_is_one_line_without_stripes_message():
    cause = stripe.AuthenticationError("Invalid API Key: sk_test_…", http_status=401)
    error = StripeFailed("Stripe could not do this", refusal=Refusal.OF_ACCESS)
    error.__cause__ = cause

    assert opened.words(error) == "AuthenticationError (401)"


@pytest.mark.parametrize(
    ("kind", "age", "says"),
    [
        ("refund", {"seconds": 1}, "make reconcile WINDOW_HOURS=1 ALL=1"),
        ("dispute", {"hours": 2, "seconds": 1}, "make reconcile WINDOW_HOURS=3 ALL=1"),
        ("refund", {"hours": 720}, "make reconcile WINDOW_HOURS=720 ALL=1"),
        (
            "dispute",
            {"hours": 721},
            "older than reconcile reaches: change the dispute's metadata at Stripe, so that it sends an event",
        ),
        ("payment", {"hours": 721}, "make reconcile WINDOW_HOURS=720 ALL=1"),
    ],
)
def test_each_difference_names_what_repairs_it(kind: str, age: dict[str, int], says: str):
    record = a_record(kind=RecordKind(kind), created_at=NOW - timedelta(**age))

    assert audit_command._repair(None, lambda: NOW)(record) == says


# --------------------------------------------------------------------------------------------------- of an export


def write_export(directory: Path, *, right: bool = True) -> None:
    wallet = {"user_id": {"S": "u"}, "record": {"S": "WALLET"}, "balance": {"N": "0" if right else "5"}}
    files.write(directory / "credits", [wallet], NOW, lambda _written: None)
    files.write(directory / "orders", [], NOW, lambda _written: None)


def test_an_export_needs_no_stack(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_export(tmp_path)

    assert cli.main(["audit", "--from", str(tmp_path)]) == 0
    assert capsys.readouterr().out == "1 users, 0 entries, 0 lots, 0 payments: no violations\n"


def test_violations_of_a_stacks_export_are_told_to_its_alarm(
    tmp_path: Path, aws: Aws, capsys: pytest.CaptureFixture[str]
):
    write_export(tmp_path, right=False)
    metric = {**METRIC, "MetricData": [METRIC["MetricData"][0] | {"Value": 2}]}  # type: ignore[operator]
    aws.stub("cloudwatch").add_response("put_metric_data", {}, metric)

    assert cli.main(["audit", "--stack", "topup-prod", "--from", str(tmp_path)]) == 1
    assert "user u: the wallet's balance is 5, the ledger makes it 0\n" in capsys.readouterr().out


def test_many_items_are_audited_on_every_core(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    write_export(tmp_path)
    monkeypatch.setattr(audit_command, "MANY", 0)
    monkeypatch.setattr("os.cpu_count", lambda: 7)
    opened: list[int] = []
    whole = exported.opened

    def watched(export: Any, found: Audit, say: Any, processes: int) -> Any:
        opened.append(processes)
        return whole(export, found, say, 1)

    monkeypatch.setattr(exported, "opened", watched)

    assert cli.main(["audit", "--from", str(tmp_path)]) == 0
    assert opened == [7]


def test_with_stripe_an_export_is_compared_by_the_account_of_the_stack(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
):
    write_export(tmp_path)
    seen: list[Any] = []

    class Side(StripeSide):
        def __init__(self, window: Window, found: Audit, repair: Callable[[MoneyRecord], str], **more: Any) -> None:
            super().__init__(window, found, repair, **more)
            seen.append((window.until, more["pauses"]))

        def read(self, _progress: Any = None) -> None: ...

    @contextmanager
    def stack(options: Any) -> Iterator[Callable[[], datetime]]:
        seen.append(options.stack)
        yield lambda: NOW

    monkeypatch.setattr(audit_command, "StripeSide", Side)
    monkeypatch.setattr("ops.opened.stack", stack)

    assert cli.main(["audit", "--from", str(tmp_path), "--stripe"]) == 0
    assert seen == [None, (NOW, (0.0,))]


def test_lines_that_are_no_records_end_it(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    write_export(tmp_path)
    shutil.rmtree(tmp_path / "orders")
    files.write_lines(tmp_path / "orders", [b"no JSON\n"], NOW, lambda _written: None)

    assert cli.main(["audit", "--from", str(tmp_path)]) == 2
    assert "cannot run audit: the export could not be sorted in " in capsys.readouterr().err


def test_a_killed_process_ends_it(tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]):
    write_export(tmp_path)

    def killed(*_: object, **__: object) -> None:
        raise BrokenProcessPool

    monkeypatch.setattr(exported, "judge_users", killed)

    assert cli.main(["audit", "--from", str(tmp_path)]) == 2
    assert "a process of the audit was killed: is there too little memory?" in capsys.readouterr().err
