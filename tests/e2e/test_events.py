"""What happens on the local stack is told at /_local/events: a purchase, spends, a hold and an expiry."""

import json
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import httpx
import pytest

from local.launcher import Stack, running
from ops import cli
from tests.e2e.buyer import Buyer, NewBuyer, eventually
from tests.e2e.test_operators import FAILURES, TWO_HUNDRED_DAYS, started


@pytest.fixture(scope="module")
def stack_with_a_threshold() -> Iterator[Stack]:
    with running(LOW_BALANCE_THRESHOLD="1000") as stack:
        yield stack


def told_of(stack: Stack, buyer: Buyer) -> list[dict[str, Any]]:
    """The details of the buyer's events, oldest first, without repeats."""
    shown = httpx.get(f"{stack.api_url}/_local/events", trust_env=False).json()["events"]
    details = {event["detail"]["id"]: event["detail"] for event in reversed(shown)}
    return [detail for detail in details.values() if detail["user_id"] == buyer.user_id]


def types_of(stack: Stack, buyer: Buyer) -> list[str]:
    return [detail["type"] for detail in told_of(stack, buyer)]


def test_a_purchase_spends_a_hold_and_an_expiry_are_told(stack_with_a_threshold: Stack, new_buyer: NewBuyer):
    stack, buyer = stack_with_a_threshold, new_buyer(stack_with_a_threshold)
    buyer.buy()
    buyer.spend(150, "a")
    held = buyer.api.open_hold(buyer.user_id, 100, "A call", "b").json()
    buyer.api.capture(held, 60, "c")
    eventually(lambda: "hold.ended" in types_of(stack, buyer))
    buyer.local.move_clock(TWO_HUNDRED_DAYS)
    eventually(lambda: "credits.expired" in types_of(stack, buyer))

    told = told_of(stack, buyer)

    entries = [detail for detail in told if "balance_after" in detail and detail["type"] != "credits.low"]
    assert [(one["sequence"], one["type"], one["balance_after"]) for one in entries] == [
        (1, "credits.purchased", 1100),
        (2, "credits.spent", 950),
        (3, "credits.spent", 890),
        (4, "credits.expired", 0),
    ]
    assert [detail["sequence"] for detail in told if detail["type"] == "credits.low"] == [2]
    assert [detail["type"] for detail in told if detail["type"].startswith("payment.")] == [
        "payment.pending",
        "payment.succeeded",
    ]
    [ended] = [detail for detail in told if detail["type"] == "hold.ended"]
    assert (ended["status"], ended["captured"], ended["released"]) == ("captured", 60, 40)


def test_the_daily_report_can_be_run_at_any_time_and_tells_of_what_expires_soon(
    stack_with_a_threshold: Stack, new_buyer: NewBuyer
):
    stack, buyer = stack_with_a_threshold, new_buyer(stack_with_a_threshold)
    buyer.buy()
    [lot] = buyer.credits()["lots"]
    left = datetime.fromisoformat(lot["expires_at"]) - buyer.local.now()
    buyer.local.move_clock((left - timedelta(days=6)).total_seconds())

    report = buyer.local.call("POST", "/daily-report", {}, timeout=60)

    assert (report["violations"], report["is_read"]) == (0, True)
    eventually(lambda: "credits.expiring" in types_of(stack, buyer))
    [told] = [detail for detail in told_of(stack, buyer) if detail["type"] == "credits.expiring"]
    assert (told["remaining"], told["days_left"], told["expires_at"]) == (1100, 7, lot["expires_at"])


def test_a_failed_batch_is_published_when_it_is_run_again(
    project: Path, new_buyer: NewBuyer, capsys: pytest.CaptureFixture[str]
):
    template, function = project / "template.yaml", project / "functions/publish_events/app.py"
    template.write_text(template.read_text().replace("MaximumRetryAttempts: 10", "MaximumRetryAttempts: 0"))
    correct = function.read_text()
    function.write_text(correct.replace("    with deadline.of", "    raise OSError\n    with deadline.of"))
    with started(project) as stack:
        buyer = new_buyer(stack)
        document = {"user_id": buyer.user_id, "credits": 50, "reason": "welcome"}
        headers = {"authorization": f"Bearer {stack.admin_token}", "idempotency-key": "a"}
        httpx.post(f"{stack.api_url}/api/admin/credits/grant", json=document, headers=headers, trust_env=False)
        eventually(lambda: list((project / FAILURES).glob("*.json")) != [])
        (batch,) = (project / FAILURES).glob("*.json")
        function.write_text(correct)

        assert cli.main(["replay-expiry", str(batch)], root=project) == 2
        assert "run replay-events" in capsys.readouterr().err
        assert cli.main(["replay-events", str(batch)], root=project) == 0
        assert capsys.readouterr().out == "1 records: 1 done, 0 failed\n"
        assert types_of(stack, buyer) == ["credits.granted"]
        assert "description" not in json.loads(batch.read_text())["payload"]
