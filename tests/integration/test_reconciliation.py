"""`reconcile` finds what was lost, repairs it and reports it; running it again changes nothing."""

import io
import json
from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ReadTimeoutError

from local.client import session_of
from local.in_process.api import as_buyer, load_handler
from local.in_process.dynamodb import overtaken_by, refused
from local.in_process.environment import NOW, USER_ID
from local.in_process.shop import Shop
from tests.integration.stripe_side import REFUNDS, calls_of_stripe, reconcile_slowly, switch_endpoints
from tests.support.builders import PAYMENT_ID, a_payment, a_wallet, an_order
from topup import fulfilment, store, stripe_gateway
from topup.domain import order_updates
from topup.domain.orders import Order, Status
from topup.domain.updates import CheckoutAbandoned
from topup.store import order_items
from topup.store.walks import Index

OWN = ("refunds", "payments", "lots")
AT_STRIPE = ("events", "paid_events", "reversal_events", "stripe_refunds", "stripe_disputes", "fraud_warnings")
SWEEPS = OWN + AT_STRIPE
NOTHING = {
    **{sweep: {"found": 0, "repaired": 0, "ended": 0, "failed": 0} for sweep in SWEEPS},
    "refunds_in_flight": 0,
    "stuck": [],
    "failures": 0,
    "complete": True,
    "repaired": 0,
    "ended": 0,
}


def test_where_nothing_was_lost_nothing_is_found(shop: Shop):
    shop.buy()

    assert shop.reconcile() == NOTHING | {"paid_events": {"found": 2, "repaired": 0, "ended": 0, "failed": 0}}


def test_undelivered_events_are_handled_once(shop: Shop):
    payment = shop.create()
    shop.pay(payment)
    assert shop.lose() > 0

    first, second = shop.reconcile(), shop.reconcile()

    assert shop.balance() == 1100
    assert first["paid_events"]["repaired"] == 1
    assert second["paid_events"] == first["paid_events"] | {"repaired": 0}
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
    store.claim_look(order, shop.now, shop.now + timedelta(days=9))  # only an event can repair it now
    shop.wait(hours=90)

    assert shop.reconcile(window_hours=hours)["paid_events"]["repaired"] == repaired


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
    switch_endpoints(shop, on=False)  # no event reports the session's end
    calls = calls_of_stripe(shop)
    read_after = []
    for minutes in range(15, 60 * 30, 15):
        shop.wait(minutes=15)
        calls.clear()
        shop.reconcile(window_hours=0)
        if any("/checkout/sessions/" in call for call in calls):
            read_after.append(minutes / 60)

    assert read_after == [0.25, 0.5, 1, 2, 4, 8, 16, 25]  # hours; a session lives for a day
    assert shop.reconcile(window_hours=0)["payments"]["found"] == 0


def test_an_order_that_never_got_a_session_expires(shop: Shop):
    store.place_order(an_order(provider_order_id=None, payment_url=None))
    shop.wait(hours=24)
    assert shop.reconcile()["ended"] == 0
    shop.wait(hours=2)

    report = shop.reconcile()
    assert (report["payments"]["ended"], report["repaired"]) == (1, 0)
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
    assert (report["failures"], report["paid_events"]["repaired"]) == (1, 3)
    assert "could not be reconciled" in log.getvalue()
    assert shop.balance() == 1500
    shop.check()


# ------------------------------------------------------------------------------------- failures and the limit of time


@pytest.fixture
def damaged(shop: Shop) -> Shop:
    """A shop with one thing for each sweep to put right; Stripe never tried to deliver what happened to its money."""
    shop.buy()
    shop.wait(days=190)
    old_dispute = shop.simulator.dispute(shop.buy("trial")[1])
    shop.deliver()
    shop.wait(days=10)
    shop.due_timers(delete=True)  # their stream records are lost
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "timeout_before")
    shop.refund(payment_id)
    store.place_order(an_order(provider_order_id=None, payment_url=None, created_at=shop.now))
    shop.wait(hours=26)
    refunded, disputed, warned_of = (shop.buy("trial")[1] for _ in range(3))
    switch_endpoints(shop, on=False)
    shop.simulator.refund(refunded, 100)
    shop.simulator.dispute(disputed)
    shop.simulator.warn_of_fraud(warned_of)
    shop.simulator.close_dispute(old_dispute["id"], "won")
    switch_endpoints(shop, on=True)
    shop.pay(shop.create())
    shop.simulator.expire(session_of(shop.create()))
    shop.lose()
    return shop


