"""What reconcile finds at Stripe, page by page, with a place to go on from, and each failure once."""

from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest

from local.client import session_of
from local.in_process.dynamodb import refused
from local.in_process.environment import NOW, STACK
from local.in_process.shop import Shop
from local.stripe_simulator import Simulator
from tests.integration.stripe_side import (
    calls_of_stripe,
    foreign_payment,
    reconcile_slowly,
    switch_endpoints,
    undelivered_event,
)
from tests.support.builders import PAYMENT_ID, an_order
from topup import fraud_warnings, fulfilment, store
from topup.domain.updates import CheckoutExpired
from topup.store import order_items

LONG_AGO = int((NOW - timedelta(days=90)).timestamp())  # before the refunds and disputes that are listed
OURS = {"topup_stack": STACK, "order_id": PAYMENT_ID}
LISTS = {
    "events": "/v1/events",
    "refunds": "/v1/refunds",
    "disputes": "/v1/disputes",
    "warnings": "/v1/radar/early_fraud_warnings",
}


def lists_read(calls: list[str]) -> list[str]:
    return [name for call in calls for name, path in LISTS.items() if call.startswith(f"GET {path}?")]


def without_endpoints(shop: Shop, happens: Callable[[Simulator], object]) -> None:
    """Let something happen at Stripe while no endpoint is enabled: Stripe never tries to deliver its events."""
    switch_endpoints(shop, on=False)
    happens(shop.simulator)
    switch_endpoints(shop, on=True)


# -------------------------------------------------------------------------------------- what Stripe never delivered


@pytest.mark.parametrize("happens", ["refund", "dispute"])
def test_money_that_went_back_while_no_endpoint_was_enabled_is_found(shop: Shop, happens: str):
    _, intent = shop.buy()
    without_endpoints(shop, lambda stripe: getattr(stripe, happens)(intent))

    report = shop.reconcile()

    assert (report["paid_events"]["repaired"], report["repaired"], report["failures"]) == (0, 1, 0)
    assert shop.balance() == 0
    assert shop.reconcile()["repaired"] == 0
    shop.check()


def test_a_second_payment_of_an_order_while_no_endpoint_was_enabled_is_told_to_somebody(shop: Shop):
    payment_id, _ = shop.buy()
    ours = shop.simulator.session(session_of(shop.payment(payment_id)))["metadata"]
    without_endpoints(shop, lambda _: foreign_payment(shop, ours))

    report = shop.reconcile()

    assert (report["paid_events"]["repaired"], report["failures"]) == (1, 0)
    assert "paid" in shop.find(status="quarantined").json()["payments"][0]["quarantine_reason"]
    assert (shop.balance(), shop.reconcile()["repaired"]) == (1100, 0)
    shop.check()


def test_a_payment_of_an_order_that_had_ended_while_no_endpoint_was_enabled_is_granted(shop: Shop):
    payment = shop.create()
    order = store.load_order(payment["payment_id"])
    assert order
    about: Any = {"payment_id": order.payment_id, "user_id": order.user_id, "livemode": order.livemode}
    # As after 25 hours with the key of another account, in which Stripe does not know the session.
    fulfilment.apply(CheckoutExpired(**about, session_id=order.provider_order_id), shop.now)
    assert shop.payment(payment["payment_id"])["status"] == "expired"
    without_endpoints(shop, lambda _: shop.pay(payment))

    assert shop.reconcile()["paid_events"]["repaired"] == 1

    assert shop.balance() == 1100
    shop.check()


def test_payments_that_were_told_of_cost_no_question_each(shop: Shop):
    for number in range(3):
        shop.buy("trial", user=f"user-{number}")
    calls = calls_of_stripe(shop)

    report = shop.reconcile()

    assert report["paid_events"] == {
        "found": 6,
        "repaired": 0,
        "ended": 0,
        "failed": 0,
    }  # of each the session and the intent
    assert len(calls) == len(lists_read(calls))


def test_a_dispute_whose_end_was_never_delivered_is_found(shop: Shop):
    _, intent = shop.buy()
    dispute = shop.simulator.dispute(intent)
    shop.deliver()
    without_endpoints(shop, lambda stripe: stripe.close_dispute(dispute["id"], "won"))

    assert shop.reconcile()["stripe_disputes"] == {"found": 1, "repaired": 1, "ended": 0, "failed": 0}
    assert shop.balance() == 1100
    shop.check()


