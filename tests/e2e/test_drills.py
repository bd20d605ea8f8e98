"""Small drills end well, and each finds a loss that was planted: a drill that cannot fail shows nothing."""

import re
from datetime import datetime
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.client import Client
from local.environment import for_tools
from local.launcher import Stack, running
from ops import deployed
from ops.audit.stripe_side import StripeSide
from ops.deployed import Deployment
from tools.drill import __main__ as drill
from tools.drill import chaos, restore
from tools.drill.commands import Commands
from tools.load import drain
from topup.runtime.chaos import KINDS
from topup.store import credit_items

SMALL = ["--purchases", "6", "--spends", "18", "--users", "3", "--concurrency", "4"]
FAULTS = "throttle:0.1,timeout_after:0.05,duplicate:0.2"


@pytest.fixture(autouse=True)
def _impatient(monkeypatch: pytest.MonkeyPatch) -> None:
    """No event is on its way when a drill audits: what differs from Stripe is looked at again once, and soon."""
    defaults = StripeSide.__init__.__kwdefaults__
    assert defaults
    monkeypatch.setitem(defaults, "pauses", (0.1,))


def run(name: str, *arguments: str, out: Path) -> tuple[int, str]:
    """The exit code and the report."""
    code = drill.main([name, *arguments, *SMALL, "--out", str(out / "report.md")])
    return code, (out / "report.md").read_text(encoding="utf-8")


@pytest.mark.parametrize("what", list(restore.WHAT))
def test_what_was_lost_is_restored_repaired_and_named(what: str, tmp_path: Path):
    code, report = run("restore", "--what", what, out=tmp_path)

    assert code == 0, report
    assert report.endswith("**Problems:** none\n")
    assert re.search(r"It names the [1-9] orders that were placed after the moment", report)
    counted = dict(re.findall(r"^\| (.+?) \| (\d+) \|", report, re.MULTILINE))
    assert int(counted["at the moment"]) == int(counted["at the end"]) < int(counted["before the loss"])
    assert ("spends and captures were lost, which only the services know:\n  - of load-1: " in report) == (
        what != "orders"
    )
    assert ("It exits with 1: `" in report) == (what == "credits")


def test_a_restored_table_without_reconcile_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(restore, "reconcile", lambda _drill: None)

    code, report = run("restore", "--what", "both", out=tmp_path)

    assert code == 1
    assert "- the audit: payment " in report


def test_a_lot_that_the_restore_lost_is_noticed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    reconcile = restore.reconcile

    def lose(of: restore.Drill) -> None:
        reconcile(of)
        remove_a_lot(of.stack, of.tables.names["Credits"])

    monkeypatch.setattr(restore, "reconcile", lose)

    code, report = run("restore", "--what", "orders", out=tmp_path)

    assert code == 1
    assert "- the audit: user load-" in report


def remove_a_lot(stack: Stack, table: str) -> None:
    connection = for_tools({}, stack.dynamodb_url)
    client = boto3.client(
        "dynamodb",
        endpoint_url=stack.dynamodb_url,
        region_name=connection["AWS_REGION"],
        aws_access_key_id=connection["AWS_ACCESS_KEY_ID"],
        aws_secret_access_key=connection["AWS_SECRET_ACCESS_KEY"],
    )
    items = client.scan(TableName=table)["Items"]
    lot = next(item for item in items if item["record"]["S"].startswith(credit_items.LOT))
    client.delete_item(TableName=table, Key={name: lot[name] for name in ("user_id", "record")})


# ------------------------------------------------------------------------------------------------------------- chaos


def test_faults_under_load_happen_and_change_nothing(tmp_path: Path):
    code, report = run("chaos", "--faults", FAULTS, "--spends", "60", out=tmp_path)

    assert code == 0, report
    assert report.endswith("**Problems:** none\n")
    for kind in KINDS:
        assert re.search(rf"^\| {kind} \| \w+ \| [1-9]", report, re.MULTILINE), kind
    assert "responses were 5xx (" in report


def test_a_loss_under_chaos_and_a_fault_that_never_happened_are_noticed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    settle = drain.settle
    stacks: list[Stack] = []

    def lose(client: Client, *more: Any) -> None:
        settle(client, *more)
        remove_a_lot(stacks[0], "local-CreditsTable")

    def load(report: Any, step: Any, stack: Stack, *more: Any) -> None:
        stacks.append(stack)
        original(report, step, stack, *more)

    original = chaos._load
    monkeypatch.setattr(chaos, "_load", load)
    monkeypatch.setattr(drain, "settle", lose)

    code, report = run("chaos", "--faults", "throttle:0.0000001", out=tmp_path)

    assert code == 1
    assert "- no throttle was injected: the run was too small" in report
    assert "- user load-" in report


def test_faults_that_do_not_exist_are_refused(capsys: pytest.CaptureFixture[str]):
    assert drill.main(["chaos", "--faults", "flood:1"]) == 2
    assert "cannot run the drill: TOPUP_CHAOS has 'flood:1'" in capsys.readouterr().err


def test_a_deployed_stack_is_drilled_with_credits_that_are_given(tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    with running(TOPUP_CHAOS=FAULTS) as stack:
        deployment = Deployment(
            stack="topup-staging",
            outputs={"ApiUrl": stack.api_url},
            tags={},
            environment={"SECRETS_PREFIX": "/topup/staging", "TOPUP_CHAOS": FAULTS},
            webhook_function="",
        )
        secrets = {name: {"Value": stack.values[name]} for name in ("PROXY_API_KEY", "JWT_SECRET")}
        log = Path(stack.log)
        before = len(log.read_text().splitlines())
        commands: list[tuple[str, ...]] = []

        def injected(_stack: str, _began: datetime) -> chaos.Faults:
            return chaos._faults_in(log.read_text().splitlines()[before:])

        def command(_self: Commands, _step: Any, *arguments: str) -> tuple[int, list[str]]:
            commands.append(arguments)
            return 0, ["all is well"]

        monkeypatch.setattr(deployed, "find", lambda _stack: deployment)
        monkeypatch.setattr(deployed, "stripe_key", lambda _prefix: "sk_test_1")
        monkeypatch.setattr(deployed, "read_parameters", lambda _prefix, names: {name: secrets[name] for name in names})
        monkeypatch.setattr(chaos, "injected_since", injected)
        monkeypatch.setattr(Commands, "run", command)

        code, report = run("chaos", "--stack", "topup-staging", "--spends", "60", out=tmp_path)

    assert code == 0, report
    assert report.startswith("# Drill of ")
    assert "| grant | 3 |" in report
    assert "| create |" not in report
    stripe = ("audit", "--stripe", "--stack", "topup-staging")
    assert commands == [("reconcile", "--stack", "topup-staging"), stripe]