AT_URL = {
    "events": ("/v1/events?", "checkout.session.expired"),
    "paid_events": ("/v1/events?", "checkout.session.completed"),
    "reversal_events": ("/v1/events?", "refund.created"),
    "stripe_refunds": (f"{REFUNDS}?", ""),
    "stripe_disputes": ("/v1/disputes?", ""),
    "fraud_warnings": ("/v1/radar/early_fraud_warnings?", ""),
}
IN_INDEX = {"refunds": ("waiting", "refund"), "payments": ("waiting", "payment:"), "lots": ("due", "")}


def break_listing(shop: Shop, sweep: str) -> None:
    """Let the request fail that lists what this sweep has to look at."""
    if sweep in AT_URL:
        carry_out = shop.simulator.request

        def fail_at_stripe(method: str, url: str, *rest: Any) -> Any:
            is_list = method.upper() == "GET" and all(part in url for part in AT_URL[sweep])
            is_list = is_list and "payment_intent=" not in url
            return (500, {}, b"{}") if is_list else carry_out(method, url, *rest)

        shop.simulator.request = fail_at_stripe  # type: ignore[method-assign, assignment]
        return
    index, partition = IN_INDEX[sweep]

    def fail(params: Any, **_: Any) -> None:
        asked = params["ExpressionAttributeValues"].get(":partition", {}).get("S", "")
        if params.get("IndexName") == index and asked.startswith(partition):
            raise ReadTimeoutError(endpoint_url="https://dynamodb")

    shop.dynamodb.client.meta.events.register("provide-client-params.dynamodb.Query", fail)


def put_right(report: dict[str, Any]) -> dict[str, int]:
    return {sweep: report[sweep]["repaired"] + report[sweep]["ended"] for sweep in SWEEPS}


def test_every_sweep_repairs_what_it_finds(damaged: Shop):
    report = damaged.reconcile()

    assert put_right(report) == dict.fromkeys(SWEEPS, 1)
    assert (report["repaired"], report["ended"], report["failures"], report["complete"]) == (8, 1, 0, True)
    damaged.check()


@pytest.mark.parametrize("sweep", SWEEPS)
def test_a_sweep_whose_listing_fails_is_counted_and_the_others_still_run(
    damaged: Shop, log: io.StringIO, capsys: pytest.CaptureFixture[str], sweep: str
):
    break_listing(damaged, sweep)

    report = damaged.reconcile()

    assert put_right(report) == dict.fromkeys(SWEEPS, 1) | {sweep: 0}
    assert (report[sweep]["found"], report["failures"], report["complete"]) == (0, 1, True)
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert [line["step"] for line in lines if line["message"] == "could not be reconciled"] == [sweep]
    emitted = capsys.readouterr().out
    assert '"ReconcileFailed":[1.0]' in emitted
    of_sweeps = [json.loads(line) for line in emitted.splitlines() if '"SweepFailed"' in line]
    assert [(one["sweep"], one["SweepFailed"]) for one in of_sweeps] == [(sweep, [1.0])]
    assert emitted.count('"SweepRepaired":[1.0]') == report["repaired"]
    damaged.check()


@pytest.mark.parametrize(("milliseconds_left", "sweeps_done"), [(30_000, 0), (30_001, len(SWEEPS))])
def test_no_sweep_begins_a_repair_in_the_last_thirty_seconds(
    damaged: Shop, capsys: pytest.CaptureFixture[str], milliseconds_left: int, sweeps_done: int
):
    context = SimpleNamespace(get_remaining_time_in_millis=lambda: milliseconds_left)
    calls = calls_of_stripe(damaged)

    with damaged.dynamodb.acting_as("reconcile"):
        report = load_handler("reconcile")({"time": damaged.now.isoformat()}, context)

    assert (sum(put_right(report).values()), report["failures"]) == (sweeps_done, 0)
    assert report["complete"] == (sweeps_done == len(SWEEPS))
    assert bool(calls) == bool(sweeps_done)  # not even a list is read
    assert f'"ReconcileIncomplete":[{0 if sweeps_done else 1}.0]' in capsys.readouterr().out
    assert put_right(damaged.reconcile()) == dict.fromkeys(SWEEPS, 0 if sweeps_done else 1)


