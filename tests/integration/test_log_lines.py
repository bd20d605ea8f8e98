"""What the log says of a payment: each line names its event, its user and the credits that it moved."""

import io
import json
from typing import Any

import pytest

from local.in_process.api import Api
from local.in_process.dynamodb import refused
from local.in_process.shop import Shop
from tests.integration.webhooks import COMPLETED, deliver
from tests.support.builders import an_order
from tests.support.stripe_events import event, session, signature
from topup import store

Line = dict[str, Any]
USER = "c6c289e49e9c"  # what logs call user-1


def lines(log: io.StringIO) -> list[Line]:
    return [json.loads(line) for line in log.getvalue().splitlines()]


def said(log: io.StringIO, message: str) -> list[Line]:
    return [line for line in lines(log) if line["message"] == message]


def test_a_payments_whole_story_is_found_by_its_id_with_events_user_and_credits(shop: Shop, log: io.StringIO):
    payment_id, intent = shop.buy()
    shop.simulator.refund(intent, 5000)
    shop.deliver()

    [opened] = said(log, "checkout opened")
    [paid] = said(log, "order changed")
    [clawed_back] = said(log, "reversal changed")
    assert {line["payment_id"] for line in (opened, paid, clawed_back)} == {payment_id}
    assert {line["user"] for line in (opened, paid, clawed_back)} == {USER}
    assert [line["credits"] for line in (opened, paid, clawed_back)] == [1100, 1100, -550]
    assert (paid["event_type"], paid["status"]) == ("payment_intent.succeeded", "succeeded")
    assert clawed_back["event_type"] == "refund.created"
    assert all(line["event_id"].startswith("evt_") for line in (paid, clawed_back))
    unchanged = {line["event_type"] for line in said(log, "nothing to change") if line["payment_id"] == payment_id}
    assert unchanged == {"checkout.session.completed", "refund.updated"}


def test_every_line_of_a_payment_names_its_user_and_every_line_of_an_event_names_it(shop: Shop, log: io.StringIO):
    payment_id, intent = shop.buy()
    shop.refund(payment_id, 10.0)
    shop.simulator.dispute(intent)
    declined = shop.create()
    shop.pay(declined, card="4000000000000002")
    for _ in range(2):  # the SDK tries twice
        shop.dynamodb.fail("TransactWriteItems", refused("ThrottlingException"))
    shop.deliver()
    shop.wait(days=200)
    shop.run_timers()
    shop.reconcile()

    found = lines(log)
    about_payments = [line for line in found if "payment_id" in line]
    of_events = [line for line in found if line.get("function_name") == "stripe_webhook"]
    assert len(about_payments) > 8
    assert all(line["user"] == USER for line in about_payments)
    assert {"Stripe webhook", "order changed", "reversal changed", "DynamoDB is busy"} <= {
        line["message"] for line in of_events
    }
    assert all(line["event_id"] and line["event_type"] for line in of_events)


def test_a_line_says_that_a_payment_is_under_review_and_the_next_request_does_not_inherit_its_event(
    api: Api, log: io.StringIO
):
    order = store.place_order(an_order())
    deliver(api, event(COMPLETED, session(order, amount_total=1), id="evt_1"))
    api.post("/api/payments/webhook/stripe", raw=b"{}")

    [changed] = said(log, "order changed")
    assert (changed["status"], changed["credits"], changed["event_id"]) == ("pending", 0, "evt_1")
    assert changed["quarantine_reason"]
    [refusal] = said(log, "request refused")
    assert "event_id" not in refusal


@pytest.mark.parametrize("half", [0xD800, 0xDFFF], ids=hex)
def test_half_a_surrogate_pair_costs_no_line(api: Api, log: io.StringIO, capsys: pytest.CaptureFixture[str], half: int):
    odd = f"odd{chr(half)}"
    body = json.dumps(event(odd, {"livemode": False}, id=odd)).encode()  # json escapes it, as Stripe would

    header = signature(body, int(api.now.timestamp()))
    response = api.post("/api/payments/webhook/stripe", raw=body, headers={"Stripe-Signature": header})

    assert response.status == 200
    [line] = said(log, "Stripe webhook")
    assert (line["event_id"], line["event_type"]) == (odd, odd)
    assert "Logging error" not in capsys.readouterr().err
    assert log.getvalue().encode()  # a file can hold it
