"""Every function answers before Lambda ends it, however slow AWS, Stripe and the identity provider are.

The clock stands still except where something outside is waited for, and that takes as long as our clients allow.
"""

import json
import threading
import time
from collections.abc import Callable, Iterator
from datetime import timedelta
from types import SimpleNamespace
from typing import Any
from urllib.parse import quote as quote_of_a_url

import pytest
from botocore.exceptions import ReadTimeoutError

from local import ROOT
from local.in_process.api import Context, as_admin, as_buyer, as_user, template, timeout_of
from local.in_process.dynamodb import Fault, lost_after, lost_before, refused
from local.in_process.environment import ENVIRONMENT, JWT_SECRET, USER_ID
from local.in_process.shop import Shop
from local.stripe_simulator.in_process import InProcessStripe, timed_out
from tests.integration.stripe_side import charge_of, quarantined
from topup.api import provider_keys, token_keys
from topup.runtime import config, parameter_store
from topup.store import client as dynamodb_client
from topup.stripe_gateway import client as stripe_client

OPERATIONS = ("BatchGetItem", "GetItem", "PutItem", "Query", "TransactWriteItems", "UpdateItem")
DOCUMENT = json.loads((ROOT / "docs" / "openapi.json").read_text())
STARTED = 1_000_000.0  # any time on the clock


