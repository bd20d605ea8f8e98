"""Read everything, page by page and user by user, for the audit."""

from collections.abc import Iterator
from typing import Any

from topup.domain.audit import Account
from topup.domain.payments import Payment
from topup.runtime import config
from topup.store import attributes, credit_items, credits, order_items
from topup.store.client import client
from topup.store.reversals import load_payment


def all_accounts() -> Iterator[Account]:
    """Every user's credits. A scan is no snapshot: read what looks wrong again before you report it."""
    user_id: str | None = None
    found: list[Any] = []
    for item in _scan(config.settings().credits_table):
        if item["user_id"]["S"] != user_id:
            if user_id is not None:
                yield _account_of(user_id, found)
            user_id, found = item["user_id"]["S"], []
        found.append(item)
    if user_id is not None:
        yield _account_of(user_id, found)


def load_account(user_id: str) -> Account:
    """One user's credits, read consistently."""
    found = credits.query_all(
        KeyConditionExpression="user_id = :user_id",
        ExpressionAttributeValues=attributes.to_item({":user_id": user_id}),
        ConsistentRead=True,
    )
    return _account_of(user_id, list(found))


def all_payments() -> Iterator[Payment]:
    """Every order, with its refunds and disputes as they are when it comes up."""
    for item in _scan(config.settings().orders_table):
        if item["record"]["S"] == order_items.ORDER and (payment := load_payment(item["payment_id"]["S"])):
            yield payment


def _account_of(user_id: str, found: list[Any]) -> Account:
    account, lots = Account(user_id, credit_items.wallet_from_item(user_id, None)), []
    for item in found:
        record = item["record"]["S"]
        if record == credit_items.WALLET:
            account.wallet = credit_items.wallet_from_item(user_id, item)
        elif record.startswith((credit_items.LOT, credit_items.EMPTY_LOT)):
            lots.append(item)
        elif record.startswith(credit_items.ENTRY):
            account.entries.append(credit_items.entry_from_item(item))
        elif record.startswith(credit_items.TIMER):
            account.timed_lots.add(record.removeprefix(credit_items.TIMER))
    account.lots = [credits.finished(account.wallet, item) for item in lots]
    return account


def _scan(table: str) -> Iterator[Any]:
    for page in client().get_paginator("scan").paginate(TableName=table, ConsistentRead=True):
        yield from page["Items"]
