"""A live stack with a test key: Stripe knows nothing of what was paid, and nothing may be decided on that."""

import random

import pytest

from local.client import session_of
from local.in_process.api import Api
from local.in_process.dynamodb import Emulator
from local.in_process.environment import STRIPE_SECRET_KEY, WEBHOOK_SECRET
from local.in_process.shop import Shop
from local.stripe_simulator import Simulator
from local.stripe_simulator.in_process import InProcessStripe
from tests.integration.stripe_side import REFUNDS, refunds_at_stripe, set_order
from tests.integration.test_reconciliation import quarantine
from topup.runtime import clock
from topup.stripe_gateway import client as stripe_client

LIVE_KEY = "sk_live_0123456789abcdef"


class Mode:
    """Which key the functions have; each is of a simulator of its own."""

    def __init__(self, shop: Shop, monkeypatch: pytest.MonkeyPatch) -> None:
        self._monkeypatch = monkeypatch
        self._live = shop.simulator.request
        other = Simulator(
            "http://stripe.test", now=lambda: shop.now, rng=random.Random(2), secret_key=STRIPE_SECRET_KEY
        )
        self._test = other.request
        self._simulator = shop.simulator
        self.live()

    def live(self) -> None:
        self._use(LIVE_KEY, self._live)

    def test(self) -> None:
        self._use(STRIPE_SECRET_KEY, self._test)

    def _use(self, key: str, request: object) -> None:
        self._monkeypatch.setenv("STRIPE_SECRET_KEY", key)
        self._monkeypatch.setattr(self._simulator, "request", request)


@pytest.fixture
def shop(api: Api, dynamodb: Emulator, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """A shop in live mode."""
    opened = Shop(api, dynamodb)
    opened.simulator = Simulator(
        "http://stripe.test",
        now=lambda: opened.now,
        rng=random.Random(1),
        secret_key=LIVE_KEY,
        webhooks=[("http://127.0.0.1:1/", WEBHOOK_SECRET)],
    )
    monkeypatch.setattr(stripe_client, "http_client", lambda: InProcessStripe(opened.simulator))
    monkeypatch.setattr(clock, "now", lambda: opened.now)
    stripe_client._client_of.cache_clear()
    return opened


@pytest.fixture
def mode(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Mode:
    return Mode(shop, monkeypatch)


@pytest.mark.parametrize("who", ["reconcile", "the same request"])
def test_a_refund_that_stripe_has_made_is_not_taken_for_refused(shop: Shop, mode: Mode, who: str):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "timeout_after")
    assert shop.refund(payment_id, 30.0, "k").status == 202
    shop.lose()
    shop.wait(minutes=5)

    mode.test()
    if who == "reconcile":
        report = shop.reconcile()
        assert (report["refunds_in_flight"], report["failures"]) == (1, 1)
    else:
        assert shop.refund(payment_id, 30.0, "k").status == 202
    [waiting] = shop.payment(payment_id)["refunds"]
    assert (waiting["status"], shop.balance()) == ("pending", 770)

    mode.live()
    shop.wait(minutes=5)
    assert shop.refund(payment_id, 30.0, "k").status == 200
    assert [made["amount"] for made in refunds_at_stripe(shop)] == [3000]
    assert shop.balance() == 770
    shop.check()


@pytest.mark.parametrize(("hours", "is_new"), [(29, False), (96, False), (96, True)])
def test_a_payment_is_granted_after_days_with_the_wrong_key(shop: Shop, mode: Mode, hours: int, is_new: bool):
    """`is_new`: no run of reconcile has had the right key yet."""
    if not is_new:
        shop.reconcile()
    payment = shop.create()
    shop.wait(minutes=5)
    shop.pay(payment)
    shop.lose()

    mode.test()
    for _ in range(hours):
        shop.wait(hours=1)
        shop.reconcile()
    assert shop.payment(payment["payment_id"])["status"] == "expired"

    mode.live()
    shop.wait(minutes=15)
    shop.reconcile()
    assert (shop.payment(payment["payment_id"])["status"], shop.balance()) == ("succeeded", 1100)
    shop.check()


def test_a_payment_that_settles_late_has_not_failed(shop: Shop, mode: Mode):
    payment = shop.create()
    shop.pay(payment, method="alipay")
    shop.deliver()
    shop.wait(hours=30)

    mode.test()
    shop.wait(hours=24)
    shop.reconcile()

    assert shop.payment(payment["payment_id"])["status"] == "processing"


def test_a_refund_of_stripes_is_found_after_days_with_the_wrong_key(shop: Shop, mode: Mode):
    shop.reconcile()
    _, intent = shop.buy()
    shop.deliver()
    shop.simulator.refund(intent)
    shop.lose()

    mode.test()
    for _ in range(96):
        shop.wait(hours=1)
        shop.reconcile()
    mode.live()
    shop.wait(minutes=15)
    shop.reconcile()

    assert shop.balance() == 0
    shop.check()


def test_the_session_of_a_quarantined_order_is_ended_as_soon_as_stripe_can_be_asked(shop: Shop, mode: Mode):
    payment = shop.create()
    quarantine(shop, payment["payment_id"])
    mode.test()
    shop.reconcile()

    mode.live()
    for _ in range(4):
        shop.wait(minutes=15)
        shop.reconcile()

    assert shop.simulator.session(session_of(payment))["status"] != "open"


def test_what_is_stuck_is_not_taken_for_forgotten(shop: Shop, mode: Mode):
    shop.reconcile()
    payment = shop.create()
    shop.pay(payment)
    key = {"payment_id": {"S": payment["payment_id"]}, "record": {"S": "ORDER"}}
    shop.dynamodb.client.delete_item(TableName=shop.dynamodb.orders_table, Key=key)
    shop.lose()
    shop.wait(minutes=15)
    before = [one["id"] for one in shop.reconcile()["stuck"]]
    assert before

    mode.test()
    shop.wait(minutes=15)
    assert [one["id"] for one in shop.reconcile()["stuck"]] == before


def test_a_refund_that_begins_with_the_wrong_key_takes_nothing(shop: Shop, mode: Mode):
    payment_id, _ = shop.buy()

    mode.test()
    refused = shop.refund(payment_id, 30.0, "k")

    assert (refused.status, shop.balance()) == (502, 1100)
    mode.live()
    assert refunds_at_stripe(shop) == []
    assert shop.refund(payment_id, 30.0, "k2").status == 200
    shop.check()


def test_a_decision_to_give_money_back_stays_under_way(shop: Shop, mode: Mode):
    payment = shop.create()
    set_order(shop, payment["payment_id"], amount_minor={"N": "20000"})
    shop.pay(payment)
    shop.deliver()
    shop.fault(REFUNDS, "timeout_before")
    assert shop.release_payment(payment["payment_id"], "refund").status == 202

    mode.test()
    shop.wait(minutes=15)
    shop.reconcile()
    mode.live()
    for _ in range(3):
        shop.wait(minutes=15)
        shop.reconcile()

    assert [made["amount"] for made in refunds_at_stripe(shop)] == [10_000]
