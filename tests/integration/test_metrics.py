"""What each flow counts, once: the dashboard and the alarms go by it."""

import json
from collections import Counter
from collections.abc import Callable
from datetime import timedelta

import pytest

from local.client import session_of
from local.in_process.api import as_user
from local.in_process.shop import Shop
from tests.integration.stripe_side import quarantined
from tests.integration.test_restored_orders import orders_of, restore


@pytest.fixture
def counted(capsys: pytest.CaptureFixture[str]) -> Callable[[], dict[str, float]]:
    """The sums of the metrics since the last call."""

    def read() -> dict[str, float]:
        sums: Counter[str] = Counter()
        for line in capsys.readouterr().out.splitlines():
            if "CloudWatchMetrics" in line:
                emitted = json.loads(line)
                for metric in emitted["_aws"]["CloudWatchMetrics"][0]["Metrics"]:
                    sums[metric["Name"]] += sum(emitted[metric["Name"]])
        return dict(sums)

    return read


def expire(shop: Shop) -> None:
    shop.api.now += timedelta(days=200)
    shop.run_timers()


def grant_again(shop: Shop) -> None:
    """The same campaign's grant, and the same request again."""
    for key in ("k1", "k1"):
        shop.grant(50, key=key, campaign="spring")


def adjust(shop: Shop) -> None:
    shop.adjust(7, key="up")
    shop.adjust(-5, key="down")
    shop.adjust(-5, key="down")


def refund_what_is_spent(shop: Shop) -> None:
    [payment] = shop.api.get("/api/payments", as_user()).json()["payments"]
    shop.spend(1000, key="all but a hundred")
    shop.refund(payment["payment_id"], force=True)
    shop.deliver()


def refund_what_is_held(shop: Shop) -> None:
    [payment] = shop.api.get("/api/payments", as_user()).json()["payments"]
    shop.hold(1000)
    shop.refund(payment["payment_id"], 50.0, force=True)  # takes 550, of which 450 were held
    shop.deliver()


def hold(shop: Shop) -> None:
    """One that is captured beyond what there is, one that is released, and one that ends by itself."""
    held = shop.hold(1000).json()
    shop.hold(10)
    shop.release(shop.hold(20).json())
    shop.capture(held, 1200, key="k")  # 90 more are available besides
    shop.capture(held, 1200, key="k")
    shop.wait(hours=1)
    shop.run_timers()


def warn(shop: Shop) -> None:
    _, intent = shop.buy()
    shop.simulator.warn_of_fraud(intent)
    shop.deliver()
    for event in {one["event"] for one in shop.simulator.deliveries()}:
        shop.simulator.resend(event)
    shop.deliver()


def end_quarantines(shop: Shop) -> None:
    for action in ("fulfil", "refund"):
        payment_id, _ = quarantined(shop)
        for _ in range(2):
            shop.release_payment(payment_id, action)


def give_back(shop: Shop) -> None:
    spent = shop.spend(30, key="k").json()
    for _ in range(2):
        shop.reverse(spent["transaction_id"], 20, key="back")


@pytest.mark.parametrize(
    ("flow", "expected"),
    [
        (
            hold,
            {"HoldsOpened": 3, "HoldsReleased": 1, "HoldsExpired": 1, "CreditsSpent": 1090, "CaptureShortfall": 110},
        ),
        (warn, {"CheckoutOpened": 1, "PaymentSettled": 1, "CreditsGranted": 1100, "FraudWarned": 1}),
        (
            end_quarantines,
            {
                "CheckoutOpened": 2,
                "PaymentQuarantined": 2,
                "QuarantineReleased": 2,
                "PaymentSettled": 1,
                "CreditsGranted": 550,
            },
        ),
        (give_back, {"CreditsSpent": 30, "SpendsReversed": 20}),
        (refund_what_is_held, {"HoldsOpened": 1, "RefundBegun": 1, "RefundChanged": 1, "HeldCreditsTaken": 450}),
        (lambda shop: shop.create(), {"CheckoutOpened": 1}),
        (lambda shop: shop.cancel(shop.create()), {"CheckoutOpened": 1, "CheckoutCancelled": 1}),
        (lambda shop: shop.spend(30, key="k"), {"CreditsSpent": 30}),
        (lambda shop: shop.batch([("a", 10), ("b", 20)]), {"CreditsSpent": 30}),
        (grant_again, {"CreditsGrantedFree": 50}),
        (adjust, {"CreditsAdjusted": 12}),
        (expire, {"CreditsExpired": 1100}),
        (
            refund_what_is_spent,
            {"CreditsSpent": 1000, "RefundBegun": 1, "RefundChanged": 1, "DebtIncurred": 1000},
        ),
    ],
)
def test_what_happens_is_counted_once(
    shop: Shop, counted: Callable[[], dict[str, float]], flow: Callable[[Shop], object], expected: dict[str, float]
):
    shop.buy()
    counted()

    flow(shop)

    assert counted() == expected


def test_a_payment_is_counted_with_its_credits_and_only_when_it_is_fulfilled(
    shop: Shop, counted: Callable[[], dict[str, float]]
):
    payment = shop.create()
    counted()
    shop.pay(payment)

    shop.deliver()

    assert counted() == {"CreditsGranted": 1100, "PaymentSettled": 1}


def test_an_order_that_ends_unpaid_counts_no_payment(shop: Shop, counted: Callable[[], dict[str, float]]):
    payment = shop.create()
    counted()
    shop.simulator.expire(session_of(payment))

    assert set(shop.deliver()) == {200}
    assert shop.payment(payment["payment_id"])["status"] == "expired"
    assert counted() == {}


@pytest.mark.parametrize("spent", [0, 1100])
def test_a_payment_whose_credits_were_granted_before_a_restore_counts_apart(
    shop: Shop, counted: Callable[[], dict[str, float]], spent: int
):
    payment = shop.create()
    before = orders_of(shop)
    shop.pay(payment)
    events = [delivery.event_id for delivery in shop.due()]
    shop.deliver()
    if spent:
        shop.spend(spent)
    restore(shop, before)
    counted()

    for event_id in events:
        shop.simulator.resend(event_id)
    shop.deliver()

    assert counted() == {"GrantedBefore": 1}
