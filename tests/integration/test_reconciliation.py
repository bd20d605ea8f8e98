"""`reconcile` finds what was lost, repairs it and reports it; running it again changes nothing."""

import io
import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from local.in_process.api import load_handler
from local.in_process.dynamodb import refused
from local.in_process.shop import Shop
from tests.integration.stripe_side import REFUNDS, calls_of_stripe
from tests.support.builders import PAYMENT_ID, an_order
from topup import reconciliation, store

STEPS = ("events", "refunds", "payments", "lots")
NOTHING = {
    **{step: {"found": 0, "repaired": 0} for step in STEPS},
    "failures": 0,
    "complete": True,
    "repaired": 0,
}


def test_where_nothing_was_lost_nothing_is_found(shop: Shop):
    shop.buy()

    assert shop.reconcile() == NOTHING


def test_undelivered_events_are_handled_once(shop: Shop):
    payment = shop.create()
    shop.pay(payment)
    assert shop.lose() > 0

    first, second = shop.reconcile(), shop.reconcile()

    assert shop.balance() == 1100
    assert first["events"]["repaired"] == 1
    assert second["events"] == first["events"] | {"repaired": 0}
    assert second["failures"] == 0
    shop.check()


def test_events_are_handled_oldest_first(shop: Shop):
    payment = shop.create()
    intent = shop.pay(payment)
    shop.wait(seconds=60)
    shop.simulator.refund(intent)
    shop.lose()

    assert shop.reconcile()["failures"] == 0
    assert shop.ledger() == [("purchased", 1100), ("refunded", -1100)]


@pytest.mark.parametrize(("hours", "repaired"), [(1, 0), (100, 1)])
def test_the_window_says_how_far_back_to_look(shop: Shop, hours: int, repaired: int):
    payment = shop.create()
    shop.pay(payment)
    shop.lose()
    order = store.load_order(payment["payment_id"])
    assert order is not None
    store.claim_sync(order.payment_id, shop.now + timedelta(hours=90), timedelta(0))  # only an event can repair it now
    shop.wait(hours=90)

    assert shop.reconcile(window_hours=hours)["events"]["repaired"] == repaired


def test_a_payment_whose_events_are_lost_is_repaired_by_a_read_of_its_session(shop: Shop):
    payment = shop.create()
    shop.pay(payment)
    shop.lose()
    shop.wait(minutes=16)

    report = shop.reconcile(window_hours=0)

    assert (report["events"]["found"], report["payments"]["found"], report["payments"]["repaired"]) == (0, 1, 1)
    assert shop.balance() == 1100
    assert shop.reconcile(window_hours=0)["payments"]["found"] == 0


def test_an_abandoned_checkout_is_read_at_stripe_less_and_less_often_until_it_expires(shop: Shop):
    shop.create()
    calls = calls_of_stripe(shop)
    read_after = []
    for minutes in range(15, 60 * 30, 15):
        shop.wait(minutes=15)
        calls.clear()
        shop.reconcile(window_hours=0)
        if any("/checkout/sessions/" in call for call in calls):
            read_after.append(minutes / 60)

    assert read_after[:7] == [0.25, 0.5, 1, 2, 4, 8, 16]  # hours; a session lives for a day
    assert shop.reconcile(window_hours=0)["payments"]["found"] == 0


def test_an_order_that_never_got_a_session_expires(shop: Shop):
    store.place_order(an_order(provider_order_id=None, payment_url=None))
    shop.wait(hours=24)
    assert shop.reconcile()["payments"]["repaired"] == 0
    shop.wait(hours=2)

    assert shop.reconcile()["payments"]["repaired"] == 1
    order = store.load_order(PAYMENT_ID)
    assert order is not None
    assert order.status == "expired"


def test_one_record_that_cannot_be_repaired_does_not_stop_the_others(shop: Shop, log: io.StringIO):
    for _ in range(3):
        shop.pay(shop.create("trial"))
    shop.lose()
    shop.dynamodb.fail("TransactWriteItems", refused("AccessDeniedException"))

    report = shop.reconcile()

    # Each payment has two events: where one failed, the other repairs it.
    assert (report["failures"], report["events"]["repaired"]) == (1, 3)
    assert "could not be reconciled" in log.getvalue()
    assert shop.balance() == 1500
    shop.check()


# ------------------------------------------------------------------------------------- failures and the limit of time


@pytest.fixture
def damaged(shop: Shop) -> Shop:
    """A shop with one thing for each step to repair: an event, a refund, a payment and a lot."""
    shop.buy()
    shop.wait(days=200)
    shop.due_timers(delete=True)  # their stream records are lost
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "timeout_before")
    shop.refund(payment_id)
    store.place_order(an_order(provider_order_id=None, payment_url=None, created_at=shop.now))
    shop.wait(hours=26)
    shop.pay(shop.create())
    shop.lose()
    return shop