@pytest.mark.parametrize(("ends", "left"), [("a dispute is won", 1100), ("a refund fails", 1100)])
def test_the_end_of_an_old_reversal_that_was_never_delivered_is_found(shop: Shop, ends: str, left: int):
    _, intent = shop.buy()
    is_dispute = ends == "a dispute is won"
    made = shop.simulator.dispute(intent) if is_dispute else shop.simulator.refund(intent, pending=True)
    shop.deliver()
    shop.wait(days=60)  # longer than any window
    shop.reconcile()
    end = (
        (lambda stripe: stripe.close_dispute(made["id"], "won"))
        if is_dispute
        else (lambda stripe: stripe.fail_refund(made["id"]))
    )
    without_endpoints(shop, end)

    assert shop.balance() == 0
    assert shop.reconcile()["reversal_events"]["repaired"] == 1
    assert shop.balance() == left
    assert shop.reconcile()["repaired"] == 0
    shop.check()


def test_by_hand_the_window_reaches_thirty_days_back(shop: Shop):
    _, intent = shop.buy()
    without_endpoints(shop, lambda stripe: stripe.refund(intent))
    shop.wait(days=20)

    assert shop.reconcile()["repaired"] == 0
    assert shop.reconcile(window_hours=720)["stripe_refunds"]["repaired"] == 1
    assert shop.balance() == 0


@pytest.mark.parametrize("happens", ["refund", "dispute"])
@pytest.mark.parametrize(("days", "left"), [(4, 0), (29, 0), (31, 1100)])  # Stripe keeps events for thirty
def test_after_an_outage_the_schedule_goes_back_to_the_last_walk_that_came_to_its_end(
    shop: Shop, happens: str, days: int, left: int
):
    _, intent = shop.buy()
    shop.reconcile()
    shop.wait(minutes=20)
    getattr(shop.simulator, happens)(intent)
    shop.lose()
    shop.wait(days=days)

    shop.reconcile()

    assert shop.balance() == left


def test_after_an_outage_the_end_of_an_old_dispute_and_a_fraud_warning_are_found(shop: Shop):
    payment_id, intent = shop.buy()
    dispute = shop.simulator.dispute(intent)
    shop.deliver()
    shop.wait(days=40)
    shop.reconcile()
    shop.wait(minutes=20)
    shop.simulator.close_dispute(dispute["id"], "won")
    shop.simulator.warn_of_fraud(intent)
    shop.lose()
    shop.wait(days=4)

    shop.reconcile()

    assert [one["status"] for one in shop.payment(payment_id)["disputes"]] == ["won"]
    assert "fraud_warning" in shop.payment(payment_id)


def test_a_fraud_warning_that_was_never_delivered_is_found(shop: Shop):
    payment_id, intent = shop.buy()
    without_endpoints(shop, lambda stripe: stripe.warn_of_fraud(intent))

    report = shop.reconcile()

    assert report["fraud_warnings"] == {"found": 1, "repaired": 1, "ended": 0, "failed": 0}
    assert shop.payment(payment_id)["fraud_warning"]["fraud_type"] == "unauthorized_use_of_card"
    assert shop.reconcile()["repaired"] == 0


def test_a_fraud_warning_that_was_delivered_is_not_found_for_ever(shop: Shop):
    _, intent = shop.buy()
    shop.simulator.warn_of_fraud(intent)
    shop.deliver()

    found = []
    for _ in range(3):
        found.append(shop.reconcile()["fraud_warnings"])
        shop.wait(hours=2)

    # Each walk goes over the hour before the last one again, for what is listed late.
    assert [one["found"] for one in found] == [1, 1, 0]
    assert [one["repaired"] for one in found] == [0, 0, 0]


