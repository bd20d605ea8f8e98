"""E. Expiry without simulation: DynamoDB Local deletes the timer by the real clock, and its stream reports it."""

from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from local.aws.stream_records import Stream
from local.in_process.api import template
from local.in_process.dynamodb import Emulator
from local.in_process.shop import Shop
from tests.conformance.streams import CreditsStream
from tests.support.dynamodb_local import DynamoDBLocal
from topup.domain import times
from topup.domain.times import months_later
from topup.store.credit_items import TIMER

DONE: dict[str, Any] = {"batchItemFailures": []}


# Every lot here expired a day ago or more: DynamoDB Local rounds a record's time down to the minute, DynamoDB to the
# second, and expire_credits uses that time.


def real_now() -> datetime:
    return datetime.now(UTC).replace(microsecond=0)


@pytest.fixture
def dynamodb(dynamodb: Emulator) -> Emulator:
    """The credits table without its index `due`: DynamoDB Local's TTL deletes only items that every index has.

    DynamoDB has no such limit. Nothing here reads the index.
    """
    [table] = [table for table in template().tables if table.name == dynamodb.credits_table]
    definition = {name: value for name, value in table.definition.items() if name != "GlobalSecondaryIndexes"}
    names = {key["AttributeName"] for key in definition["KeySchema"]}
    definition["AttributeDefinitions"] = [
        attribute for attribute in definition["AttributeDefinitions"] if attribute["AttributeName"] in names
    ]
    dynamodb.client.delete_table(TableName=table.name)
    dynamodb.client.create_table(TableName=table.name, **definition)
    return dynamodb


@pytest.fixture
def old(shop: Shop) -> Shop:
    """A shop where a lot of 1100 credits, 100 of them spent, expired two days ago by the real clock."""
    shop.api.now = months_later(real_now(), -6) - timedelta(days=2)
    shop.buy()
    shop.spend(100, key="a")
    shop.api.now = real_now()
    return shop


@pytest.fixture
def stream(old: Shop, engine: DynamoDBLocal, dynamodb: Emulator) -> Iterator[CreditsStream]:
    opened = CreditsStream(engine, dynamodb)
    yield opened
    opened.close()


def timers(shop: Shop) -> list[Any]:
    items = shop.dynamodb.client.scan(TableName=shop.dynamodb.credits_table)["Items"]
    return [item for item in items if item["record"]["S"].startswith(TIMER)]


def test_a_timer_that_ttl_deletes_expires_its_lot_once(old: Shop, stream: CreditsStream):
    stream.wait_for_ttl()

    records = stream.filtered_records()
    assert old.consume(records) == DONE
    assert old.ledger() == [("purchased", 1100), ("spent", -100), ("expired", -1000)]
    old.check()

    assert old.consume([*records, *records]) == DONE
    assert len(old.ledger()) == 3
    old.check()


def test_a_lot_before_its_expiry_keeps_its_timer_and_its_credits(old: Shop, stream: CreditsStream):
    payment, _ = old.buy("trial")
    stream.wait_for_ttl()

    old.consume(stream.filtered_records())

    assert [timer["record"]["S"] for timer in timers(old)] == [f"{TIMER}{payment}"]
    assert old.balance() == 500
    old.check()


def test_the_lot_of_credits_that_return_after_an_expiry_gets_a_timer_that_ttl_deletes_too(
    old: Shop, stream: CreditsStream
):
    expires_at, an_hour = real_now() - timedelta(days=3), timedelta(hours=1)
    old.api.now = months_later(expires_at, -6)
    payment, _ = old.buy("trial")
    old.api.now = expires_at - an_hour
    refund = old.refund(payment).json()["refund_id"]
    old.deliver()
    stream.wait_for_ttl()
    old.consume(stream.filtered_records())
    old.api.now = real_now() - timedelta(days=1) - an_hour
    old.simulator.fail_refund(refund)
    old.deliver()
    [lot] = old.credits()["lots"]
    assert (lot["source"], lot["remaining"]) == ("restored", 500)
    assert times.from_text(lot["expires_at"]) == old.api.now + an_hour
    old.api.now = real_now()

    stream.wait_for_ttl()  # by the real clock the new timer is due at once: it may be gone already
    records = stream.filtered_records()
    assert f"{TIMER}{lot['lot_id']}" in [record["dynamodb"]["Keys"]["record"]["S"] for record in records]
    old.consume(records)

    assert old.ledger()[-2:] == [("refund_reversed", 500), ("expired", -500)]
    old.check()


def test_only_ttls_deletions_of_timers_pass_the_filter(old: Shop, stream: CreditsStream):
    payment, _ = old.buy("trial")
    old.spend(10, key="b")
    [young] = [timer for timer in timers(old) if timer["record"]["S"] == f"{TIMER}{payment}"]
    stream.wait_for_ttl()
    key = {name: young[name] for name in ("user_id", "record")}
    old.dynamodb.client.delete_item(TableName=old.dynamodb.credits_table, Key=key)  # an application's own

    records = stream.records()
    removed = [one["dynamodb"]["Keys"]["record"]["S"] for one in records if one["eventName"] == "REMOVE"]
    kept = [one["dynamodb"]["Keys"]["record"]["S"] for one in stream.filtered_records()]

    assert {one["eventName"] for one in records} == {"INSERT", "MODIFY", "REMOVE"}
    assert "IDEMPOTENCY#a" in removed  # by TTL as well, and no timer
    assert young["record"]["S"] in removed
    assert len(kept) == 1
    assert set(kept) == set(removed) - {"IDEMPOTENCY#a", young["record"]["S"]}


def test_the_local_stacks_records_look_like_real_ones(old: Shop, stream: CreditsStream):
    stream.wait_for_ttl()
    [real] = stream.filtered_records()
    [table] = [table for table in template().tables if table.name == old.dynamodb.credits_table]

    played = Stream.of(table, real_now()).removal(real["dynamodb"]["OldImage"], real_now())

    assert shape(played) == shape(real)
    for name in ("eventName", "eventVersion", "eventSource", "userIdentity"):
        assert played[name] == real[name]
    for name in ("Keys", "OldImage", "StreamViewType"):
        assert played["dynamodb"][name] == real["dynamodb"][name]
    sizes = [one["dynamodb"]["SizeBytes"] for one in (played, real)]
    assert max(sizes) - min(sizes) < 10  # the size of a number is only known roughly


def test_the_tests_own_records_look_like_real_ones(old: Shop, stream: CreditsStream):
    stream.wait_for_ttl()
    [real] = stream.filtered_records()

    made = old.ttl_record(real["dynamodb"]["OldImage"])

    assert shape(made) == shape(real)


def shape(value: Any) -> Any:
    """The names and types of a value, without its content."""
    return {name: shape(part) for name, part in value.items()} if isinstance(value, dict) else type(value).__name__