def break_listing(shop: Shop, step: str) -> None:
    """Let the request fail that lists what this step has to look at."""
    if step == "events":
        shop.fault("/v1/events", "500", times=3)
        return
    index, partition = {"refunds": ("waiting", "refund"), "payments": ("waiting", "payment:"), "lots": ("due", "")}[
        step
    ]

    def fail(params: Any, **_: Any) -> None:
        asked = params["ExpressionAttributeValues"].get(":partition", {}).get("S", "")
        if params.get("IndexName") == index and asked.startswith(partition):
            raise ReadTimeoutError(endpoint_url="https://dynamodb")

    shop.dynamodb.client.meta.events.register("provide-client-params.dynamodb.Query", fail)


def repaired(report: dict[str, Any]) -> dict[str, int]:
    return {step: report[step]["repaired"] for step in STEPS}


def test_every_step_repairs_what_it_finds(damaged: Shop):
    report = damaged.reconcile()

    assert repaired(report) == dict.fromkeys(STEPS, 1)
    assert (report["repaired"], report["failures"], report["complete"]) == (4, 0, True)
    damaged.check()


@pytest.mark.parametrize("step", STEPS)
def test_a_step_whose_listing_fails_is_counted_and_the_other_steps_still_run(
    damaged: Shop, log: io.StringIO, capsys: pytest.CaptureFixture[str], step: str
):
    break_listing(damaged, step)

    report = damaged.reconcile()

    assert repaired(report) == dict.fromkeys(STEPS, 1) | {step: 0}
    assert (report[step]["found"], report["failures"], report["complete"]) == (0, 1, True)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["step"] for line in lines if line["message"] == "could not be reconciled"] == [step]
    assert '"ReconcileFailed":[1.0]' in capsys.readouterr().out
    damaged.check()


def test_a_run_stops_when_the_time_is_up_and_says_so(shop: Shop):
    for _ in range(3):
        shop.pay(shop.create("trial"))
    shop.lose()
    has_time = iter([True, True, False, False, False, False, False])

    with shop.dynamodb.acting_as("reconcile"):
        report = reconciliation.reconcile(shop.now, has_time=lambda: next(has_time))

    assert (report.events.found, report.complete) == (2, False)


@pytest.mark.parametrize(("milliseconds_left", "steps_repaired"), [(30_000, 0), (30_001, 4)])
def test_no_step_begins_a_repair_in_the_last_thirty_seconds(damaged: Shop, milliseconds_left: int, steps_repaired: int):
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: milliseconds_left)

    with damaged.dynamodb.acting_as("reconcile"):
        report = load_handler("reconcile")({"time": damaged.now.isoformat()}, context)

    assert (report["repaired"], report["failures"]) == (steps_repaired, 0)
    assert report["complete"] == (steps_repaired == 4)
    assert repaired(damaged.reconcile()) == dict.fromkeys(STEPS, 0 if steps_repaired else 1)


# ---------------------------------------------------------------------------------------------------- requests by hand


@pytest.mark.parametrize("time", ["2027-03-01T12:00:00Z", "2026-03-01T12:05:01Z", "2026-02-28T11:59:59Z"])
def test_a_time_unlike_the_clock_is_refused_and_expires_nothing(shop: Shop, time: str):
    shop.buy()

    with pytest.raises(ValueError, match=r"time is .* and it is 2026-03-01T12:00:00\+00:00"):
        shop.reconcile(time=time, sweep_after_hours=0)

    assert shop.balance() == 1100


@pytest.mark.parametrize("time", ["tomorrow", "2026-03-01T12:00:00", 1_772_366_400])
def test_a_time_that_is_no_moment_is_refused(shop: Shop, time: Any):
    with pytest.raises(ValueError, match="time must"):
        shop.reconcile(time=time)


@pytest.mark.parametrize("time", [None, "2026-02-28T12:00:00Z", "2026-03-01T12:05:00Z", "2026-03-01T20:00:00+08:00"])
def test_a_time_near_the_clock_and_none_at_all_are_accepted(shop: Shop, time: str | None):
    assert shop.reconcile(time=time) == NOTHING


@pytest.mark.parametrize("event", [{"window_hours": 721}, {"window_hours": -1}, {"sweep_after_hours": "1"}])
def test_a_wrong_request_by_hand_is_refused_and_named(shop: Shop, event: dict[str, Any]):
    with pytest.raises(ValueError, match=next(iter(event))):
        shop.reconcile(**event)
