"""daily_report: credits that expire soon are told of, what is owed is added up, and users are audited."""

import io
import json
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest

from local.in_process.api import load_handler
from local.in_process.dynamodb import refused
from local.in_process.environment import NOW
from local.in_process.events import EventBus
from local.in_process.shop import Shop
from topup import daily_report, publishing, store
from topup.domain import times
from topup.domain.audit import Account
from topup.store import patience

DAYS = 86_400  # seconds


@pytest.fixture(autouse=True)
def _bus(bus: EventBus) -> None:
    """Every run may publish."""


@pytest.fixture
def small_pages(monkeypatch: pytest.MonkeyPatch) -> None:
    """Pages of three records instead of a megabyte."""
    read = patience.page
    monkeypatch.setattr(patience, "page", lambda operation, **request: read(operation, Limit=3, **request))


def run(shop: Shop) -> dict[str, Any]:
    with shop.dynamodb.acting_as("daily_report"):
        return dict(load_handler("daily_report")({}, shop.api.context("daily_report")))


def metrics(printed: str) -> dict[str, float]:
    """The last value of each metric; those of a currency with its name."""
    found: dict[str, float] = {}
    for line in printed.splitlines():
        if '"CloudWatchMetrics"' in line:
            emitted = json.loads(line)
            [metric] = emitted["_aws"]["CloudWatchMetrics"][0]["Metrics"]
            name = " ".join(filter(None, [metric["Name"], emitted.get("currency")]))
            [found[name]] = emitted[metric["Name"]]
    return found


# ------------------------------------------------------------------------------------------------------- what is owed


