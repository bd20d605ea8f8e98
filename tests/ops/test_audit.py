"""The audit: what it finds, what it drops after it has read again, and what it prints."""

import io
from typing import Any

import pytest

from local.in_process.environment import USER_ID
from local.in_process.shop import Shop
from ops import audit as audits
from ops.audit import Audit, audit
from topup import store
from topup.domain.audit import Account
from topup.domain.payments import Payment


def audited(shop: Shop) -> Audit:
    return audit(lambda: shop.now)


def change(shop: Shop, table: str, key: dict[str, str], update: str, value: int | str) -> None:
    """Damage a stored item in a way that our code never does."""
    shop.dynamodb.client.update_item(
        TableName=table,
        Key={name: {"S": part} for name, part in key.items()},
        UpdateExpression=update,
        ExpressionAttributeValues={":value": {"N": str(value)} if isinstance(value, int) else {"S": value}},
    )


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

    def torn(account: Account) -> Account:
        return Account(account.user_id, account.wallet, [], account.entries, account.timed_lots)

    again = iter([True] * (wrong_reads - 1) + [False] * 3)
    load = store.load_account
    monkeypatch.setattr(store, "all_accounts", lambda: map(torn, whole()))
    monkeypatch.setattr(store, "load_account", lambda user: torn(load(user)) if next(again) else load(user))

    assert audited(shop).findings == []


def test_a_payment_that_was_granted_between_the_two_scans_is_read_again(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    shop.buy()
    monkeypatch.setattr(store, "all_accounts", lambda: iter(()))  # before the grant

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

    def watched() -> Any:
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


def test_a_refund_that_is_missing_beside_its_order_is_a_violation(shop: Shop, monkeypatch: pytest.MonkeyPatch):
    payment_id, _ = shop.buy()
    assert shop.refund(payment_id, 40).status == 200
    whole = store.load_payment

    def without_refunds(payment_id: str) -> Payment | None:
        found = whole(payment_id)
        return Payment(found.order, []) if found else None

    monkeypatch.setattr(store, "load_payment", without_refunds)
    monkeypatch.setattr(store, "all_payments", lambda: iter([without_refunds(payment_id)]))

    assert audited(shop).findings == [f"payment {payment_id}: refunds make 0, the order says 4000"]
