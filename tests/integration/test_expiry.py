"""Expiry: one ledger entry per lot, however late or often the record of its deleted timer comes."""

import json
from collections.abc import Callable
from datetime import timedelta
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse

from local.in_process.api import as_user
from local.in_process.dynamodb import (
    Crash,
    Fault,
    a_response,
    crashed_after,
    crashed_before,
    lost_after,
    overtaken_by,
    refused,
)
from local.in_process.environment import NOW, USER_ID
from local.in_process.shop import Shop
from topup import store
from topup.domain import times
from topup.domain.credits import CreditChange

EXPIRY = NOW.replace(month=9)  # six months after NOW
DONE: dict[str, Any] = {"batchItemFailures": []}


@pytest.fixture
def expired(shop: Shop) -> Shop:
    """A shop where a lot of 1100 credits, 100 of them spent, is five minutes past its expiry."""
    shop.buy()
    shop.spend(100)
    shop.api.now = EXPIRY + timedelta(minutes=5)
    return shop


def test_a_deleted_timer_expires_what_its_lot_has_left_in_one_read_and_one_transaction(expired: Shop):
    records = [expired.ttl_record(timer) for timer in expired.due_timers(delete=True)]
    expired.dynamodb.operations.clear()

    assert expired.consume(records) == DONE

    assert expired.dynamodb.operations == ["BatchGetItem", "TransactWriteItems"]
    assert expired.ledger() == [("purchased", 1100), ("spent", -100), ("expired", -1000)]
    expired.check()


@pytest.mark.parametrize("returned", ["nothing", "the wallet alone", "the lot alone"])
def test_keys_that_dynamodb_left_out_are_read_again(expired: Shop, returned: str):
    def in_part(execute: Callable[[], AWSResponse]) -> AWSResponse:
        [items] = json.loads(execute().content)["Responses"].values()
        wanted = {"nothing": "-", "the wallet alone": "WALLET", "the lot alone": "LOT#"}[returned]
        found = [item for item in items if item["record"]["S"].startswith(wanted)]
        table = expired.dynamodb.credits_table
        return a_response({"Responses": {table: found}, "UnprocessedKeys": {table: {"Keys": []}}})

    expired.dynamodb.fail("BatchGetItem", in_part)

    assert expired.run_timers() == DONE
    assert expired.ledger() == [("purchased", 1100), ("spent", -100), ("expired", -1000)]
    expired.check()


def test_history_shows_the_expiry(expired: Shop):
    expired.run_timers()

    newest = expired.api.get("/api/users/credits/transactions?limit=1", as_user()).json()["transactions"][0]
    assert (newest["transaction_type"], newest["amount"], newest["balance_after"]) == ("expired", -1000, 0)
    assert newest["description"] == "Expired: 标准包"
    assert newest["payment_order_id"]


def test_lots_and_entries_name_the_package_that_the_credits_came_from(shop: Shop):
    shop.buy("trial")
    assert shop.grant(30, "g-1", expires_at=None).status == 201
    lots = shop.api.get("/api/users/credits", as_user()).json()["lots"]
    shop.wait(days=200)
    shop.run_timers()

    assert [lot["package"] for lot in lots] == ["trial", None]
    rows = shop.api.get("/api/users/credits/transactions", as_user()).json()["transactions"]
    assert [(row["transaction_type"], row["package"]) for row in rows] == [
        ("expired", "trial"),
        ("granted", None),
        ("purchased", "trial"),
    ]


def test_a_duplicate_record_expires_nothing_more(expired: Shop):
    record = expired.ttl_record(expired.due_timers(delete=True)[0])

    assert expired.consume([record, record]) == DONE
    assert expired.consume([record]) == DONE

    assert [kind for kind, _ in expired.ledger()] == ["purchased", "spent", "expired"]
    expired.check()


def test_a_record_that_comes_days_late_still_expires_the_lot_once(expired: Shop):
    record = expired.ttl_record(expired.due_timers(delete=True)[0])
    expired.wait(days=3)

    expired.consume([record])

    assert expired.ledger()[-1] == ("expired", -1000)
    expired.check()