class SlowWorld:
    """Everything outside of the functions; once `is_slow`, each call takes as long as its client allows."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self.shop = shop
        self.seconds = STARTED
        self.is_slow = False
        self.drops_first = True  # DynamoDB drops the first attempt of each request, and answers the second one
        self.stripe_answers = True
        self.statuses: list[tuple[str, int]] = []  # of the responses: function, status
        self.took = 0.0  # seconds, the last invocation
        self._begun = 0.0  # the request to DynamoDB
        self._attempts = 0
        self._retries = 0  # that Stripe's library has left
        monkeypatch.setattr(time, "monotonic", lambda: self.seconds)
        self._here, self._sleep = threading.get_ident(), time.sleep
        monkeypatch.setattr(time, "sleep", self.wait)
        self._slow_down_dynamodb()
        self._slow_down_stripe(monkeypatch)
        self._slow_down_secrets(monkeypatch)
        shop.api.context = self._context
        invoke = shop.api.invoke

        def recorded(function: str, event: dict[str, Any]) -> Any:
            response = invoke(function, event)
            self.statuses.append((function, response.status))
            return response

        shop.api.invoke = recorded  # type: ignore[method-assign]

    def wait(self, seconds: float) -> None:
        if threading.get_ident() != self._here:
            self._sleep(seconds)  # a thread of another test's
        elif self.is_slow:
            self.seconds += seconds

    def run(self, call: Callable[[], Any]) -> Any:
        """Call it in the slow world."""
        self.statuses, self.is_slow, begun = [], True, self.seconds
        parameter_store._known.clear()
        try:
            return call()
        finally:
            self.is_slow, self.took = False, self.seconds - begun

    def fail_from(self, number: int, fault: Fault) -> None:
        """Every request to DynamoDB from this one on has the fault, until the faults are cleared."""
        self.drops_first, count = False, 0

        def counted(execute: Callable[[], Any]) -> Any:
            nonlocal count
            count += 1
            return fault(execute) if count >= number else execute()

        for operation in OPERATIONS:
            self.shop.dynamodb.fail_always(operation, counted)

    def _context(self, function: str) -> Context:
        ends = self.seconds + timeout_of(function)
        return Context(function, lambda: ends - self.seconds)

    def _slow_down_dynamodb(self) -> None:
        events = self.shop.dynamodb.client.meta.events
        events.register_last("before-call.dynamodb", self._begin)
        events.register_first("before-send.dynamodb", self._send)

    def _begin(self, **_: Any) -> None:
        self._begun, self._attempts = self.seconds, 0

    def _send(self, **_: Any) -> None:
        self._attempts += 1
        self.wait(dynamodb_client.CONNECT_TIMEOUT + dynamodb_client.READ_TIMEOUT)
        if not (self.is_slow and self.drops_first):
            return
        if self._attempts < dynamodb_client.ATTEMPTS:
            raise ReadTimeoutError(endpoint_url="https://dynamodb")
        self.seconds = self._begun + dynamodb_client.LONGEST_REQUEST

    def _slow_down_stripe(self, monkeypatch: pytest.MonkeyPatch) -> None:
        world, longest = self, stripe_client.longest_request

        class SlowStripe(InProcessStripe):
            def request(self, *request: Any, **options: Any) -> Any:
                world.wait(stripe_client.CONNECT_TIMEOUT + stripe_client.READ_TIMEOUT)
                world._retries -= 1
                if world.is_slow and (world._retries >= 0 or not world.stripe_answers):
                    raise timed_out()
                return super().request(*request, **options)

        def remembered(retries: int) -> float:
            world._retries = retries
            return longest(retries)

        monkeypatch.setattr(stripe_client, "longest_request", remembered)
        monkeypatch.setattr(stripe_client, "http_client", lambda: SlowStripe(self.shop.simulator))
        stripe_client._client_of.cache_clear()

    def _slow_down_secrets(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setenv("SECRETS_PREFIX", "/topup")
        monkeypatch.setenv("SECRETS", "JWT_SECRET,PROXY_API_KEY,STRIPE_SECRET_KEY,STRIPE_WEBHOOK_SECRET")

        def get_parameters(Names: list[str], **_: Any) -> Any:  # noqa: N803 - AWS's name
            self.wait(parameter_store.LONGEST_REQUEST)
            found = [{"Name": name, "Value": ENVIRONMENT[name.rpartition("/")[2]]} for name in Names]
            return {"Parameters": found, "InvalidParameters": []}

        def keys(_token: str) -> Iterator[tuple[str, str]]:
            self.wait(provider_keys.TIMEOUT)  # as if the keys were fetched from the identity provider
            yield JWT_SECRET, "HS256"

        monkeypatch.setattr(parameter_store, "_client", lambda: SimpleNamespace(get_parameters=get_parameters))
        monkeypatch.setattr(token_keys, "of", keys)


@pytest.fixture
def world(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Iterator[SlowWorld]:
    config.settings.cache_clear()
    yield SlowWorld(shop, monkeypatch)
    parameter_store._known.clear()


# ----------------------------------------------------------------------------------------------- the functions' flows

Call = Callable[[], Any]


def packages(shop: Shop) -> Call:
    return lambda: shop.api.get("/api/payments/packages")


def create(shop: Shop) -> Call:
    headers = as_buyer() | {"idempotency-key": "key-1"}
    return lambda: shop.api.post("/api/payments/stripe/create", {"package": "standard"}, headers)


def payment(shop: Shop) -> Call:
    shop.pay(shop.create())
    return lambda: shop.deliver("payment_intent.succeeded")


def dashboard_refund_before_its_payment(shop: Shop) -> Call:
    shop.simulator.refund(shop.pay(shop.create()))
    return lambda: shop.deliver("refund.created")


def dispute_of_an_expired_lot(shop: Shop) -> Call:
    _, intent = shop.buy()
    shop.wait(days=200)
    shop.simulator.dispute(intent)
    return lambda: shop.deliver("charge.dispute.created")


def status_without_a_webhook(shop: Shop) -> Call:
    bought = shop.create()
    shop.pay(bought)
    shop.lose()
    shop.wait(seconds=30)
    return lambda: shop.payment(bought["payment_id"])


def payments(shop: Shop) -> Call:
    shop.buy()
    return lambda: shop.api.get("/api/payments", as_user())


def credits(shop: Shop) -> Call:
    shop.buy()
    return shop.credits


def past_credits(shop: Shop) -> Call:
    shop.buy()
    shop.wait(hours=1)
    shop.spend(10)
    hold = shop.hold(10).json()
    shop.wait(hours=1)
    shop.release(hold)
    then = quote_of_a_url((shop.now - timedelta(minutes=30)).isoformat())
    return lambda: shop.api.get(f"/api/users/credits?as_of={then}", as_user())


def explained_transactions(shop: Shop) -> Call:
    shop.buy()
    shop.spend(10)
    return lambda: shop.api.get("/api/users/credits/transactions?explain=true", as_user())


def transactions(shop: Shop) -> Call:
    shop.buy()
    return lambda: shop.api.get("/api/users/credits/transactions?limit=100", as_user())


def refund(shop: Shop) -> Call:
    payment_id, _ = shop.buy()
    return lambda: shop.refund(payment_id, 10, "key-1")


def refund_of_an_expired_lot(shop: Shop) -> Call:
    payment_id, _ = shop.buy()
    shop.wait(days=200)
    return lambda: shop.refund(payment_id, 10, "key-1", force=True)


def keyless_refund(shop: Shop) -> Call:
    payment_id, _ = shop.buy()
    return lambda: shop.refund(payment_id, 10)


def keyless_refund_of_an_expired_lot(shop: Shop) -> Call:
    payment_id, _ = shop.buy()
    shop.wait(days=200)
    return lambda: shop.refund(payment_id, 10, force=True)


def status_with_receipt(shop: Shop) -> Call:
    payment_id, _ = shop.buy()
    return lambda: shop.api.get(f"/api/payments/{payment_id}?expand=receipt", as_user())


def status_with_release_quote(shop: Shop) -> Call:
    payment_id, intent = quarantined(shop)
    shop.simulator.refund(intent, 100)
    shop.deliver()
    return lambda: shop.api.get(f"/api/payments/{payment_id}?expand=release_quote", as_admin())


def fraud_warning(shop: Shop) -> Call:
    _, intent = shop.buy()
    shop.simulator.warn_of_fraud(intent)
    return lambda: shop.deliver("radar.early_fraud_warning.created")


def cancel(shop: Shop) -> Call:
    payment = shop.create()
    return lambda: shop.cancel(payment)


def cancel_of_a_paid_one(shop: Shop) -> Call:
    payment = shop.create()
    shop.simulator.refund(shop.pay(payment), 2500)
    shop.lose()
    return lambda: shop.cancel(payment)


def found_by_charge(shop: Shop) -> Call:
    _, intent = shop.buy()
    charge = charge_of(shop, intent)
    return lambda: shop.find(charge=charge)


def found_by_email(shop: Shop) -> Call:
    shop.buy()
    return lambda: shop.find(email="buyer@example.com")


def found_by_state(shop: Shop) -> Call:
    shop.pay(shop.create(), method="alipay")
    shop.deliver()
    return lambda: shop.find(status="processing")


def found_by_open_dispute(shop: Shop) -> Call:
    _, intent = shop.buy()
    shop.simulator.dispute(intent)
    shop.deliver()
    return lambda: shop.find(status="disputed")


def fulfilled_release(shop: Shop) -> Call:
    payment_id, _ = quarantined(shop)
    return lambda: shop.release_payment(payment_id, "fulfil")


def refunded_release(shop: Shop) -> Call:
    payment_id, _ = quarantined(shop)
    return lambda: shop.release_payment(payment_id, "refund")


def quote(shop: Shop) -> Call:
    payment_id, _ = shop.buy()
    return lambda: shop.quote(payment_id)


def refund_in_flight(shop: Shop) -> Call:
    payment_id, _ = shop.buy()
    shop.fault("/v1/refunds", "timeout_before")
    assert shop.refund(payment_id, 10, "key-1").status == 202
    shop.wait(hours=25)
    return lambda: shop.refund(payment_id, 10, "key-1")


def spend(shop: Shop) -> Call:
    shop.buy()
    return lambda: shop.spend(10, "key-1")


def refused_spend(shop: Shop) -> Call:
    return lambda: shop.spend(10, "key-1")


def grant(shop: Shop) -> Call:
    return lambda: shop.grant(10, "key-1", campaign="spring")


def adjustment(shop: Shop) -> Call:
    shop.buy()
    return lambda: shop.adjust(-10, "key-1")


def batch(shop: Shop) -> Call:
    shop.grant(100)
    return lambda: shop.batch([("key-1", 10), ("key-2", 10)])


def half_repeated_batch(shop: Shop) -> Call:
    shop.grant(100)
    shop.spend(10, "key-1")
    return lambda: shop.batch([("key-1", 10), ("key-2", 10)])


def reversed_spend(shop: Shop) -> Call:
    shop.grant(100)
    spent = shop.spend(100).json()["transaction_id"]
    return lambda: shop.reverse(spent, None, "key-1")


def opened_hold(shop: Shop) -> Call:
    shop.grant(100)
    return lambda: shop.hold(10, "key-1")


def listed_holds(shop: Shop) -> Call:
    shop.grant(100)
    shop.hold(10)
    return lambda: shop.api.get(f"/api/users/{USER_ID}/holds", as_admin())


def captured_hold(shop: Shop) -> Call:
    shop.grant(100)
    hold = shop.hold(10).json()
    return lambda: shop.capture(hold, 5, "key-1")


def late_capture(shop: Shop) -> Call:
    shop.grant(100)
    hold = shop.hold(10, ttl_seconds=1).json()
    shop.wait(hours=1)
    shop.reconcile(sweep_after_hours=0)
    return lambda: shop.capture(hold, 5, "key-1")


def extended_hold(shop: Shop) -> Call:
    shop.grant(100)
    hold = shop.hold(10).json()
    return lambda: shop.extend(hold, "key-1", add=5)


def released_hold(shop: Shop) -> Call:
    shop.grant(100)
    hold = shop.hold(10).json()
    return lambda: shop.release(hold)


FLOWS: dict[str, list[Callable[[Shop], Call]]] = {
    "list_packages": [packages],
    "create_checkout": [create],
    "stripe_webhook": [payment, dashboard_refund_before_its_payment, dispute_of_an_expired_lot, fraud_warning],
    "get_payment": [status_without_a_webhook, status_with_receipt, status_with_release_quote],
    "cancel_checkout": [cancel, cancel_of_a_paid_one],
    "list_payments": [payments],
    "get_credits": [credits, past_credits],
    "list_transactions": [transactions, explained_transactions],
    "find_payments": [found_by_charge, found_by_email, found_by_open_dispute, found_by_state],
    "quote_refund": [quote],
    "release_payment": [fulfilled_release, refunded_release],
    "refund_payment": [refund, refund_of_an_expired_lot, refund_in_flight],
    "spend_credits": [spend, refused_spend],
    "grant_credits": [grant],
    "adjust_credits": [adjustment],
    "spend_batch": [batch, half_repeated_batch],
    "reverse_spend": [reversed_spend],
    "open_hold": [opened_hold],
    "list_holds": [listed_holds],
    "capture_hold": [captured_hold, late_capture],
    "extend_hold": [extended_hold],
    "release_hold": [released_hold],
}
ALL_FLOWS = pytest.mark.parametrize(
    ("function", "flow"),
    [pytest.param(function, flow, id=flow.__name__) for function, flows in FLOWS.items() for flow in flows],
)


CALLS_NOTHING = {"console", "no_route"}  # they send what is in their package


def test_every_function_with_an_address_has_a_flow():
    assert {route.function.name for route in template().routes} == FLOWS.keys() | CALLS_NOTHING


def in_time(world: SlowWorld, function: str) -> None:
    """The function has answered in time, with a documented status."""
    [(called, status)] = world.statuses
    assert called == function
    assert world.took < timeout_of(function)
    routes = {route.key for route in template().routes if route.function.name == function and route.method != "HEAD"}
    for method, path in (route.split() for route in routes):
        assert str(status) in DOCUMENT["paths"][path][method.lower()]["responses"]
    assert status < 500 or status in (502, 503)


def nothing_is_half_done(world: SlowWorld, call: Call) -> None:
    """What is there is sound; and once all is well, the same request completes it."""
    world.shop.dynamodb.clear_faults()
    world.shop.check()
    world.shop.wait(minutes=2)
    world.statuses = []
    call()
    assert all(status < 500 for _, status in world.statuses)
    world.shop.reconcile()
    world.shop.check()


@ALL_FLOWS
def test_where_every_call_is_slow_a_function_answers_in_time(
    world: SlowWorld, function: str, flow: Callable[[Shop], Call]
):
    call = flow(world.shop)

    world.run(call)

    in_time(world, function)
    nothing_is_half_done(world, call)


@ALL_FLOWS
@pytest.mark.parametrize("number", [1, 3])
@pytest.mark.parametrize("fault", [lost_before, lost_after, refused("ThrottlingException")])
def test_where_dynamodb_fails_from_some_call_on_a_function_answers_in_time(
    world: SlowWorld, function: str, flow: Callable[[Shop], Call], number: int, fault: Fault
):
    call = flow(world.shop)
    world.fail_from(number, fault)

    world.run(call)

    in_time(world, function)
    nothing_is_half_done(world, call)


@pytest.mark.parametrize("number", range(1, 8))
@pytest.mark.parametrize("fault", [lost_before, lost_after, refused("ThrottlingException")])
@pytest.mark.parametrize("flow", [keyless_refund, keyless_refund_of_an_expired_lot])
def test_no_answer_asks_for_another_refund_once_one_may_have_begun(
    world: SlowWorld, flow: Callable[[Shop], Call], number: int, fault: Fault
):
    call = flow(world.shop)
    world.fail_from(number, fault)

    world.run(call)

    in_time(world, "refund_payment")
    world.shop.dynamodb.clear_faults()
    [paid] = world.shop.api.get("/api/payments", as_user()).json()["payments"]
    has_begun = bool(world.shop.payment(paid["payment_id"]).get("refunds"))
    assert world.statuses[0][1] in ((200, 202) if has_begun else (202, 503))


@ALL_FLOWS
def test_where_stripe_does_not_answer_either_a_function_answers_in_time(
    world: SlowWorld, function: str, flow: Callable[[Shop], Call]
):
    call = flow(world.shop)
    world.stripe_answers = False

    world.run(call)

    in_time(world, function)
    nothing_is_half_done(world, call)


@ALL_FLOWS
def test_where_no_time_is_left_nothing_is_sent(world: SlowWorld, function: str, flow: Callable[[Shop], Call]):
    call = flow(world.shop)
    world.shop.api.context = lambda name: Context(name, lambda: 1.0)
    world.shop.dynamodb.operations.clear()

    world.run(call)

    assert world.statuses == [(function, 200 if function == "list_packages" else 503)]
    assert world.shop.dynamodb.operations == []


# ------------------------------------------------------------------------------------------------ in the background


LOTS = 20  # more than there is time for


def with_expired_lots(shop: Shop, number: int) -> None:
    for _ in range(number):
        shop.grant(10)
    shop.wait(days=200)


@pytest.mark.parametrize("fault", [None, lost_before, lost_after, refused("ThrottlingException")])
def test_a_batch_of_expired_lots_ends_in_time_and_reports_what_is_left(world: SlowWorld, fault: Fault | None):
    with_expired_lots(world.shop, LOTS)
    records = [world.shop.ttl_record(timer) for timer in world.shop.due_timers(delete=True)]
    if fault:
        world.fail_from(5, fault)

    failed = world.run(lambda: world.shop.consume(records))["batchItemFailures"]

    assert world.took < timeout_of("expire_credits")
    assert 0 < len(failed) < LOTS
    world.shop.dynamodb.clear_faults()
    world.shop.check()
    assert world.shop.consume(records[-len(failed) :])["batchItemFailures"] == []
    world.shop.check()
    assert world.shop.balance() == 0


@pytest.mark.parametrize("fault", [None, lost_before, lost_after, refused("ThrottlingException")])
def test_a_run_of_reconcile_ends_in_time_and_says_that_it_is_incomplete(world: SlowWorld, fault: Fault | None):
    shop = world.shop
    with_expired_lots(shop, LOTS)
    shop.due_timers(delete=True)
    for _ in range(10):
        shop.pay(shop.create())
    shop.lose()
    payment_id, _ = shop.buy()
    shop.fault("/v1/refunds", "timeout_before")
    shop.refund(payment_id, 10)
    shop.wait(days=3)
    if fault:
        world.fail_from(10, fault)

    report = world.run(shop.reconcile)

    assert world.took < timeout_of("reconcile")
    assert report["failures"] or not report["complete"]
    shop.dynamodb.clear_faults()
    shop.check()
    while not shop.reconcile()["complete"]:
        pass
    shop.check()
