"""The events in events/ play one purchase, as `sam local invoke` does, with the values of .env.example."""

import json
from typing import Any

import pytest

from local import ROOT, settings
from local.client import session_of
from local.in_process.api import load_handler
from local.in_process.events import EventBus
from local.in_process.shop import Shop
from tools.generate import events
from tools.invoke import __main__ as command
from topup import fulfilment, store
from topup.runtime import config
from topup.stripe_gateway import translation


def on_file(name: str) -> dict[str, Any]:
    event: dict[str, Any] = json.loads((ROOT / "events" / f"{name}.json").read_text())
    return event


def test_the_files_are_up_to_date():
    made = events.events()

    assert {name: on_file(name) for name in made} == made


def test_the_events_in_order_play_a_purchase_up_to_its_expiry(
    shop: Shop, bus: EventBus, environment: pytest.MonkeyPatch
):
    use_the_examples_settings(environment)
    pay_the_order_to_refund(shop)

    results = {name: invoke(shop, name) for name in events.events()}

    assert results["get_payment"]["status"] == "succeeded"
    assert results["get_credits"]["balance"] == 2200
    assert results["spend_credits"]["balance_after"] == 2100
    assert results["refund_payment"]["credits_refunded"] == 275
    assert [row["amount"] for row in results["list_transactions"]["transactions"]] == [
        *(-275, -5, 50, -120, 100, -3, -100),
        *(1100, 1100),
    ]
    assert results["release_hold"]["captured"] == 120
    assert results["expire_credits"] == {"batchItemFailures": []}
    assert results["publish_events"] == {"batchItemFailures": []}
    assert bus.types == ["credits.spent", "payment.succeeded"]
    assert len(results["list_payments"]["payments"]) == 2
    assert results["reconcile"]["failures"] == 0
    assert (results["daily_report"]["is_read"], results["daily_report"]["violations"]) == (True, 0)
    assert [entry.transaction_type for entry in store.list_entries(events.USER, 1, None)] == ["expired"]


def test_a_hold_that_is_only_opened_ends_by_its_timer(shop: Shop, environment: pytest.MonkeyPatch):
    use_the_examples_settings(environment)
    for name in ("create_checkout", "stripe_webhook", "open_hold"):
        invoke(shop, name)
    [held] = invoke(shop, "list_holds")["holds"]

    assert invoke(shop, "expire_credits") == {"batchItemFailures": []}

    assert held["hold_id"] == events.HOLD
    assert invoke(shop, "list_holds") == {"holds": []}


def use_the_examples_settings(environment: pytest.MonkeyPatch) -> None:
    for name, value in settings.parse(ROOT / ".env.example").items():
        environment.setenv(name, value)
    environment.setenv("STRIPE_SECRET_KEY", "sk_test_1")  # the key that this simulator accepts
    environment.setenv("STACK_NAME", events.STACK)
    config.settings.cache_clear()


def pay_the_order_to_refund(shop: Shop) -> None:
    create = on_file("create_checkout")
    headers = {**create["headers"], "idempotency-key": events.REFUND_KEY}
    payment = shop.api.invoke("create_checkout", {**create, "headers": headers}).json()
    assert payment["payment_id"] == events.REFUND_ORDER
    shop.pay(payment)
    intent = shop.simulator.session(session_of(payment))["payment_intent"]
    fulfilment.apply(translation.received_by_intent(intent), shop.now)


def invoke(shop: Shop, name: str) -> Any:
    function = name.removesuffix("_url")
    if "requestContext" in on_file(name):
        response = shop.api.invoke(function, on_file(name))
        expected = (409,) if name == "release_payment" else (200, 201, 204)
        assert response.status in expected, response.body
        return response.json() if response.body else None
    with shop.dynamodb.acting_as(function):
        return load_handler(function)(on_file(name), Context())


class Context:
    """What a function without a request reads from its context."""

    def get_remaining_time_in_millis(self) -> int:
        return 300_000


@pytest.mark.parametrize(("name", "says"), [("", "F= is missing"), ("x", "there is no event x")])
def test_invoke_asks_for_a_function_that_is_not_named(name: str, says: str, capsys: pytest.CaptureFixture[str]):
    with pytest.raises(SystemExit) as ended:
        command.main([name])

    assert ended.value.code == 2
    assert f"make invoke: error: {says}: F is one of adjust_credits, " in capsys.readouterr().err
