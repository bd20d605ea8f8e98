"""The operator's commands on a local stack that `make run` has started: they find it without its address."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import boto3
import pytest

from local import settings, tokens
from local.client import document
from local.discovery import NOTES, find
from local.launcher import START_TIMEOUT, STOP_TIMEOUT, Stack
from ops import cli
from ops.audit import stripe_side
from tests.e2e.buyer import NewBuyer, eventually
from tools.pictures import scenes

TWO_HUNDRED_DAYS = 200 * 86_400  # seconds
FAILURES = ".cache/local/expiry-failures"


@contextmanager
def started(project: Path) -> Iterator[Stack]:
    """The stack as `make run` starts it, but on free ports."""
    command = [sys.executable, "-m", "local", "--no-dotenv", "--until-stdin-ends"]
    inherited = {name: value for name, value in os.environ.items() if name not in settings.KNOWN}
    with subprocess.Popen(
        command,
        cwd=project,
        env=inherited | dict.fromkeys(settings.DEFAULT_PORTS, "0"),
        stdin=subprocess.PIPE,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        text=True,
    ) as process:
        try:
            eventually(lambda: find(project) is not None or process.poll() is not None, START_TIMEOUT)
            yield _stack_of(project, process)
        finally:
            process.terminate()
            process.wait(STOP_TIMEOUT)


def _stack_of(project: Path, process: "subprocess.Popen[str]") -> Stack:
    found = find(project)
    assert found is not None
    values = settings.load(project, {}, dotenv=False).values
    return Stack(
        **{f"{name}_url": address for name, address in found.addresses.items()},
        user_token="",
        admin_token=tokens.mint_admin(values, "admin-1", datetime.now(UTC)),
        api_key=values["PROXY_API_KEY"],
        log="logs/app.log",
        seconds=0,
        values=values,
        process=process,
    )


def test_the_commands_find_the_running_stack_and_no_other(
    project: Path, new_buyer: NewBuyer, capsys: pytest.CaptureFixture[str]
):
    with started(project) as stack:
        [note] = [path.read_text() for path in (project / NOTES).iterdir()]
        assert not any(stack.values[secret] in note for secret in settings.SECRETS)
        buyer = new_buyer(stack)
        buyer.buy()
        buyer.spend(100, "one")

        assert cli.main(["audit"], root=project) == 0
        assert capsys.readouterr().out == "1 users, 2 entries, 1 lots, 1 payments: no violations\n"
        assert cli.main(["reconcile", "--window-hours", "1"], root=project) == 0
        assert capsys.readouterr().out.endswith("\ncomplete: 0 repaired, 0 failures\n")
        assert cli.main(["reconcile", "--json"], root=project) == 0
        assert json.loads(capsys.readouterr().out)["repaired"] == 0
        assert cli.main(["reconcile", "--window-hours", "721"], root=project) == 2
        assert "window_hours must be a whole number" in capsys.readouterr().err

    assert list((project / NOTES).iterdir()) == []
    assert cli.main(["audit"], root=project) == 2


def test_credits_are_imported_and_a_month_is_closed(
    project: Path, new_buyer: NewBuyer, capsys: pytest.CaptureFixture[str]
):
    month = f"{datetime.now(UTC):%Y-%m}"
    file = project / "balances.csv"
    with started(project) as stack:
        buyer = new_buyer(stack)
        buyer.buy()
        buyer.spend(100, "one")
        file.write_text(
            "user_id,credits,expires_at,paid,currency,external_id\n"
            f"{buyer.user_id},300,,27.50,CNY,old-1\nsomebody,20,,,,old-2\n"
        )

        for imported_now in ("2 rows of 2 users", "0 rows of 0 users"):
            assert cli.main(["import", str(file)], root=project) == 0
            printed = capsys.readouterr().out.splitlines()
            assert printed[2].startswith(f"imported now      {imported_now}")
            assert printed[3] == "in the table      2 rows of 2 users: 320 credits, 20 of them free, paid 27.50 CNY"
        assert cli.main(["books", "--month", month], root=project) == 0
        of_table = capsys.readouterr()
        assert cli.main(["export", "--out", str(project / "export")], root=project) == 0
        capsys.readouterr()

    assert "| standard | 0.00 | 100.00 | -9.09 | 0.00 | 0.00 | 0.00 | 90.91 |" in of_table.out
    assert "| (no package) | 0.00 | 0.00 | 0.00 | 0.00 | 0.00 | 27.50 | 27.50 |" in of_table.out
    assert f"warning: {month} (UTC) is not over" in of_table.err
    out = project / "books"
    assert cli.main(["books", "--month", month, "--from", str(project / "export"), "--out", str(out)]) == 0
    assert capsys.readouterr().out == of_table.out
    assert sorted(path.name.partition("-")[0] for path in out.iterdir()) == ["books", "journal", "outstanding"]


def test_a_customer_is_helped_from_the_shell(
    project: Path, new_buyer: NewBuyer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    with started(project) as stack:
        buyer = new_buyer(stack)
        paid = buyer.buy()
        odd = scenes.quarantined(buyer.client, buyer.user_id)

        assert cli.main(["find", buyer.stripe.intent_of(paid)], root=project) == 0
        out = capsys.readouterr().out
        assert "checkout.session.completed" in out
        assert out.endswith(f"1100 of them are left.\nnext: make explain USER={buyer.user_id}\n")
        assert cli.main(["explain", "--user", buyer.user_id], root=project) == 0
        assert capsys.readouterr().out.startswith(f"{buyer.user_id} has 1100 credits\n")
        assert cli.main(["find", odd["payment_id"]], root=project) == 1
        assert capsys.readouterr().out.endswith("an administrator must decide.\nnext: make quarantine\n")

        monkeypatch.setattr("builtins.input", lambda _question: "yes")
        decision = ["--release", odd["payment_id"], "--action", "fulfil", "--reason", "Agreed", "--by", "alice"]
        assert cli.main(["quarantine", *decision], root=project) == 0
        assert "its credits have been granted: 550\n" in capsys.readouterr().out
        assert cli.main(["quarantine"], root=project) == 0
        capsys.readouterr()

        assert cli.main(["token", "--user", "alice", "--role", "support"], root=project) == 0
        headers = {"authorization": f"Bearer {capsys.readouterr().out.strip()}"}
        seen = document(buyer.http.get(f"{stack.api_url}/api/payments/{odd['payment_id']}", headers=headers))
        assert [release["actor"] for release in seen["releases"]] == ["admin:alice"]


def test_a_second_start_in_the_same_checkout_says_that_one_runs_and_leaves_it_alone(
    project: Path, capsys: pytest.CaptureFixture[str]
):
    with started(project) as stack:
        port = stack.api_url.rpartition(":")[2]
        inherited = {name: value for name, value in os.environ.items() if name not in settings.KNOWN}
        second = subprocess.run(
            [sys.executable, "-m", "local", "--no-dotenv"],
            cwd=project,
            env=inherited | dict.fromkeys(settings.DEFAULT_PORTS, "0") | {"API_PORT": port},
            capture_output=True,
            text=True,
            timeout=60,
            check=False,
        )

        assert second.returncode == 1
        note, refusal = second.stderr.splitlines()
        assert note.startswith("note: a stack of this checkout runs since ")
        assert note.endswith(f" at {stack.api_url} (process {stack.process.pid})")
        assert refusal == f"cannot start: port {port} (api) is in use: stop what uses it, or set API_PORT"
        assert cli.main(["audit"], root=project) == 0
        assert capsys.readouterr().out.endswith("no violations\n")


def test_the_audit_compares_with_the_running_stacks_stripe(
    project: Path, new_buyer: NewBuyer, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(stripe_side, "PAUSES", (0.1,))
    with started(project) as stack:
        buyer = new_buyer(stack)
        payment = buyer.buy()
        assert cli.main(["audit", "--stripe"], root=project) == 0
        counted = "1 users, 1 entries, 1 lots, 1 payments, 1 objects of Stripe's"
        assert capsys.readouterr().out == f"{counted}: no violations\n"

        buyer.stripe.set_webhooks(drop=1.0)
        buyer.stripe.refund(buyer.stripe.intent_of(payment), 2500)
        assert cli.main(["audit", "--stripe", "--window-hours", "1"], root=project) == 1
        finding, _ = capsys.readouterr().out.splitlines()

    assert finding.startswith(f"payment {payment['payment_id']}: refund re_")
    assert finding.endswith("it is not recorded here → make reconcile WINDOW_HOURS=1 ALL=1")


def test_a_failed_batch_succeeds_when_it_is_run_again_after_the_cause_is_fixed(
    project: Path, new_buyer: NewBuyer, capsys: pytest.CaptureFixture[str]
):
    template, consumer = project / "template.yaml", project / "functions/expire_credits/app.py"
    template.write_text(template.read_text().replace("MaximumRetryAttempts: 10", "MaximumRetryAttempts: 1"))
    correct = consumer.read_text()
    consumer.write_text(correct.replace("    expiry.expire(", "    raise OSError\n    expiry.expire("))
    with started(project) as stack:
        buyer = new_buyer(stack)
        buyer.buy()
        buyer.local.move_clock(TWO_HUNDRED_DAYS)
        eventually(lambda: list((project / FAILURES).glob("*.json")) != [])
        (batch,) = (project / FAILURES).glob("*.json")

        assert cli.main(["replay-expiry", str(batch)], root=project) == 1
        assert "1 records: 0 done, 1 failed" in capsys.readouterr().out
        consumer.write_text(correct)
        for _ in range(2):  # the second time there is nothing left to do, which is not a failure
            assert cli.main(["replay-expiry", str(batch)], root=project) == 0
            assert capsys.readouterr().out == "1 records: 1 done, 0 failed\n"

        assert buyer.amounts("expired") == [-1100]
        assert cli.main(["audit"], root=project) == 0


def test_the_audit_prints_what_is_wrong(project: Path, new_buyer: NewBuyer, capsys: pytest.CaptureFixture[str]):
    with started(project) as stack:
        buyer = new_buyer(stack)
        buyer.buy()
        tables = boto3.client(
            "dynamodb",
            endpoint_url=stack.dynamodb_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        tables.update_item(
            TableName="local-CreditsTable",
            Key={"user_id": {"S": buyer.user_id}, "record": {"S": "WALLET"}},
            UpdateExpression="SET debt = :five",
            ExpressionAttributeValues={":five": {"N": "5"}},
        )

        assert cli.main(["audit"], root=project) == 1
        *findings, summary = capsys.readouterr().out.splitlines()

    assert findings
    assert all(finding.startswith(f"user {buyer.user_id}: ") for finding in findings)
    assert summary == f"1 users, 1 entries, 1 lots, 1 payments: {len(findings)} violations"
