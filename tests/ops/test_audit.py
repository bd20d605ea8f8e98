"""The audit: what it finds, what it drops after it has read again, and what it prints."""

import io
import json
from collections.abc import Callable
from itertools import count
from typing import Any

import pytest
from botocore.awsrequest import AWSResponse
from botocore.exceptions import ClientError, ReadTimeoutError

from local.in_process.dynamodb import Fault, a_response, lost_before, refused
from local.in_process.environment import USER_ID
from local.in_process.shop import Shop
from ops import audit as audits
from ops.audit import Audit, audit
from topup import store
from topup.domain.audit import Account, audit_account
from topup.store import patience, scans
from topup.store.client import ATTEMPTS

Execute = Callable[[], AWSResponse]


def audited(shop: Shop) -> Audit:
    return audit(lambda: shop.now)


ONE_TRY = len(scans._REPLACED)  # queries


def change(shop: Shop, table: str, key: dict[str, str], update: str, value: int | str) -> None:
    """Damage a stored item in a way that our code never does."""
    shop.dynamodb.client.update_item(
        TableName=table,
        Key={name: {"S": part} for name, part in key.items()},
        UpdateExpression=update,
        ExpressionAttributeValues={":value": {"N": str(value)} if isinstance(value, int) else {"S": value}},
    )


def read(shop: Shop, table: str, key: dict[str, str]) -> Any:
    name = shop.dynamodb.credits_table if table == "credits" else shop.dynamodb.orders_table
    keys = {attribute: {"S": part} for attribute, part in key.items()}
    return shop.dynamodb.client.get_item(TableName=name, Key=keys, ConsistentRead=True)["Item"]


def remove(shop: Shop, payment_id: str, prefix: str) -> None:
    """Remove the payment's records of this kind."""
    for item in shop.dynamodb.client.scan(TableName=shop.dynamodb.orders_table, ConsistentRead=True)["Items"]:
        if item["payment_id"]["S"] == payment_id and item["record"]["S"].startswith(prefix):
            key = {name: item[name] for name in ("payment_id", "record")}
            shop.dynamodb.client.delete_item(TableName=shop.dynamodb.orders_table, Key=key)


def keep_spending(shop: Shop, from_operation: str) -> None:
    """From the next request of this kind on, a credit is spent before every one that reads the credits."""

    def spend(execute: Execute) -> AWSResponse:
        shop.dynamodb.clear_faults()
        shop.spend(1)
        for operation in ("Scan", "Query"):
            shop.dynamodb.fail(operation, spend)
        return execute()

    shop.dynamodb.fail(from_operation, spend)


class Pages:
    """Cuts every page of a scan after two items; `items` are all that were read, `starts` where each page began."""

    def __init__(self) -> None:
        self.items: list[Any] = []
        self.starts: list[str] = []

    def cut(self, request: Any, response: Any) -> None:
        self.starts.append(json.dumps([request["TableName"], request.get("ExclusiveStartKey")]))
        if len(response["Items"]) > 2:
            response["Items"] = response["Items"][:2]
            keys = [key for key in ("user_id", "payment_id") if key in response["Items"][1]]
            name = "user_id" if "credits" in request["TableName"].lower() else "payment_id"
            assert name in keys
            response["LastEvaluatedKey"] = {key: response["Items"][1][key] for key in (name, "record")}
        self.items += response["Items"]