def test_a_sweep_that_takes_all_its_time_leaves_theirs_to_the_others(damaged: Shop):
    for _ in range(12):
        damaged.simulator.refund(damaged.pay(damaged.create("trial")))
    damaged.lose()

    reports = [reconcile_slowly(damaged, seconds=12) for _ in range(4)]

    assert not reports[0]["complete"]
    first = put_right(reports[0])
    assert {sweep for sweep in SWEEPS if first[sweep]} == set(SWEEPS)
    damaged.check()


def test_short_runs_together_get_past_lots_that_cannot_be_expired(shop: Shop):
    for number in range(24):
        shop.grant(10, user=f"user-{number}", expires_at=(shop.now + timedelta(seconds=number + 1)).isoformat())
    shop.wait(days=3)

    def refuse(params: Any, **_: Any) -> None:
        if any(f'"user-{number}"' in json.dumps(params) for number in range(12)):
            raise ReadTimeoutError(endpoint_url="https://dynamodb")

    shop.dynamodb.client.meta.events.register("provide-client-params.dynamodb.TransactWriteItems", refuse)

    reports = [reconcile_slowly(shop, seconds=0.6) for _ in range(30)]

    assert not reports[0]["complete"]
    assert sum(report["lots"]["repaired"] for report in reports) == 12
    assert [shop.credits(f"user-{number}")["lots"] for number in range(12, 24)] == [[]] * 12
    assert len(list(store.due_since(shop.now))) == 12


@pytest.mark.parametrize(
    "place", [None, {"partition": "b", "from": "2026-03-01T12:00:02Z"}, {"partition": "x", "from": ""}]
)
def test_a_walk_goes_on_from_its_place_and_from_the_start_where_there_is_none(shop: Shop, place: Any):
    index = Index(table=shop.dynamodb.credits_table, name="due", partition="due_shard", sort="due_at")
    for number, shard in enumerate("aabbcc"):
        item = {"user_id": {"S": f"u{number}"}, "record": {"S": "LOT#"}, "due_shard": {"S": shard}}
        due_at = {"due_at": {"S": f"2026-03-01T12:00:0{number}Z"}}
        shop.dynamodb.client.put_item(TableName=shop.dynamodb.credits_table, Item=item | due_at)

    found = [key["user_id"] for key in index.due("abc", "2026-03-01T12:00:04Z", place)]

    assert found == (["u2", "u3", "u4"] if place and place["partition"] == "b" else ["u0", "u1", "u2", "u3", "u4"])
    late = {"partition": "a", "from": "2026-03-01T13:00:00Z"}
    assert [key["user_id"] for key in index.due("abc", "2026-03-01T12:00:04Z", late)] == ["u2", "u3", "u4"]


# ----------------------------------------------------------------------------------------------------- orders that end


def test_a_checkout_that_is_opened_anew_while_it_is_looked_at_is_not_ended(shop: Shop):
    shop.fault("/v1/checkout/sessions", "500")
    headers = as_buyer() | {"idempotency-key": "k"}
    assert shop.api.post("/api/payments/stripe/create", {"package": "standard"}, headers).status == 502
    shop.wait(hours=26)
    assert shop.reconcile()["payments"] == {"found": 1, "repaired": 0, "ended": 1, "failed": 0}

    created = shop.api.post("/api/payments/stripe/create", {"package": "standard"}, headers).json()
    shop.wait(minutes=20)
    assert shop.reconcile()["ended"] == 0
    shop.pay(created)
    shop.lose()
    shop.wait(hours=1)
    shop.reconcile(window_hours=0)

    assert shop.balance() == 1100


def test_what_is_written_decides_whether_an_order_is_abandoned(shop: Shop):
    read = store.place_order(an_order(provider_order_id=None, payment_url=None))
    shop.wait(hours=26)
    abandoned = CheckoutAbandoned(
        payment_id=PAYMENT_ID, user_id=USER_ID, livemode=False, read_attempt=1, read_opened_at=read.opened_at
    )

    for changed in ({"provider_order_id": "cs_1"}, {"attempt": 2}, {"opened_at": shop.now}):
        assert (
            order_updates.decide(an_order(**{"provider_order_id": None} | changed), a_wallet(), abandoned, NOW, 6)
            is None
        )
    change = order_updates.decide(read, a_wallet(), abandoned, NOW, 6)
    assert change
    store.next_attempt(read)

    with pytest.raises(store.LostRace):
        store.record_order_change(change)


