"""A small load run ends without violations, and reports those that there are."""

import json
from collections import Counter
from pathlib import Path

import boto3
import pytest

from local.launcher import Stack
from tools.load import __main__ as load
from tools.load.expected import Account, Expected, Purchase, taken_minor

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
