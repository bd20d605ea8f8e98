"""Faults that TOPUP_CHAOS asks for: each really happens, changes nothing in the books, and none where money is real."""

import io
import json
import random
import runpy
from collections import Counter
from collections.abc import Callable
from functools import partial
from typing import Any

import pytest
from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.exceptions import ClientError, ReadTimeoutError
from botocore.httpsession import URLLib3Session

from local import ROOT
from local.in_process.api import ApiResponse, Context, as_buyer
from local.in_process.dynamodb import Emulator
from local.in_process.shop import Shop
from topup import store
from topup.domain.errors import ConfigurationError
from topup.runtime import chaos, config
from topup.store import client as dynamodb_client

ITEM = {"payment_id": {"S": "p-1"}, "record": {"S": "ORDER"}}
CREATE, WEBHOOK = "/api/payments/stripe/create", "/api/payments/webhook/stripe"
Disturb = Callable[[str], list[str]]


@pytest.fixture
def disturb(dynamodb: Emulator, monkeypatch: pytest.MonkeyPatch) -> Disturb:
    """Set the variable, as when a function starts; the operations that are sent from then on."""
    sent: list[str] = []

    def send(_session: Any, request: AWSPreparedRequest) -> AWSResponse:
        sent.append(str(request.headers["X-Amz-Target"]).rpartition(".")[2].rstrip("'"))
        return dynamodb.forward(request)

    def start(text: str) -> list[str]:
        monkeypatch.setenv("TOPUP_CHAOS", text)
        monkeypatch.setattr(URLLib3Session, "send", send)
        monkeypatch.setattr(chaos, "_dice", random.Random(1))
        chaos._allowed.cache_clear()
        dynamodb_client.client.cache_clear()
        return sent

    return start


def injected(log: io.StringIO) -> Counter[str]:
    """How often each kind of fault was injected, by the log."""
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    return Counter(line["fault"] for line in lines if line.get("message") == chaos.MESSAGE)


def orders(dynamodb: Emulator) -> list[Any]:
    return list(dynamodb.client.scan(TableName=dynamodb.orders_table)["Items"])


def put(dynamodb: Emulator) -> None:
    store.client.client().put_item(TableName=dynamodb.orders_table, Item=ITEM)


def test_a_throttled_request_is_not_sent_and_is_tried_again(dynamodb: Emulator, disturb: Disturb, log: io.StringIO):
    sent = disturb("throttle:1")

    with pytest.raises(ClientError) as failure:
        put(dynamodb)

    assert failure.value.response["Error"]["Code"] == "ThrottlingException"
    assert (sent, orders(dynamodb), injected(log)) == ([], [], {"throttle": dynamodb_client.ATTEMPTS})


def test_a_request_whose_answer_is_lost_has_been_carried_out(dynamodb: Emulator, disturb: Disturb, log: io.StringIO):
    sent = disturb("timeout_after:1")

    with pytest.raises(ReadTimeoutError):
        put(dynamodb)

    assert (sent, orders(dynamodb)) == (["PutItem"] * dynamodb_client.ATTEMPTS, [ITEM])
    assert injected(log) == {"timeout_after": dynamodb_client.ATTEMPTS}


def test_without_faults_a_request_is_sent_once(dynamodb: Emulator, disturb: Disturb, log: io.StringIO):
    sent = disturb("throttle:0,timeout_after:0.0")

    put(dynamodb)

    assert (sent, injected(log)) == (["PutItem"], {})


@pytest.mark.parametrize("function", ["stripe_webhook", "expire_credits", "publish_events"])
def test_an_event_that_is_delivered_at_least_once_is_handled_twice(
    disturb: Disturb, monkeypatch: pytest.MonkeyPatch, log: io.StringIO, function: str
):
    app = str(ROOT / "functions" / function / "app.py")
    assert not hasattr(runpy.run_path(app)["handler"], "__wrapped__")
    disturb("duplicate:1")
    handler = runpy.run_path(app)["handler"]
    seen: list[Any] = []

    chaos.twice(lambda event, _context: seen.append(event.pop("Records")))({"Records": [1]}, Context())

    assert hasattr(handler, "__wrapped__")
    assert (seen, injected(log)) == ([[1], [1]], {"duplicate": 1})


def test_nothing_in_the_books_is_changed(shop: Shop, disturb: Disturb, log: io.StringIO):
    disturb("throttle:0.15,timeout_after:0.15,duplicate:0.5")
    receive = chaos.twice(lambda sent, _context: shop.api.post(WEBHOOK, raw=sent.body, headers=sent.headers))

    def deliver() -> None:
        for delivery in shop.simulator.due():
            until_done(partial(receive, delivery, None))

    for number in range(4):
        buyer = as_buyer() | {"idempotency-key": f"buy-{number}"}
        payment = until_done(partial(shop.api.post, CREATE, {"package": "standard"}, buyer))
        intent = shop.pay(payment)
        deliver()
        until_done(partial(shop.spend, 100, f"spend-{number}"))
        shop.simulator.refund(intent, 5000)
        deliver()

    assert all(injected(log)[kind] > 3 for kind in chaos.KINDS)
    disturb("")
    assert shop.balance() == 4 * (1100 - 100 - 550)
    assert Counter(kind for kind, _ in shop.ledger()) == {"purchased": 4, "spent": 4, "refunded": 4}
    shop.check()


def until_done(request: Callable[[], ApiResponse]) -> Any:
    """The answer to a request that is sent again while the service is busy, with the same key."""
    for _ in range(20):
        if (response := request()).status != 503:
            assert response.status == 200, response.body
            return response.json()
    raise AssertionError("busy for ever")


@pytest.mark.parametrize(
    ("variables", "problem"),
    [
        ({"STACK_NAME": "123456789012/eu-central-1/topup-prod"}, "'prod', where money is real"),
        ({"SECRETS_PREFIX": "/topup/live", "SECRETS": "PROXY_API_KEY"}, "'live', where money is real"),
        ({"SECRETS_PREFIX": "/topup/Production", "SECRETS": "PROXY_API_KEY"}, "'production', where money is real"),
        ({"STRIPE_SECRET_KEY": "sk_live_51abc"}, "STRIPE_SECRET_KEY is a live key"),
        ({"TOPUP_CHAOS": "throttle:2"}, "'throttle:2': write throttle, timeout_after, duplicate"),
        ({"TOPUP_CHAOS": "sometimes:0.1"}, "'sometimes:0.1'"),
    ],
)
def test_where_money_is_real_every_request_is_refused(
    dynamodb: Emulator,
    disturb: Disturb,
    environment: pytest.MonkeyPatch,
    variables: dict[str, str],
    problem: str,
):
    sent = disturb("throttle:0.5")
    for name, value in variables.items():
        environment.setenv(name, value)
    config.settings.cache_clear()

    with pytest.raises(ConfigurationError) as refused:
        put(dynamodb)

    assert problem in refused.value.detail
    assert (sent, orders(dynamodb)) == ([], [])


def test_a_refused_stack_answers_that_it_is_misconfigured(
    shop: Shop, disturb: Disturb, environment: pytest.MonkeyPatch
):
    disturb("throttle:0.5")
    environment.setenv("STRIPE_SECRET_KEY", "sk_live_51abc")

    response = shop.spend(5)

    assert (response.status, response.json()["code"]) == (500, "misconfigured")