@pytest.mark.parametrize("is_behind", [False, True])
def test_an_expiry_is_of_the_moment_at_which_it_is_written_not_of_its_timer(expired: Shop, is_behind: bool):
    """The month of the deletion may be closed. `is_behind`: the function's clock, by more than has passed since."""
    deleted_at = expired.now
    record = expired.ttl_record(expired.due_timers(delete=True)[0])
    expired.wait(days=-1 if is_behind else 3)
    written_at = max(deleted_at, expired.now)

    expired.consume([record])

    entries = expired.api.get("/api/users/credits/transactions", as_user()).json()["transactions"]
    assert (entries[0]["transaction_type"], entries[0]["created_at"]) == ("expired", times.to_text(written_at))


def test_what_a_long_run_writes_is_of_the_moment_at_which_it_is_written(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    for _ in range(2):
        shop.grant(10, expires_at=(shop.now + timedelta(hours=1)).isoformat())
    shop.wait(days=3)
    began, write = shop.now, store.record_expiry

    def slowly(change: CreditChange) -> None:
        write(change)
        shop.wait(minutes=4)

    monkeypatch.setattr(store, "record_expiry", slowly)
    shop.reconcile()

    entries = shop.api.get("/api/users/credits/transactions", as_user()).json()["transactions"]
    assert [entry["created_at"] for entry in entries[1::-1]] == [
        times.to_text(began),
        times.to_text(began + timedelta(minutes=4)),
    ]


def test_a_lot_that_is_used_up_expires_without_an_entry(shop: Shop):
    shop.buy()
    shop.spend(1100)
    shop.api.now = EXPIRY

    assert shop.run_timers() == DONE
    assert [kind for kind, _ in shop.ledger()] == ["purchased", "spent"]
    shop.check()


@pytest.mark.parametrize(
    "changes",
    [
        {"userIdentity": None},
        {"userIdentity": {"type": "Service", "principalId": "another.amazonaws.com"}},
        {"userIdentity": {"type": "User", "principalId": "dynamodb.amazonaws.com"}},
        {"eventName": "MODIFY"},
        {"eventName": "INSERT"},
    ],
)
def test_a_change_that_is_no_deletion_by_ttl_expires_nothing(expired: Shop, changes: dict[str, Any]):
    assert expired.run_timers(**changes) == DONE

    assert [kind for kind, _ in expired.ledger()] == ["purchased", "spent"]


def test_the_deletion_of_a_request_marker_expires_nothing(expired: Shop):
    marker = {"user_id": {"S": USER_ID}, "record": {"S": "IDEMPOTENCY#key"}, "ttl": {"N": "1"}}

    assert expired.consume([expired.ttl_record(marker)]) == DONE
    assert [kind for kind, _ in expired.ledger()] == ["purchased", "spent"]


def test_a_record_before_its_time_expires_nothing(shop: Shop):
    shop.buy()
    timers = shop.due_timers(delete=False)
    shop.api.now = EXPIRY - timedelta(seconds=1)
    assert timers == shop.due_timers(delete=False) == []

    table = shop.dynamodb.client.scan(TableName=shop.dynamodb.credits_table)["Items"]
    [timer] = [item for item in table if item["record"]["S"].startswith("EXPIRY#")]
    assert shop.consume([shop.ttl_record(timer)]) == DONE

    assert shop.balance() == 1100


def test_only_the_broken_record_of_a_batch_is_reported_as_failed(expired: Shop):
    good = expired.ttl_record(expired.due_timers(delete=True)[0])
    broken = expired.ttl_record({"user_id": {"S": "u"}, "record": {"S": "EXPIRY#lot"}, "ttl": {"N": "1"}})

    response = expired.consume([broken, good])

    assert response == {"batchItemFailures": [{"itemIdentifier": broken["dynamodb"]["SequenceNumber"]}]}
    assert expired.ledger()[-1] == ("expired", -1000)


def test_a_batch_of_broken_records_is_reported_record_by_record(expired: Shop):
    broken = [expired.ttl_record({"user_id": {"S": "u"}, "record": {"S": f"EXPIRY#{n}"}}) for n in range(3)]

    assert len(expired.consume(broken)["batchItemFailures"]) == 3


def test_a_record_of_a_lot_that_does_not_exist_is_not_retried(shop: Shop):
    timer = {"user_id": {"S": "u"}, "record": {"S": "EXPIRY#lot"}, "lot_record": {"S": "LOT#x#lot"}}

    assert shop.consume([shop.ttl_record(timer)]) == DONE


@pytest.mark.parametrize("operation", ["BatchGetItem", "TransactWriteItems"])
@pytest.mark.parametrize("crash", [crashed_before, crashed_after])
def test_a_batch_that_comes_again_after_a_crash_counts_once(expired: Shop, operation: str, crash: Fault):
    records = [expired.ttl_record(timer) for timer in expired.due_timers(delete=True)]
    expired.dynamodb.fail(operation, crash)
    with pytest.raises(Crash):
        expired.consume(records)

    assert expired.consume(records) == DONE
    assert [kind for kind, _ in expired.ledger()] == ["purchased", "spent", "expired"]
    expired.check()


def test_a_throttled_record_is_reported_as_failed_and_expires_when_it_comes_again(expired: Shop):
    records = [expired.ttl_record(timer) for timer in expired.due_timers(delete=True)]
    expired.dynamodb.fail_always("TransactWriteItems", refused("ThrottlingException"))

    assert len(expired.consume(records)["batchItemFailures"]) == 1
    expired.dynamodb.clear_faults()
    assert expired.consume(records) == DONE
    expired.check()


def test_a_lost_response_makes_no_second_expiry(expired: Shop):
    expired.dynamodb.fail("TransactWriteItems", lost_after)

    assert expired.run_timers() == DONE
    assert [kind for kind, _ in expired.ledger()] == ["purchased", "spent", "expired"]


def test_an_expiry_and_a_purchase_of_one_user_at_the_same_time_are_both_kept(expired: Shop):
    payment = expired.create("trial")
    expired.pay(payment)
    expired.dynamodb.fail("TransactWriteItems", overtaken_by(expired.deliver))

    expired.run_timers()

    assert expired.ledger()[2:] == [("purchased", 500), ("expired", -1000)]
    expired.check()


def test_a_spend_in_the_last_second_before_expiry_is_kept_and_the_rest_expires(shop: Shop):
    shop.buy()
    shop.api.now = EXPIRY
    [record] = [shop.ttl_record(timer) for timer in shop.due_timers(delete=True)]
    shop.api.now = EXPIRY - timedelta(seconds=1)
    shop.dynamodb.fail("TransactWriteItems", overtaken_by(lambda: shop.spend(300)))

    shop.consume([record])

    assert shop.ledger() == [("purchased", 1100), ("spent", -300), ("expired", -800)]
    shop.check()


def test_the_sweep_finds_what_the_consumer_missed_for_days(expired: Shop):
    expired.due_timers(delete=True)  # their records are lost
    assert expired.reconcile()["lots"]["repaired"] == 0  # TTL may still do it
    expired.wait(days=3)

    report = expired.reconcile()

    assert (report["lots"]["found"], report["lots"]["repaired"], report["failures"]) == (1, 1, 0)
    assert expired.ledger()[-1] == ("expired", -1000)
    assert expired.reconcile()["lots"]["found"] == 0
    expired.check()


def test_an_operator_may_sweep_at_once(expired: Shop):
    expired.due_timers(delete=True)

    assert expired.reconcile(sweep_after_hours=0)["lots"]["repaired"] == 1


def test_a_lot_that_has_expired_is_not_swept_again(expired: Shop):
    expired.run_timers()
    expired.wait(days=3)

    assert expired.reconcile()["lots"]["found"] == 0