def test_a_fraud_warning_of_a_missing_payment_is_stuck_until_the_payment_is_there(shop: Shop):
    payment_id, intent = shop.buy()
    order = store.load_order(payment_id)
    assert order
    without_endpoints(shop, lambda stripe: stripe.warn_of_fraud(intent))
    shop.dynamodb.client.delete_item(TableName=shop.dynamodb.orders_table, Key=order_items.order_key(payment_id))

    stuck = shop.reconcile()["stuck"]
    assert [one["sweep"] for one in stuck] == ["paid_events"] * 2 + ["fraud_warnings"]
    assert {one["reason"].partition(":")[0] for one in stuck} == {"OrderMissing"}

    store.place_order(order)
    assert shop.reconcile()["stuck"] == []
    assert "fraud_warning" in shop.payment(payment_id)


def test_the_text_of_an_error_that_is_not_ours_is_not_kept(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    _, intent = shop.buy()
    without_endpoints(shop, lambda stripe: stripe.warn_of_fraud(intent))

    def fail(*_: object) -> None:
        raise KeyError("buyer@example.com")

    monkeypatch.setattr(fraud_warnings, "apply", fail)

    assert [one["reason"] for one in shop.reconcile()["stuck"]] == ["KeyError"]


def test_other_peoples_refunds_disputes_and_warnings_cost_no_question_each(shop: Shop):
    charges = [foreign_payment(shop) for _ in range(3)]
    for intent in charges:
        shop.simulator.warn_of_fraud(intent)
        shop.simulator.refund(intent)
    calls = calls_of_stripe(shop)

    report = shop.reconcile()

    assert sorted(set(lists_read(calls))) == ["disputes", "events", "refunds", "warnings"]
    assert len(calls) == 6  # events have three lists: of what was paid, of what was not, and of what went back
    assert (report["stripe_refunds"]["found"], report["repaired"]) == (3, 0)
    assert report["fraud_warnings"]["found"] == 3


def acknowledged_without_effect(shop: Shop) -> None:
    """Every event that is due is acknowledged and forgotten, as with the key of the other mode."""
    for delivery in shop.due():
        shop.simulator.delivered(delivery, 200)
    shop._in_flight.clear()


def looked_at_in_nine_days(shop: Shop, payment_id: str) -> None:
    order = store.load_order(payment_id)
    assert order
    store.claim_look(order, shop.now, shop.now + timedelta(days=9))


def test_a_payment_whose_event_was_acknowledged_without_effect_is_found_by_the_schedule(shop: Shop):
    payment = shop.create()
    shop.pay(payment)
    acknowledged_without_effect(shop)
    looked_at_in_nine_days(shop, payment["payment_id"])

    assert shop.reconcile()["paid_events"]["repaired"] == 1
    assert shop.balance() == 1100


def test_on_request_every_event_of_the_window_is_handled_also_a_delivered_one(shop: Shop):
    payment = shop.create()
    shop.simulator.expire(session_of(payment))
    acknowledged_without_effect(shop)
    looked_at_in_nine_days(shop, payment["payment_id"])

    assert shop.reconcile(window_hours=720)["repaired"] == 0
    assert shop.reconcile(all=True)["events"]["repaired"] == 1
    assert shop.payment(payment["payment_id"])["status"] == "expired"


# ------------------------------------------------------------------------------------------------ a late grant


def late(shop: Shop, ask: str, payment_id: str) -> None:
    """Let a status read, reconcile's look, or an event that it finds bring the payment."""
    if ask == "status":
        shop.wait(seconds=10)
        assert shop.payment(payment_id)["status"] == "succeeded"
        return
    shop.wait(minutes=20 if ask == "look" else 0)
    assert shop.reconcile(window_hours=0)["failures"] == 0


@pytest.mark.parametrize("ask", ["status", "look", "event"])
@pytest.mark.parametrize("happens", ["refund", "dispute"])
def test_a_late_grant_looks_at_the_payments_refunds_and_disputes(shop: Shop, ask: str, happens: str):
    payment = shop.create()
    switch_endpoints(shop, on=ask == "event")
    intent = shop.pay(payment)
    shop.lose()
    without_endpoints(shop, lambda stripe: getattr(stripe, happens)(intent))

    late(shop, ask, payment["payment_id"])

    assert shop.ledger()[0] == ("purchased", 1100)
    assert shop.balance() == 0
    assert shop.payment(payment["payment_id"])["refunds" if happens == "refund" else "disputes"]
    shop.check()


def test_a_late_grant_of_an_undisturbed_payment_costs_one_question(shop: Shop):
    payment = shop.create()
    shop.pay(payment)
    shop.lose()
    shop.wait(seconds=10)
    calls = calls_of_stripe(shop)

    shop.payment(payment["payment_id"])

    assert len(calls) == 1
    assert shop.balance() == 1100


def test_credits_are_not_granted_late_while_the_refunds_cannot_be_read(shop: Shop):
    payment = shop.create()
    switch_endpoints(shop, on=False)
    intent = shop.pay(payment)
    shop.simulator.refund(intent)
    shop.wait(seconds=10)
    shop.fault("/v1/refunds", "500")

    assert shop.payment(payment["payment_id"])["status"] != "succeeded"
    shop.wait(seconds=10)
    assert shop.payment(payment["payment_id"])["status"] == "succeeded"
    assert shop.balance() == 0


# ------------------------------------------------------------------------------------------- time, and where to go on


def test_runs_that_are_too_short_get_through_all_events_together(shop: Shop):
    for number in range(8):
        shop.pay(shop.create("trial", user=f"user-{number}"))
    shop.lose()

    reports = [reconcile_slowly(shop, seconds=6) for _ in range(6)]

    assert not reports[0]["complete"]
    assert reports[-1]["complete"]
    assert sum(report["repaired"] for report in reports) == 8
    assert [shop.balance(f"user-{number}") for number in range(8)] == [500] * 8


def test_without_time_no_list_is_read_however_long_it_is(shop: Shop):
    for _ in range(240):
        undelivered_event(shop, "refund.created")
    calls = calls_of_stripe(shop)

    report = reconcile_slowly(shop, seconds=0)

    assert calls == []
    assert not report["complete"]


def test_many_events_are_listed_page_by_page_and_each_is_handled_once(shop: Shop):
    for number in range(500):
        shop.wait(seconds=1 if number % 3 else 0)
        undelivered_event(shop, "payment_intent.succeeded")
    calls = calls_of_stripe(shop)

    report = shop.reconcile()

    assert report["paid_events"]["found"] == 500
    assert 5 <= lists_read(calls).count("events") <= 30


def test_more_than_a_page_within_one_second_is_listed_completely(shop: Shop):
    for _ in range(230):
        undelivered_event(shop, "payment_intent.succeeded")

    assert shop.reconcile()["paid_events"]["found"] == 230


def test_the_schedules_walk_goes_on_from_the_last_complete_ones_start(shop: Shop):
    undelivered_event(shop, "payment_intent.succeeded")
    assert shop.reconcile()["paid_events"]["found"] == 1
    shop.wait(minutes=50)
    assert shop.reconcile()["paid_events"]["found"] == 1  # an hour's overlap: an event may be listed late
    shop.wait(minutes=15)
    shop.reconcile()
    shop.wait(minutes=15)
    assert shop.reconcile()["paid_events"]["found"] == 0

    assert shop.reconcile(window_hours=72)["paid_events"]["found"] == 1


def test_another_request_by_hand_begins_anew_and_the_same_one_goes_on(shop: Shop):
    for _ in range(12):
        undelivered_event(shop, "charge.dispute.updated", created=LONG_AGO)  # each costs a question
        shop.wait(seconds=1)

    def found(hours: int) -> int:
        return int(reconcile_slowly(shop, seconds=8, window_hours=hours)["reversal_events"]["found"])

    first = found(48)
    assert 0 < first < 12
    assert found(24) == first
    rest = [found(24) for _ in range(3)]
    assert first + sum(rest[:-1]) == 12
    assert rest[-1] == first  # complete, so it begins anew


# ---------------------------------------------------------------------------------------------------------- stuck


@pytest.fixture
def missing(shop: Shop) -> Shop:
    """A shop where a payment's order was deleted by hand, and its refund and dispute were not delivered."""
    payment_id, intent = shop.buy()
    shop.simulator.refund(intent, 1000)
    shop.simulator.dispute(intent)
    shop.lose()
    table = shop.dynamodb.client
    table.delete_item(TableName=shop.dynamodb.orders_table, Key=order_items.order_key(payment_id))
    return shop


def test_what_cannot_be_applied_is_a_failure_once_and_listed_until_it_can(
    missing: Shop, capsys: pytest.CaptureFixture[str]
):
    first = missing.reconcile()
    missing.wait(minutes=15)
    capsys.readouterr()
    second = missing.reconcile()

    assert first["failures"] > 0
    assert (second["failures"], second["complete"]) == (0, True)
    assert first["stuck"] == second["stuck"]
    assert {(one["sweep"], one["first_seen"]) for one in second["stuck"]} == {
        ("paid_events", "2026-03-01T12:00:00Z"),
        ("stripe_refunds", "2026-03-01T12:00:00Z"),
        ("stripe_disputes", "2026-03-01T12:00:00Z"),
    }
    assert all(one["reason"].startswith("OrderMissing: ") for one in second["stuck"])
    emitted = capsys.readouterr().out
    assert '"ReconcileStuckEvents":[4.0]' in emitted
    assert '"ReconcileFailed":[0.0]' in emitted


def test_what_was_stuck_is_applied_as_soon_as_it_can_be(shop: Shop):
    _, intent = shop.buy()
    without_endpoints(shop, lambda stripe: stripe.refund(intent))
    for _ in range(40):
        shop.dynamodb.fail("TransactWriteItems", refused("AccessDeniedException"))
    assert len(shop.reconcile()["stuck"]) == 1
    shop.dynamodb.clear_faults()
    shop.wait(days=9)  # it is out of the window by now

    report = shop.reconcile()

    assert (report["repaired"], report["stuck"], report["failures"]) == (1, [], 0)
    assert shop.balance() == 0


def test_what_a_person_has_settled_is_listed_no_more(missing: Shop):
    stuck = [one["id"] for one in missing.reconcile()["stuck"]]

    report = missing.reconcile(settled=stuck)

    assert report["stuck"] == []
    later = missing.reconcile(window_hours=720)
    assert (later["stuck"], later["failures"]) == ([], 0)
    missing.wait(days=40)
    missing.reconcile()
    assert store.load_memory().stuck == []


def test_an_unknown_id_is_not_settled(shop: Shop):
    with pytest.raises(ValueError, match="nothing that is stuck has the id evt_1"):
        shop.reconcile(settled=["evt_1"])


def test_an_event_that_cannot_be_read_is_stuck_and_the_others_are_handled(shop: Shop):
    broken = undelivered_event(shop, "payment_intent.succeeded", id=None, metadata=OURS)
    payment = shop.create()
    shop.pay(payment)
    shop.lose()

    report = shop.reconcile()

    assert [(one["id"], one["sweep"]) for one in report["stuck"]] == [(broken, "paid_events")]
    assert shop.balance() == 1100
    assert shop.reconcile()["failures"] == 0


def test_of_many_stuck_ones_a_few_are_tried_in_each_run(shop: Shop):
    stuck = [
        store.Stuck(
            sweep="events",
            object_id=f"evt_{number}",
            reason="InvalidEvent",
            first_seen=NOW - timedelta(hours=1),
            tried_at=NOW - timedelta(minutes=number),
        )
        for number in range(30)
    ]
    for one in stuck:
        store.remember_stuck(one)

    # Stripe knows none of them, so those that are tried are forgotten.
    assert [len(shop.reconcile()["stuck"]) for _ in range(3)] == [10, 0, 0]


def test_without_its_memory_a_run_does_our_own_work_alone_and_fails(shop: Shop):
    store.place_order(an_order(provider_order_id=None, payment_url=None))
    shop.wait(hours=26)
    calls = calls_of_stripe(shop)
    shop.dynamodb.fail("Query", refused("AccessDeniedException"))

    report = shop.reconcile()

    assert (report["ended"], report["failures"], report["complete"]) == (1, 1, False)
    assert lists_read(calls) == []
    assert store.load_order(PAYMENT_ID)


def test_the_events_of_other_systems_are_asked_about_once(shop: Shop):
    for _ in range(5):
        undelivered_event(shop, "charge.dispute.updated", created=LONG_AGO)
    calls = calls_of_stripe(shop)

    for _ in range(12):
        shop.reconcile()
        shop.wait(minutes=15)

    assert len([call for call in calls if "/v1/disputes/" in call]) == 5
