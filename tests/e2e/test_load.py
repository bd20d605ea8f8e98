"""The load run, in small: it ends with books that agree, and it says so when they do not."""

import json
from pathlib import Path
from typing import Any

import boto3
import pytest

from local.launcher import Stack
from tools.load import __main__ as load
from tools.load.expected import Books, Purchase, Seen

SMALL = ["--purchases", "20", "--spends", "60", "--users", "5", "--concurrency", "8"]


def test_a_small_run_loses_nothing_and_makes_nothing_up(tmp_path: Path, capsys: pytest.CaptureFixture[str]):
    file = tmp_path / "figures.json"

    assert load.main([*SMALL, "--json", str(file)]) == 0

    printed = capsys.readouterr()
    assert printed.out.endswith(": no violations\n0 violations\n")
    assert "waiting for the webhooks" in printed.err
    figures = json.loads(file.read_text())
    assert (figures["violations"], figures["jobs_left"]) == ([], 0)
    assert figures["kinds"]["spend"]["answers"] >= 60
    counts = figures["counts"]
    assert (sum(counts["payments"].values()), sum(counts["spends"].values())) == (20, 60)
    assert counts["webhooks"]["answered 200"] > 20


def test_a_wallet_that_was_tampered_with_is_named(capsys: pytest.CaptureFixture[str]):
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
    assert any("the wallet's debt" in line for line in findings)  # the audit's word
    assert any("credits left" in line for line in findings)  # the load's own


def test_when_the_time_is_up_the_rest_is_left_and_said(capsys: pytest.CaptureFixture[str]):
    assert load.main([*SMALL, "--seconds", "0.5"]) == 0

    assert "jobs were left when the time was up" in capsys.readouterr().out


# ------------------------------------------------------------------------------------------- the load's own books


def entry(kind: str, amount: int, name: str = "t-1") -> dict[str, Any]:
    return {"id": name, "transaction_type": kind, "amount": amount}


def kept() -> Books:
    """One purchase, half of which went back, and one spend."""
    books = Books()
    books.bought(Purchase("p-1", "u", 1001, 10_000, "pi_1", {"dp_1": (10_000, "won"), "dp_2": (2_500, "lost")}))
    books.spent("u", "t-1", 30)
    return books


REFUNDS = [
    {"payment_intent": "pi_1", "amount": 2_500, "status": "succeeded"},
    {"payment_intent": "pi_1", "amount": 5_000, "status": "failed"},
    {"payment_intent": "pi_2", "amount": 5_000, "status": "succeeded"},
]
PURCHASED, BACK, SPENT = entry("purchased", 1001, "t-0"), entry("refunded", -500, "t-2"), entry("spent", -30)


@pytest.mark.parametrize(
    ("balance", "entries", "complaint"),
    [
        (471, [PURCHASED, BACK, SPENT], None),
        (470, [PURCHASED, BACK, SPENT], "470 credits left"),
        (471, [PURCHASED, SPENT], "0 credits taken back"),
        (471, [PURCHASED, PURCHASED, BACK, SPENT], "2002 credits bought"),
        (471, [PURCHASED, BACK, SPENT, SPENT], "the ledger has the spend t-1 of 30 1 times too often"),
        (471, [PURCHASED, BACK], "the spend t-1 of 30 was accepted 1 times too often"),
    ],
)
def test_the_books_say_what_differs(balance: int, entries: list[Any], complaint: str | None):
    found = kept().violations({"u": Seen(balance, entries)}, REFUNDS)

    assert bool(found) is bool(complaint)
    assert complaint is None or any(finding.startswith("user u: ") and complaint in finding for finding in found)


def test_what_was_never_answered_is_a_violation():
    books = kept()
    books.never_answered("POST /api/users/credits/spend")

    assert books.violations({}, []) == ["POST /api/users/credits/spend was never answered"]