def test_an_order_whose_session_stripe_does_not_know_ends_when_the_session_would_have_ended(shop: Shop):
    store.place_order(an_order())
    shop.wait(minutes=16)
    first = shop.reconcile()
    shop.wait(hours=25)
    second = shop.reconcile()

    assert (first["failures"], first["payments"]) == (1, {"found": 1, "repaired": 0, "ended": 0, "failed": 1})
    assert (second["failures"], second["payments"]) == (0, {"found": 1, "repaired": 0, "ended": 1, "failed": 0})
    assert shop.payment(PAYMENT_ID)["status"] == "expired"
    assert shop.reconcile() == NOTHING


def test_a_payment_under_way_whose_session_stripe_does_not_know_fails(shop: Shop):
    store.place_order(an_order(status=Status.PROCESSING))
    shop.wait(hours=26)

    assert shop.reconcile()["ended"] == 1
    payment = shop.payment(PAYMENT_ID)
    assert (payment["status"], payment["error_message"]) == ("failed", "Stripe does not know this checkout.")


@pytest.mark.parametrize("changed", [{}, {"status": Status.PROCESSING}])
def test_a_session_that_stripe_does_not_know_ends_no_order_that_has_another_by_then(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, changed: dict[str, Any]
):
    store.place_order(an_order(**changed))
    shop.wait(hours=26)

    def meanwhile(order: Order) -> None:
        shop.dynamodb.client.update_item(
            TableName=shop.dynamodb.orders_table,
            Key=order_items.order_key(order.payment_id),
            UpdateExpression="SET provider_order_id = :other",
            ExpressionAttributeValues={":other": {"S": "cs_test_other"}},
        )

    monkeypatch.setattr(stripe_gateway, "read_session", meanwhile)

    assert shop.reconcile()["payments"] == {"found": 1, "repaired": 0, "ended": 0, "failed": 0}
    order = store.load_order(PAYMENT_ID)
    assert order
    assert order.is_unfinished


def quarantine(shop: Shop, payment_id: str) -> None:
    """Let a payment of another session come for this order."""
    update = a_payment(payment_id=payment_id, session_id="cs_test_other", transaction_id="pi_other", reference=None)
    assert fulfilment.apply(update, shop.now).order.quarantine_reason


def test_a_quarantined_order_ends_with_its_session_and_is_not_asked_about_again(shop: Shop):
    payment = shop.create()
    quarantine(shop, payment["payment_id"])
    session = shop.simulator.session(session_of(payment))

    report = shop.reconcile(window_hours=0)

    assert (report["payments"], report["failures"]) == ({"found": 1, "repaired": 0, "ended": 1, "failed": 0}, 0)
    assert shop.simulator.session(session["id"])["status"] == "expired"
    ended = store.load_order(payment["payment_id"])
    assert ended
    assert ended.status == "expired"
    calls = calls_of_stripe(shop)
    shop.deliver()
    shop.wait(days=2)
    shop.payment(payment["payment_id"])
    assert shop.reconcile()["payments"]["found"] == 0
    assert not [call for call in calls if "/checkout/sessions/" in call]


def test_a_quarantined_order_whose_own_session_was_paid_is_looked_at_once(shop: Shop):
    payment = shop.create()
    shop.pay(payment)
    shop.lose()
    quarantine(shop, payment["payment_id"])

    assert shop.reconcile(window_hours=0)["payments"]["repaired"] == 1
    assert shop.balance() == 1100
    assert shop.reconcile(window_hours=0)["payments"]["found"] == 0


def test_a_quarantined_order_is_looked_at_while_a_payment_of_its_own_session_is_under_way(shop: Shop):
    payment = shop.create()
    shop.pay(payment, method="alipay")
    shop.lose()
    quarantine(shop, payment["payment_id"])

    found = []
    for days in (0, 1, 1):
        shop.wait(days=days)
        found.append(shop.reconcile(window_hours=0)["payments"]["found"])

    assert found == [1, 1, 1]


