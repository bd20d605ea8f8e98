"""A small load run ends without violations, and reports those that there are."""

import json
from collections import Counter
from pathlib import Path

import boto3
import httpx
import pytest

from local import discovery
from local.client import Client
from local.launcher import Stack
from ops import target
from ops.audit import clock_of
from ops.books import exported
from ops.books.month import Books
from ops.export import command as export_command
from ops.export import files
from tests.support.books_in_sql import SqlBooks
from tools.load import __main__ as load
from tools.load.expected import Account, Expected, Purchase, taken_minor
from topup.runtime import config

SMALL = ["--purchases", "20", "--spends", "60", "--users", "5", "--concurrency", "8"]


def test_a_small_run_ends_without_violations(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "figures.json"

    assert load.main([*SMALL, "--json", str(file)]) == 0

    printed = capsys.readouterr()
    assert printed.out.endswith(": no violations\n0 violations\n")
    assert "waiting for the webhooks" in printed.err
    figures = json.loads(file.read_text())
    assert (figures["violations"], figures["jobs_left"]) == ([], 0)
    assert figures["kinds"]["spend"]["responses"] >= 60
    counts = figures["counts"]
    assert (sum(counts["payments"].values()), sum(counts["spends"].values())) == (20, 60)
    assert counts["webhooks"]["status 200"] > 20


def test_its_months_close_to_the_unit_in_both_implementations_and_have_the_money_that_stripe_has(tmp_path: Path):
    def close(stack: Stack) -> None:
        found = discovery.of(stack)
        with target.tables(found.environment):
            names = {"credits": config.settings().credits_table, "orders": config.settings().orders_table}
            export_command.scan(names, tmp_path, clock_of(found)())
        exported_files, cash, owed = files.read(tmp_path), 0, 0
        sql = SqlBooks.of_export(exported_files.credits.files)
        for month in sql.months():
            books = Books(month)
            for user_id, records in exported.ledgers(exported_files):
                books.add(user_id, records)
            assert sql.differences(books) == []
            cash += sum(books.cash_minor.values())
            owed = sum(books.outstanding_minor.values())
        assert cash == at_stripe(stack) > 0
        assert owed > 0
        closed.append(cash)

    closed: list[int] = []
    assert load.main(SMALL, before_audit=close) == 0
    assert len(closed) == 1


def at_stripe(stack: Stack) -> int:
    """What buyers paid and nobody took back, by Stripe's own lists."""
    with httpx.Client(trust_env=False) as http:
        stripe = Client(stack.api_url, stack.stripe_url, stack.values, http.request).stripe
        paid = sum(intent["amount_received"] for intent in stripe.listed("/payment_intents"))
        return int(paid - taken_minor(stripe.listed("/refunds"), stripe.listed("/disputes")).total())


def test_a_wallet_that_was_tampered_with_is_reported(capsys: pytest.CaptureFixture[str]):
    def tamper(stack: Stack) -> None:
        tables = boto3.client(
            "dynamodb",
            endpoint_url=stack.dynamodb_url,
            region_name="us-east-1",
            aws_access_key_id="local",
            aws_secret_access_key="local",
        )
        tables.update_item(
            TableName="local-CreditsTable",
            Key={"user_id": {"S": "load-2"}, "record": {"S": "WALLET"}},
            UpdateExpression="SET debt = debt + :five",
            ExpressionAttributeValues={":five": {"N": "5"}},
        )

    assert load.main(SMALL, before_audit=tamper) == 1

    *_, last = found = capsys.readouterr().out.splitlines()
    findings = [line for line in found if line.startswith("user ")]
    assert last == f"{len(findings)} violations"
    assert {line.partition(": ")[0] for line in findings} == {"user load-2"}
    assert any("the wallet's debt" in line for line in findings)  # from the audit
    assert any(" taken back" in line for line in findings)  # from the load run's own check


def test_jobs_that_are_left_when_the_time_is_up_are_reported(capsys: pytest.CaptureFixture[str]):
    assert load.main([*SMALL, "--seconds", "0.5"]) == 0

    assert "jobs were left when the time was up" in capsys.readouterr().out


# ---------------------------------------------------------------------------------------------- the run's own check

REFUNDS = [
    {"payment_intent": "pi_1", "amount": 2_500, "status": "succeeded"},
    {"payment_intent": "pi_1", "amount": 5_000, "status": "failed"},
    {"payment_intent": "pi_2", "amount": 5_000, "status": "pending"},
]
DISPUTES = [
    {"payment_intent": "pi_1", "amount": 10_000, "status": "won"},
    {"payment_intent": "pi_1", "amount": 2_500, "status": "lost"},
]


def test_money_is_taken_back_by_refunds_that_may_succeed_and_disputes_that_are_not_won():
    assert taken_minor(REFUNDS, DISPUTES) == Counter(pi_1=5_000, pi_2=5_000)


@pytest.mark.parametrize(
    ("balance", "spends", "finding"),
    [
        (471, [("t-1", 30)], None),
        (470, [("t-1", 30)], "balance 470, but 1001 bought − 30 spent − 500 taken back"),
        (471, [("t-1", 30), ("t-1", 30)], "the ledger has the spend t-1 of 30 1 times too often"),
        (471, [], "the ledger lacks the accepted spend t-1 of 30, 1 times"),
    ],
)
def test_the_check_reports_each_difference(balance: int, spends: list[tuple[str, int]], finding: str | None):
    expected = Expected()
    expected.purchases.append(Purchase("u", 1001, 10_000, "pi_1"))
    expected.spends.append(("u", "t-1", 30))

    found = expected.violations({"u": Account(balance, spends)}, taken_minor(REFUNDS, DISPUTES))

    assert found == ([f"user u: {finding}"] if finding else [])


def test_a_request_without_a_response_is_a_violation():
    expected = Expected()
    expected.without_response.append("POST /api/users/credits/spend")

    assert expected.violations({}, {}) == ["POST /api/users/credits/spend never got a response"]
