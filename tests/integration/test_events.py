"""events/ plays one purchase, as `sam local invoke` does, with the values of .env.example."""

import json
from typing import Any

import pytest

from local import settings
from tests.support.api import ROOT, Api, load_handler
from tests.support.dynamodb import Emulator
from tests.support.stripe_wire import StripeWire, answers, opens_session
from tools import make_events
from topup import config, store


def on_file(name: str) -> dict[str, object]:
    event: dict[str, object] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return event


def test_the_files_are_what_the_tool_makes():
    made = make_events.events()

    assert {name: on_file(name) for name in made} == made


def test_the_events_in_order_are_a_whole_purchase_down_to_its_expiry(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire, environment: pytest.MonkeyPatch
):
    for name, value in settings.parse(ROOT / ".env.example").items():
        environment.setenv(name, value)
    environment.setenv("STACK_NAME", make_events.STACK)
    config.settings.cache_clear()
    refund = {"id": "re_1", "object": "refund", "amount": 2500, "currency": "cny", "status": "succeeded", "created": 0}
    stripe_wire.then(opens_session, answers(200, refund | {"metadata": {}}))

    told = {name: invoke(api, dynamodb, name) for name in make_events.events()}

    assert told["get_payment"]["status"] == "succeeded"
    assert told["get_credits"]["balance"] == 1100
    assert told["spend_credits"]["balance_after"] == 1000
    assert told["refund_payment"]["credits_refunded"] == 275
    assert [row["amount"] for row in told["list_transactions"]["transactions"]] == [-275, -100, 1100]
    assert told["expire_credits"] == {"batchItemFailures": []}
    assert len(told["list_payments"]["payments"]) == 1
    assert [entry.amount for entry in store.list_entries(make_events.USER, 1, None)] == [-725]


def invoke(api: Api, dynamodb: Emulator, name: str) -> Any:
    function = name.removesuffix("_url")
    if "requestContext" in on_file(name):
        answer = api.invoke(function, on_file(name))
        assert answer.status == 200, answer.body
        return answer.json()
    if name == "reconcile":
        return None  # it asks Stripe for its events, which a scripted wire cannot know; test_reconcile.py has it
    with dynamodb.acting_as(function):
        return load_handler(function)(on_file(name), None)
