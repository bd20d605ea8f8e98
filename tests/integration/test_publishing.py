"""publish_events: what the tables' streams tell becomes events on the bus, at least once each."""

import io
import json

import pytest

from local.in_process.dynamodb import refused
from local.in_process.environment import USER_ID
from local.in_process.events import EventBus, Publisher
from local.in_process.shop import Shop
from topup import store
from topup.domain.errors import ConfigurationError
from topup.runtime import config


def test_a_purchase_and_its_spends_are_told_in_their_order(shop: Shop, publisher: Publisher, bus: EventBus):
    payment_id, _ = shop.buy()
    shop.spend(100)
    shop.grant(50)

    assert publisher.publish() == []

    of_credits = [detail for detail in bus.details if detail["type"].startswith("credits.")]
    assert [(one["type"], one["sequence"], one["amount"], one["balance_after"]) for one in of_credits] == [
        ("credits.purchased", 1, 1100, 1100),
        ("credits.spent", 2, -100, 1000),
        ("credits.granted", 3, 50, 1050),
    ]
    assert (of_credits[0]["money_minor"], of_credits[0]["currency"]) == (10000, "CNY")
    assert [detail["type"] for detail in bus.details if detail.get("payment_id") == payment_id] == [
        "credits.purchased",
        "payment.pending",
        "payment.succeeded",
    ]


def test_an_event_goes_to_the_stacks_bus_under_its_type(shop: Shop, publisher: Publisher, bus: EventBus):
    shop.grant(50)
    publisher.publish()

    [entry] = bus.entries
    assert (entry["Source"], entry["DetailType"], entry["EventBusName"]) == (
        *("topup", "credits.granted"),
        "topup-test-EventBus",
    )
    assert entry["Resources"] == ["topup-test"]
    assert entry["Time"] == shop.now.timestamp()


def test_a_record_that_comes_twice_brings_the_same_events(shop: Shop, publisher: Publisher, bus: EventBus):
    shop.buy()
    records = publisher.changes()

    publisher.deliver(records)
    first = bus.details
    publisher.deliver(records)

    assert bus.details == [*first, *first]


def test_what_the_bus_refuses_is_reported_and_the_rest_is_done(
    shop: Shop, publisher: Publisher, bus: EventBus, capsys: pytest.CaptureFixture[str]
):
    for _ in range(3):
        shop.grant(50)
    records = publisher.changes()
    bus.refuse = 1

    failed = publisher.deliver(records)

    assert failed == [store.record_number(records[0])]
    assert '"EventsPublished":[2.0]' in capsys.readouterr().out
    assert [detail["sequence"] for detail in bus.details] == [2, 3]
    assert publisher.deliver(records[:1]) == []
    assert [detail["sequence"] for detail in bus.details] == [2, 3, 1]


def test_a_bus_that_does_not_answer_fails_all_and_takes_more_than_ten_when_it_does(
    shop: Shop, publisher: Publisher, bus: EventBus
):
    for _ in range(12):
        shop.grant(1)
    records = publisher.changes()
    bus.is_down = True
    assert publisher.deliver(records) == [store.record_number(record) for record in records]

    bus.is_down = False
    assert publisher.deliver(records) == []
    assert [detail["sequence"] for detail in bus.details] == list(range(1, 13))


def test_a_table_that_is_busy_fails_all(shop: Shop, publisher: Publisher, bus: EventBus):
    shop.grant(50)
    records = publisher.changes()
    shop.dynamodb.fail_always("BatchGetItem", refused("ProvisionedThroughputExceededException"))

    assert publisher.deliver(records) == [store.record_number(records[0])]
    assert bus.entries == []


def test_a_poison_record_is_the_only_one_that_fails_and_its_log_quotes_nothing(
    shop: Shop, publisher: Publisher, bus: EventBus, log: io.StringIO
):
    shop.grant(50)
    [good] = publisher.changes()
    shop.create()
    [bad, *_] = publisher.changes()
    bad["dynamodb"]["NewImage"]["status"] = {"S": "a word of a newer version"}

    assert publisher.deliver([bad, good]) == [store.record_number(bad)]
    assert bus.types == ["credits.granted"]
    lines = [json.loads(line) for line in log.getvalue().splitlines()]
    assert "a stream record cannot be told of" in [line["message"] for line in lines]
    assert USER_ID not in log.getvalue()


def test_a_hold_is_told_of_when_it_ends_and_when_a_capture_finds_too_little(
    shop: Shop, publisher: Publisher, bus: EventBus
):
    shop.grant(100)
    hold = shop.hold(60).json()
    shop.capture(hold, 20, final=False)
    publisher.publish()
    assert "hold.ended" not in bus.types

    shop.capture(hold, 120)
    publisher.publish()

    told = {detail["type"]: detail for detail in bus.details}
    assert told["hold.ended"]["hold_id"] == hold["hold_id"] == told["credits.spent"]["hold_id"]
    assert (told["hold.ended"]["status"], told["hold.ended"]["captured"]) == ("captured", 100)
    assert told["hold.shortfall"]["shortfall"] == 40


def test_a_shortfall_of_an_open_hold_is_told_before_the_hold_ends(shop: Shop, publisher: Publisher, bus: EventBus):
    shop.grant(100)
    hold = shop.hold(60).json()
    shop.capture(hold, 120, final=False)
    publisher.publish()

    assert [(one["type"], one.get("shortfall")) for one in bus.details if one["type"].startswith("hold.")] == [
        ("hold.shortfall", 20)
    ]


def test_a_hold_that_ends_by_itself_is_told_of_once_also_when_it_is_captured_late(
    shop: Shop, publisher: Publisher, bus: EventBus
):
    shop.grant(100)
    hold = shop.hold(60).json()
    shop.wait(hours=1)
    shop.run_timers()
    publisher.publish()
    shop.capture(hold, 10)
    publisher.publish()

    assert [one["status"] for one in bus.details if one["type"] == "hold.ended"] == ["expired"]
    assert bus.types[-1] == "credits.spent"


def test_what_changes_without_an_event_is_not_even_read(shop: Shop, publisher: Publisher):
    shop.grant(100)
    publisher.changes()
    shop.hold(60)

    assert publisher.changes() == []


def test_a_low_balance_is_told_where_there_is_a_threshold(
    shop: Shop, publisher: Publisher, bus: EventBus, environment: pytest.MonkeyPatch
):
    shop.grant(100)
    shop.spend(60)
    records = publisher.changes()
    publisher.deliver(records)
    assert "credits.low" not in bus.types  # the template's default

    environment.setenv("LOW_BALANCE_THRESHOLD", "50")
    publisher.deliver(records)

    [low] = [detail for detail in bus.details if detail["type"] == "credits.low"]
    assert (low["sequence"], low["balance_after"], low["threshold"]) == (2, 40, 50)


def test_a_threshold_that_is_no_number_is_refused_by_name(environment: pytest.MonkeyPatch):
    environment.setenv("LOW_BALANCE_THRESHOLD", "-5")

    with pytest.raises(ConfigurationError, match="LOW_BALANCE_THRESHOLD"):
        config.low_balance()
