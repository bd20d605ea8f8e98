"""events/ plays one purchase, as `sam local invoke` does, with the values of .env.example."""

import json

import pytest

from local import settings
from tests.support.api import ROOT, Api
from tests.support.dynamodb import Emulator
from tools import make_events
from topup import config


def on_file(name: str) -> dict[str, object]:
    event: dict[str, object] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return event


def test_the_files_are_what_the_tool_makes():
    made = make_events.events()

    assert {name: on_file(name) for name in made} == made


def test_the_events_in_order_are_a_whole_purchase(api: Api, dynamodb: Emulator, environment: pytest.MonkeyPatch):
    for name, value in settings.parse(ROOT / ".env.example").items():
        environment.setenv(name, value)
    environment.setenv("STACK_NAME", make_events.STACK)
    config.settings.cache_clear()

    answers = {name: api.invoke(name.removesuffix("_url"), on_file(name)) for name in make_events.events()}

    assert {name: answer.status for name, answer in answers.items()} == dict.fromkeys(answers, 200)
    assert answers["get_payment"].json()["status"] == "succeeded"
    assert answers["get_credits"].json()["balance"] == 1100
    assert len(answers["list_transactions"].json()["transactions"]) == 1
    assert len(answers["list_payments"].json()["payments"]) == 1