@pytest.fixture
def in_small_pages(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Pages:
    pages = Pages()
    scan = shop.dynamodb.client.scan

    def scan_a_little(**request: Any) -> Any:
        response = scan(**request)
        pages.cut(request, response)
        return response

    monkeypatch.setattr(shop.dynamodb.client, "scan", scan_a_little)
    return pages


def test_without_violations_it_counts_what_it_read(shop: Shop):
    shop.buy()
    shop.buy(user="user-2")
    shop.create()
    shop.spend(100)

    found = audited(shop)

    assert found == Audit(users=2, entries=3, lots=2, payments=3)
    assert str(found) == "2 users, 3 entries, 2 lots, 3 payments: no violations"


def test_a_wallet_that_does_not_add_up_is_a_violation(shop: Shop):
    shop.buy()
    change(shop, shop.dynamodb.credits_table, {"user_id": USER_ID, "record": "WALLET"}, "SET balance = :value", 5)

    found = audited(shop)

    assert found.findings
    assert all(finding.startswith(f"user {USER_ID}: the wallet's balance") for finding in found.findings)


def test_an_order_that_disagrees_with_the_ledger_is_a_violation(shop: Shop):
    payment_id, _ = shop.buy()
    key = {"payment_id": payment_id, "record": "ORDER"}
    change(shop, shop.dynamodb.orders_table, key, "SET clawed_back = :value", 7)

    findings = audited(shop).findings

    assert f"payment {payment_id}: clawed back 7 credits, the ledger says 0" in findings


def test_entries_of_a_missing_payment_are_a_violation(shop: Shop):
    payment_id, _ = shop.buy()
    key = {"payment_id": {"S": payment_id}, "record": {"S": "ORDER"}}
    shop.dynamodb.client.delete_item(TableName=shop.dynamodb.orders_table, Key=key)

    found = audited(shop)

    assert (found.payments, len(found.findings)) == (0, 1)
    assert found.findings[0].endswith("has entries of it, but there is no such payment")


def test_credits_that_went_to_another_user_are_a_violation(shop: Shop):
    payment_id, _ = shop.buy()
    key = {"payment_id": payment_id, "record": "ORDER"}
    change(shop, shop.dynamodb.orders_table, key, "SET user_id = :value", "user-2")

    assert audited(shop).findings


@pytest.mark.parametrize("wrong_reads", [1, 2, 3])
def test_an_account_that_was_read_in_the_middle_of_a_change_is_read_again(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, wrong_reads: int
):
    shop.buy()
    whole = store.all_accounts

    def torn(account: Account | None) -> Account:
        assert account
        return Account(account.user_id, account.wallet, [], account.entries, account.timed_lots)

    again = iter([True] * (wrong_reads - 1) + [False] * 3)
    load = store.load_account
    monkeypatch.setattr(store, "all_accounts", lambda *_: map(torn, whole()))
    monkeypatch.setattr(store, "load_account", lambda user: torn(load(user)) if next(again) else load(user))

    assert audited(shop).findings == []


def test_a_payment_that_was_granted_between_the_two_scans_is_read_again(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shop.buy()
    monkeypatch.setattr(store, "all_accounts", lambda *_: iter(()))  # before the grant

    found = audited(shop)

    assert (found.payments, found.findings) == (1, [])


def test_only_one_account_is_held_in_memory_at_a_time(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    for number in range(3):
        shop.buy(user=f"user-{number}")
    held: list[str] = []
    seen: list[int] = []

    class Watched(Account):
        def __del__(self) -> None:
            held.remove(self.user_id)

    whole = store.all_accounts

    def watched(*_: int) -> Any:
        for account in whole():
            held.append(account.user_id)
            made = Watched(**vars(account))
            del account
            yield made
            del made
            seen.append(len(held))

    monkeypatch.setattr(store, "all_accounts", watched)

    assert audited(shop).users == 3
    assert max(seen) <= 1


def test_progress_is_printed_about_once_a_second(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shop.buy()
    seconds = iter([0.0, 0.5, 1.5, 1.5, 1.6])
    monkeypatch.setattr("time.monotonic", lambda: next(seconds))
    printed = io.StringIO()
    progress = audits.Progress(printed)

    for users in (1, 2, 3):
        progress(Audit(users=users))

    assert printed.getvalue() == "… 2 users, 0 entries, 0 lots, 0 payments: no violations\n"


def test_a_refund_in_flight_is_not_a_violation(shop: Shop):
    payment_id, _ = shop.buy()
    shop.fault("/v1/refunds", "timeout_before", times=2)
    assert shop.refund(payment_id).status == 202

    assert audited(shop).findings == []


def test_a_refund_that_is_missing_beside_its_order_is_a_violation(shop: Shop):
    payment_id, _ = shop.buy()
    refund = shop.refund(payment_id, 40)
    assert refund.status == 200
    remove(shop, payment_id, "REFUND#")

    assert audited(shop).findings == [f"payment {payment_id}: refunds make 0, the order says 4000"]


def test_a_refund_without_its_order_is_a_violation(shop: Shop):
    payment_id, _ = shop.buy()
    shop.refund(payment_id, 40)
    remove(shop, payment_id, "ORDER")

    assert audited(shop).findings == [f"payment {payment_id}: its refunds and disputes are there, its order is not"]


def test_credits_that_a_second_user_got_of_a_payment_are_a_violation(shop: Shop):
    payment_id, _ = shop.buy(user="user-2")
    shop.buy(user=USER_ID)
    entry = read(shop, "credits", {"user_id": "user-2", "record": "ENTRY#000000000001"})
    add = entry | {"user_id": {"S": USER_ID}, "record": {"S": "ENTRY#000000000002"}, "number": {"N": "2"}}
    shop.dynamodb.client.put_item(TableName=shop.dynamodb.credits_table, Item=add)

    text = f"payment {payment_id}: user {USER_ID} has entries of it, it is user user-2's"
    assert text in audited(shop).findings


def test_a_record_that_cannot_be_read_is_a_violation_and_stops_nothing(shop: Shop):
    payment_id, _ = shop.buy()
    change(shop, shop.dynamodb.orders_table, {"payment_id": payment_id, "record": "ORDER"}, "SET paid_at = :value", "x")
    key = {"user_id": USER_ID, "record": "ENTRY#000000000001"}
    change(shop, shop.dynamodb.credits_table, key, "SET created_at = :value", "yesterday")

    found = audited(shop)

    assert any(finding.startswith(f"payment {payment_id}: ORDER cannot be read: ") for finding in found.findings)
    assert any("ENTRY#000000000001 cannot be read: " in finding for finding in found.findings)


# ------------------------------------------------------------------------------------------ what it reads, and how


def test_it_reads_each_table_once_and_nothing_else(shop: Shop):
    for number in range(3):
        payment_id, _ = shop.buy(user=f"user-{number}")
        shop.refund(payment_id, 10)
    shop.dynamodb.operations.clear()

    assert audited(shop).findings == []
    assert shop.dynamodb.operations == ["Scan", "Scan"]


def test_markers_of_requests_are_not_read(shop: Shop, in_small_pages: Pages):
    shop.grant(10, campaign="welcome")
    shop.spend(1)

    assert audited(shop).findings == []
    assert not any(item["record"]["S"].startswith(("IDEMPOTENCY#", "GRANT#")) for item in in_small_pages.items)


@pytest.mark.usefixtures("in_small_pages")
def test_records_of_one_user_and_of_one_payment_on_many_pages_are_read_together(shop: Shop):
    payment_id, _ = shop.buy()
    for _ in range(4):
        shop.refund(payment_id, 5)

    found = audited(shop)

    assert (found.users, found.entries, found.payments, found.findings) == (1, 5, 1, [])


@pytest.mark.usefixtures("in_small_pages")
def test_an_account_that_changes_between_two_pages_of_every_read_but_the_last_is_no_violation(shop: Shop):
    shop.buy()
    changes = iter(range(5))

    def spend(execute: Execute) -> AWSResponse:
        shop.dynamodb.clear_faults()
        if next(changes, None) is not None:
            shop.spend(1)
            for operation in ("Scan", "Query"):
                shop.dynamodb.fail(operation, spend)
        return execute()

    shop.dynamodb.fail("Scan", spend)

    found = audited(shop)

    assert (found.findings, found.busy) == ([], [])
    assert next(changes, None) is None
    assert audited(shop).findings == []


@pytest.mark.usefixtures("in_small_pages")
def test_an_account_that_never_holds_still_is_not_judged(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scans, "TRIES", 3)  # each one reads more than the one before
    shop.buy()
    keep_spending(shop, from_operation="Scan")

    found = audited(shop)

    assert found.findings == []
    assert found.busy == [f"user {USER_ID}"]
    assert str(found).endswith(": no violations, 1 busy, not judged")
    assert list(found.lines()) == [
        f"user {USER_ID}: busy, not judged: it changed at every try to read it; audit again at a quieter hour"
    ]


def test_what_is_wrong_with_an_account_is_reported_though_it_is_busy_later(shop: Shop):
    shop.buy()
    change(shop, shop.dynamodb.credits_table, {"user_id": USER_ID, "record": "WALLET"}, "SET debt = :value", 3)
    load = store.load_account
    reads = iter([load])

    def once(user_id: str) -> Account | None:
        return next(reads, lambda _user: None)(user_id)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(store, "load_account", once)
        found = audited(shop)

    assert found.busy == []
    assert any("the wallet's debt is 3" in finding for finding in found.findings)


def test_a_payment_that_changes_while_it_is_read_is_read_again(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    payment_id, _ = shop.buy()
    monkeypatch.setattr(store, "all_accounts", lambda *_: iter(()))  # so that the payment looks wrong
    load = store.load_account
    refunds = iter([10, 10])

    def refunding(user_id: str) -> Account | None:
        account = load(user_id)
        if amount := next(refunds, None):
            assert shop.refund(payment_id, amount).status == 200
        return account

    monkeypatch.setattr(store, "load_account", refunding)

    found = audited(shop)

    assert (found.findings, found.busy) == ([], [])


def test_a_payment_that_never_holds_still_is_not_judged(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    payment_id, _ = shop.buy()
    monkeypatch.setattr(store, "all_accounts", lambda *_: iter(()))
    load = store.load_account

    def refunding(user_id: str) -> Account | None:
        account = load(user_id)
        assert shop.refund(payment_id, 1).status == 200
        return account

    monkeypatch.setattr(store, "load_account", refunding)

    found = audited(shop)

    assert (found.findings, found.busy) == ([], [f"payment {payment_id}"])


def spend_before_queries(shop: Shop, *numbers: int) -> None:
    """A credit is spent before each of the next queries that has one of these numbers, counted from 1."""
    query = count(1)

    def before_query(execute: Execute) -> AWSResponse:
        shop.dynamodb.clear_faults()
        if next(query) in numbers:
            shop.spend(1)
        shop.dynamodb.fail("Query", before_query)
        return execute()

    shop.dynamodb.fail("Query", before_query)


def test_entries_that_are_written_after_the_wallet_was_read_are_not_of_that_moment(shop: Shop):
    shop.buy()
    spend_before_queries(shop, ONE_TRY + 1)  # that of the entries, after those of all that a change may replace

    account = store.load_account(USER_ID)

    assert account
    assert (account.wallet.last_entry, len(account.entries)) == (1, 1)
    assert audit_account(account, shop.now) == []
    assert shop.balance() == 1099


@pytest.mark.parametrize("tries", [scans.TRIES - 1, scans.TRIES])
def test_an_account_is_read_as_of_one_moment_if_it_holds_still_at_the_last_try(shop: Shop, tries: int):
    shop.buy()
    spend_before_queries(shop, *range(1, ONE_TRY * tries, ONE_TRY))

    account = store.load_account(USER_ID)

    assert (account is None) == (tries == scans.TRIES)
    assert account is None or audit_account(account, shop.now) == []


def test_what_is_right_the_second_time_is_not_read_a_third_time(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shop.buy()
    monkeypatch.setattr(store, "all_accounts", lambda *_: iter(()))
    paused: list[float] = []
    monkeypatch.setattr("time.sleep", paused.append)

    assert audit(lambda: shop.now, waits=[7, 8]).findings == []
    assert [pause for pause in paused if pause] == [7]


def test_a_history_longer_than_the_wallet_says_is_a_violation_and_not_a_change(shop: Shop):
    shop.buy()
    shop.spend(1)
    change(shop, shop.dynamodb.credits_table, {"user_id": USER_ID, "record": "WALLET"}, "SET last_entry = :value", 1)

    assert any("last entry is 1, the ledger makes it 2" in finding for finding in audited(shop).findings)


# ------------------------------------------------------------------------------------------------ long histories


@pytest.fixture
def long_history(shop: Shop, monkeypatch: pytest.MonkeyPatch) -> Shop:
    """Twelve entries of a user of whom three are kept in memory, and a purchase of another user."""
    shop.buy(user="user-0")
    payment_id, _ = shop.buy()
    spent = [shop.spend(1).json()["transaction_id"] for _ in range(9)]
    shop.reverse(spent[0], 1)
    shop.refund(payment_id, 10)
    monkeypatch.setattr(scans, "MOST_ENTRIES", 3)
    return shop


@pytest.mark.usefixtures("in_small_pages")
def test_a_user_with_more_entries_than_are_kept_is_audited_as_any_other(long_history: Shop):
    assert audited(long_history) == Audit(users=2, entries=13, lots=2, payments=2)


def test_no_more_entries_of_a_user_are_kept_than_allowed(long_history: Shop):
    lengths = [(len(account.entries), len(list(account.more))) for account in store.all_accounts()]

    assert sorted(lengths) == [(1, 0), (3, 9)]
    assert long_history.ledger()[0] == ("purchased", 1100)


@pytest.mark.parametrize(
    ("changes", "finding"),
    [
        ({"balance_after": 5}, "entry 11 says 5 credits, the ones up to it make 1092"),
        ({"amount": 0}, "entry 11 is about 0 credits, but moves another number"),
        ({"created_at": "yesterday"}, "ENTRY#000000000011 cannot be read: "),
    ],
)
def test_a_wrong_entry_beyond_those_that_are_kept_is_a_violation(
    long_history: Shop, changes: dict[str, int | str], finding: str
):
    key = {"user_id": USER_ID, "record": "ENTRY#000000000011"}
    [(name, value)] = changes.items()
    change(long_history, long_history.dynamodb.credits_table, key, f"SET {name} = :value", value)

    assert any(found.startswith(f"user {USER_ID}: {finding}") for found in audited(long_history).findings)


def test_a_long_history_that_grows_while_it_is_read_is_read_as_of_one_moment(long_history: Shop):
    spend_before_queries(long_history, ONE_TRY + 1, ONE_TRY + 2)

    account = store.load_account(USER_ID)

    assert account
    assert audit_account(account, long_history.now) == []
    assert (account.wallet.last_entry, long_history.balance()) == (12, 1100 - 8 - 110 - 2)


def test_a_long_history_that_never_holds_still_is_not_judged(long_history: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(scans, "TRIES", 3)  # each one reads more than the one before
    keep_spending(long_history, from_operation="Query")

    found = audited(long_history)

    assert found.findings == []
    assert found.busy[0] == f"user {USER_ID}"  # and then the payment, whose entries were not all read


# ----------------------------------------------------------------------------------------- several segments at once


def test_segments_that_are_read_at_once_are_the_whole_table(shop: Shop):
    for number in range(6):
        payment_id, _ = shop.buy(user=f"user-{number}")
        shop.refund(payment_id, 10)
    whole = audited(shop)
    shop.dynamodb.operations.clear()

    assert audit(lambda: shop.now, segments=3) == whole
    assert shop.dynamodb.operations == ["Scan"] * 6


def test_a_page_of_a_segment_that_fails_is_read_again(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(patience, "PAUSES", (0, 0))
    for number in range(6):
        shop.buy(user=f"user-{number}")
    for _ in range(ATTEMPTS):
        shop.dynamodb.fail("Scan", refused("ProvisionedThroughputExceededException"))

    found = audit(lambda: shop.now, segments=2)

    assert (found.users, found.payments, found.findings) == (6, 6, [])


def test_all_segments_together_are_read_no_faster_than_their_cost_allows(monkeypatch: pytest.MonkeyPatch):
    more = {"LastEvaluatedKey": {"user_id": {"S": "u"}}}
    pages = {segment: iter([more, {}]) for segment in range(4)}
    paused: list[float] = []
    monkeypatch.setattr("time.monotonic", lambda: 0.0)
    monkeypatch.setattr("time.sleep", paused.append)

    def read(request: Any) -> Any:
        return {"Items": [], "ConsumedCapacity": {"CapacityUnits": 100.0}, **next(pages[request["Segment"]])}

    monkeypatch.setattr(patience, "_read", read)
    list(patience.scan(4))

    # Each of the first four pages has another one after it: 100 units more each time, of 1,000 a second.
    assert len(paused) == 4
    assert paused == sorted(paused)
    assert 0.4 <= paused[-1] <= 0.8


# ------------------------------------------------------------------------------------------ slow and throttled pages


@pytest.mark.parametrize(
    "failure",
    [
        lost_before,
        refused("ProvisionedThroughputExceededException"),
        refused("ThrottlingException"),
        refused("InternalServerError", 500),
    ],
)
def test_a_page_that_fails_is_read_again_from_where_it_was(shop: Shop, in_small_pages: Pages, failure: Fault):
    for number in range(3):
        shop.buy(user=f"user-{number}")
    scans: list[Any] = []

    def failing(execute: Execute) -> AWSResponse:
        for _ in range(2 * ATTEMPTS - 1):  # the client's own tries, twice
            shop.dynamodb.fail("Scan", failure)
        return failure(execute)

    shop.dynamodb.fail("Scan", lambda execute: execute())
    shop.dynamodb.fail("Scan", failing)
    scans = in_small_pages.starts

    found = audited(shop)

    assert (found.users, found.payments, found.findings) == (3, 3, [])
    assert len(scans) == len(set(scans)), "no page was read twice"


def test_a_table_that_does_not_respond_ends_it_after_growing_pauses_and_what_was_found_is_kept(
    shop: Shop, monkeypatch: pytest.MonkeyPatch
):
    shop.buy()
    change(shop, shop.dynamodb.credits_table, {"user_id": USER_ID, "record": "WALLET"}, "SET debt = :value", 3)
    paused: list[float] = []
    monkeypatch.setattr("time.sleep", paused.append)
    shop.dynamodb.fail("Scan", lambda execute: execute())
    for _ in range(ATTEMPTS * (len(patience.PAUSES) + 1)):
        shop.dynamodb.fail("Scan", lost_before)
    found = Audit()

    with pytest.raises(ReadTimeoutError):
        audit(lambda: shop.now, waits=[0.2], found=found)

    assert found.findings
    assert [pause for pause in paused if pause in patience.PAUSES] == sorted(patience.PAUSES)


def test_a_failure_that_does_not_pass_by_itself_ends_it_at_once(shop: Shop):
    shop.dynamodb.operations.clear()
    shop.dynamodb.fail("Scan", refused("AccessDeniedException"))

    with pytest.raises(ClientError, match="AccessDenied"):
        audited(shop)

    assert shop.dynamodb.operations == ["Scan"]


@pytest.mark.parametrize(("took", "pause"), [(0, 0.128), (0.1, 0.028), (2, 0)])
def test_pages_are_read_no_faster_than_their_cost_allows(
    shop: Shop, monkeypatch: pytest.MonkeyPatch, took: float, pause: float
):
    last = {"user_id": {"S": "u"}, "record": {"S": "WALLET"}}
    page = {"Items": [], "ConsumedCapacity": {"CapacityUnits": 128.0}, "LastEvaluatedKey": last}
    clock = count(step=took)
    paused: list[float] = []
    monkeypatch.setattr("time.sleep", paused.append)
    monkeypatch.setattr("time.monotonic", lambda: next(clock))
    shop.dynamodb.fail("Scan", lambda _execute: a_response(page))

    audited(shop)

    assert paused == [pytest.approx(pause)]