def test_what_is_owed_is_the_share_of_the_credits_that_are_left(shop: Shop, capsys: pytest.CaptureFixture[str]):
    shop.buy()  # 1100 credits for 100.00
    shop.spend(333)
    shop.buy(user="user-2")
    shop.grant(50, user="user-2")
    capsys.readouterr()

    report = run(shop)

    assert report["is_read"] is True
    assert report["owed_minor"] == {"CNY": 10000 - 10000 * 333 // 1100 + 10000}
    assert (report["owed_credits"], report["free_credits"]) == (767 + 1100 + 50, 50)
    told = metrics(capsys.readouterr().out)
    assert told == {
        "OwedMinor CNY": report["owed_minor"]["CNY"],
        "OwedCredits": 1917,
        "OwedFreeCredits": 50,
        "CreditsExpiringSoon": report["expiring_credits"],
        "UsersAudited": 2,
        "AuditViolations": 0,
        "OldestRefundMinutes": 0,
        "OldestHoldMinutes": 0,
        "DailyReportFailed": 0,
    }


def test_what_has_expired_is_not_owed_swept_or_not(shop: Shop):
    shop.buy()
    shop.wait(days=200)

    assert run(shop)["owed_credits"] == 0


def test_the_ages_of_the_oldest_hold_and_of_the_oldest_refund_in_flight(shop: Shop, capsys: pytest.CaptureFixture[str]):
    payment_id, _ = shop.buy()
    shop.hold(10)
    shop.wait(minutes=5)
    shop.fault("/v1/refunds", "timeout_before", times=4)
    assert shop.refund(payment_id, 10.0).status == 202
    shop.wait(minutes=7)
    capsys.readouterr()

    run(shop)

    told = metrics(capsys.readouterr().out)
    assert (told["OldestHoldMinutes"], told["OldestRefundMinutes"]) == (12, 7)


# ---------------------------------------------------------------------------------------------------------- notices


def told_of(bus: EventBus) -> list[tuple[int, int]]:
    """Days left, and credits, of each notice."""
    return [(one["days_left"], one["remaining"]) for one in bus.details if one["type"] == "credits.expiring"]


def test_expiring_credits_are_told_of_a_week_and_a_day_before_and_not_every_day(shop: Shop, bus: EventBus):
    shop.grant(30, expires_at="2026-03-11T12:00:00Z")  # in ten days
    shop.grant(40, expires_at=None)
    for _ in range(12):
        run(shop)
        shop.wait(days=1)

    assert told_of(bus) == [(7, 30), (1, 30)]
    assert len({one["id"] for one in bus.details}) == 2


def test_only_what_is_left_is_told_of_and_nothing_of_what_is_used_up(shop: Shop, bus: EventBus):
    shop.grant(30, expires_at="2026-03-06T12:00:00Z")
    shop.grant(20, expires_at="2026-03-07T12:00:00Z")
    shop.spend(35)

    run(shop)

    assert told_of(bus) == [(7, 15)]


def test_notices_that_the_bus_did_not_take_are_told_again_under_the_same_ids(
    shop: Shop, bus: EventBus, capsys: pytest.CaptureFixture[str]
):
    for number in range(3):
        shop.grant(30, expires_at="2026-03-06T12:00:00Z", user=f"user-{number}")
    bus.refuse = 1

    report = run(shop)

    assert metrics(capsys.readouterr().out)["DailyReportFailed"] == 1
    assert report["is_read"] is True  # the rest of the report does not wait for the bus
    assert len(told_of(bus)) == 2
    shop.wait(days=1)
    run(shop)
    assert len({one["id"] for one in bus.details}) == 3


@pytest.fixture
def one_by_one(monkeypatch: pytest.MonkeyPatch) -> None:
    """Lots are told of one at a time, in the order of the index, which is any."""
    monkeypatch.setattr(daily_report, "NOTICES_AT_ONCE", 1)


@pytest.mark.usefixtures("one_by_one")
def test_notices_go_on_where_a_run_has_had_no_time(shop: Shop, bus: EventBus):
    for credits, days in ((10, 0.5), (20, 5), (30, 6)):
        shop.grant(credits, expires_at=(shop.now + timedelta(days=days)).isoformat())
    left = seconds(1.0, -1.0)
    daily_report.run(shop.now, seconds_left=lambda: next(left))
    first = told_of(bus)

    run(shop)

    assert len(first) == 1
    assert sorted(told_of(bus)) == [(1, 10), (7, 10), (7, 20), (7, 30)]


@pytest.mark.usefixtures("one_by_one", "small_pages")
@pytest.mark.parametrize("pages_read", [0, 1])
@pytest.mark.parametrize("told", range(4))
def test_notices_go_on_where_the_bus_has_failed(
    shop: Shop, bus: EventBus, monkeypatch: pytest.MonkeyPatch, told: int, pages_read: int
):
    for credits, days in ((10, 0.5), (20, 4), (30, 5)):
        shop.grant(credits, expires_at=(shop.now + timedelta(days=days)).isoformat())
    publish, calls = publishing.publish, iter(range(9))
    # A report that is done would wait for the next day.
    left = seconds(*[1.0] * (told + 1 + pages_read), -1.0)
    with monkeypatch.context() as failing_once:
        failing_once.setattr(publishing, "publish", lambda events: [False] if next(calls) == told else publish(events))
        daily_report.run(shop.now, seconds_left=lambda: next(left))
    assert len(told_of(bus)) == told

    run(shop)

    assert sorted(told_of(bus)) == [(1, 10), (7, 10), (7, 20), (7, 30)]


# ----------------------------------------------------------------------------------------------------------- the audit


def spoil(shop: Shop, user: str) -> None:
    """Make a user's wallet disagree with the ledger."""
    shop.dynamodb.client.update_item(
        TableName=shop.dynamodb.credits_table,
        Key={"user_id": {"S": user}, "record": {"S": "WALLET"}},
        UpdateExpression="ADD balance :one",
        ExpressionAttributeValues={":one": {"N": "1"}},
    )


def test_users_who_changed_are_audited_and_what_is_wrong_is_counted_and_logged(
    shop: Shop, log: io.StringIO, capsys: pytest.CaptureFixture[str]
):
    shop.buy()
    shop.buy(user="user-2")
    spoil(shop, "user-2")

    report = run(shop)

    assert (report["audited"], report["violations"]) == (2, 2)
    assert metrics(capsys.readouterr().out)["AuditViolations"] == 2
    assert "the audit found a violation" in log.getvalue()
    assert "user-2" not in log.getvalue()


def test_a_payment_without_its_order_is_found(shop: Shop):
    payment_id, _ = shop.buy()
    key = {"payment_id": {"S": payment_id}, "record": {"S": "ORDER"}}
    shop.dynamodb.client.delete_item(TableName=shop.dynamodb.orders_table, Key=key)

    assert run(shop)["violations"] == 1


def test_a_lot_that_expires_while_the_report_is_made_is_no_violation(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shop.grant(5, expires_at=times.to_text(shop.now + timedelta(seconds=60)))
    shop.wait(seconds=60)
    shop.due_timers(delete=True)  # by TTL, and the stream has not told of it yet
    shop.wait(seconds=-60)
    load = store.load_account

    def load_later(user_id: str) -> Account | None:
        shop.wait(seconds=60)
        return load(user_id)

    monkeypatch.setattr(store, "load_account", load_later)

    report = run(shop)

    assert (report["audited"], report["violations"]) == (1, 0)


@pytest.mark.parametrize("records", [5, 12])
def test_users_whose_records_are_on_several_pages_are_audited_once(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, records: int
):
    for user in ("user-1", "user-2", "user-3"):
        for _ in range(4):
            shop.grant(10, user=user)
    read = patience.page
    monkeypatch.setattr(patience, "page", lambda operation, **request: read(operation, Limit=records, **request))
    monkeypatch.setattr(daily_report, "SAMPLE", 1)

    assert run(shop)["audited"] == 3


def test_of_users_who_did_not_change_only_a_sample_is_audited(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    for number in range(5):
        shop.grant(10, user=f"user-{number}")
    shop.wait(minutes=1)
    assert run(shop)["audited"] == 5

    shop.wait(days=1)
    shop.spend(1, user="user-3")
    monkeypatch.setattr(daily_report, "SAMPLE", 10**9)
    assert run(shop)["audited"] == 1
    shop.wait(days=1)
    monkeypatch.setattr(daily_report, "SAMPLE", 1)
    assert run(shop)["audited"] == 5


def test_a_user_of_any_name_may_be_in_the_sample():
    days = [NOW + timedelta(days=number) for number in range(500)]

    for name in ("user-1", "\ud800"):  # half a surrogate pair, which a service may have sent
        chosen = [day for day in days if daily_report._is_sampled(name, day)]
        assert 0 < len(chosen) < 20


def test_beyond_the_most_that_a_day_audits_users_are_counted(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(daily_report, "MOST_AUDITED", 2)
    for number in range(5):
        shop.grant(10, user=f"user-{number}")

    report = run(shop)

    assert (report["audited"], report["skipped"]) == (2, 3)


# ------------------------------------------------------------------------------------------------- from run to run


def test_a_report_that_is_done_is_not_begun_again_on_the_same_day(shop: Shop):
    shop.grant(10)
    first = run(shop)
    shop.wait(hours=5)
    shop.grant(10)

    assert run(shop) == first
    shop.wait(hours=19)
    assert run(shop)["owed_credits"] == 20


def seconds(*left: float) -> Iterator[float]:
    yield from left
    while True:
        yield left[-1]


@pytest.mark.usefixtures("small_pages")
def test_a_run_without_time_leaves_the_rest_to_the_next_one_and_counts_nothing_twice(shop: Shop):
    for number in range(6):
        shop.grant(10, user=f"user-{number}", expires_at="2026-03-06T12:00:00Z")
    runs = 0
    while True:
        left = seconds(*[1.0] * 3, -1.0)
        report = daily_report.run(shop.now, seconds_left=lambda left=left: next(left))  # type: ignore[misc]
        runs += 1
        if report.is_read:
            break
        shop.wait(hours=1)

    assert runs > 2
    assert (report.owed_credits, report.audited) == (60, 6)


@pytest.mark.usefixtures("small_pages")
def test_a_page_that_cannot_be_read_is_read_by_the_next_run(shop: Shop, capsys: pytest.CaptureFixture[str]):
    for number in range(6):
        shop.grant(10, user=f"user-{number}")
    shop.dynamodb.fail_always("Scan", refused("ThrottlingException"))
    assert run(shop)["is_read"] is False
    assert metrics(capsys.readouterr().out)["DailyReportFailed"] == 1

    shop.dynamodb.clear_faults()
    assert run(shop)["owed_credits"] == 60


def test_figures_that_were_not_told_are_told_by_the_next_run(
    shop: Shop, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
):
    shop.grant(10)
    with monkeypatch.context() as killed:
        killed.setattr(daily_report, "_tell", interrupted)
        with pytest.raises(KeyboardInterrupt):
            run(shop)
    capsys.readouterr()

    assert run(shop)["is_read"] is True

    assert metrics(capsys.readouterr().out)["OwedCredits"] == 10


def interrupted(*_: object) -> None:
    raise KeyboardInterrupt


def test_where_the_notices_fail_the_figures_are_those_of_the_day(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shop.grant(10)
    run(shop)
    shop.wait(days=1)
    shop.grant(10)
    monkeypatch.setattr(daily_report, "_notices", failing)

    report = run(shop)

    assert (report["owed_credits"], report["audited"]) == (20, 1)


def failing(*_: object) -> None:
    raise RuntimeError("a lot cannot be read")


def test_a_report_that_needs_more_than_a_day_says_so(shop: Shop, capsys: pytest.CaptureFixture[str]):
    daily_report.run(shop.now, seconds_left=lambda: -1.0)
    assert metrics(capsys.readouterr().out)["DailyReportFailed"] == 0

    daily_report.run(shop.now + timedelta(days=1), seconds_left=lambda: -1.0)
    assert metrics(capsys.readouterr().out)["DailyReportFailed"] == 1