def test_an_order_whose_own_payment_was_refused_is_looked_at_once(shop: Shop):
    payment = shop.create()
    order = store.load_order(payment["payment_id"])
    assert order
    shop.pay(payment)
    shop.lose()
    shop.dynamodb.client.update_item(  # as if the price had been changed by hand
        TableName=shop.dynamodb.orders_table,
        Key=order_items.order_key(order.payment_id),
        UpdateExpression="SET amount_minor = :other",
        ExpressionAttributeValues={":other": {"N": "1"}},
    )
    shop.wait(minutes=16)

    found = []
    for days in (0, 0, 2, 2):
        shop.wait(days=days)
        found.append(shop.reconcile(window_hours=0)["payments"]["found"])

    assert found == [2, 0, 0, 0]  # quarantined, looked at again for its session, and left to a person
    assert shop.payment(order.payment_id)["quarantine_reason"]


def test_a_failed_question_is_a_failure_and_costs_fifteen_minutes(shop: Shop):
    session_id = session_of(shop.create())
    shop.wait(hours=3)
    shop.fault(f"/v1/checkout/sessions/{session_id}", "500")

    assert shop.reconcile(window_hours=0)["failures"] == 1
    shop.wait(minutes=14)
    assert shop.reconcile(window_hours=0)["payments"]["found"] == 0
    shop.wait(minutes=1)
    report = shop.reconcile(window_hours=0)
    assert (report["payments"]["found"], report["failures"]) == (1, 0)


def test_two_runs_at_once_ask_stripe_about_an_order_once(shop: Shop):
    shop.create()
    shop.wait(hours=1)
    calls = calls_of_stripe(shop)
    reports: list[dict[str, Any]] = []
    shop.dynamodb.fail("UpdateItem", overtaken_by(lambda: reports.append(shop.reconcile(window_hours=0))))

    reports.append(shop.reconcile(window_hours=0))

    assert len([call for call in calls if "/checkout/sessions/" in call]) == 1
    assert [report["failures"] for report in reports] == [0, 0]


# ------------------------------------------------------------------------------------------ records deleted by hand


def test_a_refund_whose_order_was_deleted_by_hand_is_no_failure(damaged: Shop):
    [waiting] = store.refunds_in_flight_since(damaged.now)
    key = order_items.order_key(waiting.payment_id)
    damaged.dynamodb.client.delete_item(TableName=damaged.dynamodb.orders_table, Key=key)

    report = damaged.reconcile(window_hours=0)

    assert (report["refunds"], report["refunds_in_flight"]) == ({"found": 1, "repaired": 0, "ended": 0, "failed": 0}, 0)
    assert report["failures"] == 0


# ------------------------------------------------------------------------------------------------ refunds in flight


def test_a_refund_that_stripe_refuses_is_neither_a_failure_nor_stuck(shop: Shop, capsys: pytest.CaptureFixture[str]):
    payment_id, intent = shop.buy()
    shop.fault(REFUNDS, "timeout_before")
    shop.refund(payment_id)
    shop.simulator.refund(intent)  # the money is gone already
    shop.wait(minutes=45)
    capsys.readouterr()

    report = shop.reconcile(window_hours=0)

    assert (report["failures"], report["refunds"]["repaired"], report["refunds_in_flight"]) == (0, 1, 0)
    assert '"RefundsStuck":[0.0]' in capsys.readouterr().out
    assert shop.reconcile(window_hours=0)["refunds"]["found"] == 0


@pytest.mark.parametrize(("seconds", "found"), [(119, 0), (120, 1)])
def test_a_refund_is_left_for_two_minutes_to_the_request_that_began_it(shop: Shop, seconds: int, found: int):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "timeout_after")
    assert shop.refund(payment_id).status == 202
    shop.wait(seconds=seconds)

    assert shop.reconcile(window_hours=0)["refunds"] == {"found": found, "repaired": found, "ended": 0, "failed": 0}


def test_a_refund_that_stays_in_flight_is_counted_as_stuck(shop: Shop, capsys: pytest.CaptureFixture[str]):
    payment_id, _ = shop.buy()
    shop.fault(REFUNDS, "timeout_before", times=9)
    shop.refund(payment_id)
    shop.wait(minutes=5)
    capsys.readouterr()

    report = shop.reconcile(window_hours=0)

    assert (report["refunds"]["repaired"], report["refunds_in_flight"]) == (0, 1)
    assert '"RefundsStuck":[1.0]' in capsys.readouterr().out


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
