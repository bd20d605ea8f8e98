"""Expired lots: the timer's deletion that announces one, and the transaction that takes what it has left."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from topup.domain.credits import CreditChange, Lot, Wallet
from topup.domain.orders import Order
from topup.runtime import config
from topup.store import attributes, credit_items, credits, order_items
from topup.store.client import client
from topup.store.races import LostRace, detect_lost_race

ORDER_EXISTS = "attribute_exists(payment_id)"
# Who deletes by TTL. Source: DynamoDB documentation, "DynamoDB Streams and Time to Live".
TTL_SERVICE = ("Service", "dynamodb.amazonaws.com")


@dataclass(frozen=True)
class LotKey:
    """Where a lot is stored."""

    user_id: str
    record: str


def lot_key_of_order(order: Order) -> LotKey:
    """Where the lot that the order granted is stored."""
    assert order.credits_expire_at, "Bug! only an order with a lot waits for its expiry"
    return LotKey(order.user_id, credit_items.lot_record(order.credits_expire_at, order.payment_id))


def expired_lot(record: Mapping[str, Any]) -> LotKey | None:
    """The lot whose timer TTL has deleted, from the deletion's stream record; None for any other record."""
    deleted_by = record.get("userIdentity") or {}
    is_by_ttl = (
        record["eventName"] == "REMOVE" and (deleted_by.get("type"), deleted_by.get("principalId")) == TTL_SERVICE
    )
    if not is_by_ttl or not record["dynamodb"]["Keys"]["record"]["S"].startswith(credit_items.TIMER):
        return None
    timer = record["dynamodb"]["OldImage"]
    return LotKey(timer["user_id"]["S"], timer["lot_record"]["S"])


def load_lot_and_wallet(key: LotKey) -> tuple[Lot | None, Wallet]:
    """A lot by its key and its user's wallet, read consistently; 1 request."""
    table = config.settings().credits_table
    records = (key.record, credit_items.WALLET)
    keys = [attributes.to_item({"user_id": key.user_id, "record": record}) for record in records]
    found = client().batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
    if found.get("UnprocessedKeys"):
        raise LostRace("DynamoDB returned only part of the read")
    by_record = {item["record"]["S"]: item for item in found["Responses"].get(table, [])}
    lot, wallet = (by_record.get(record) for record in records)
    return credit_items.lot_from_item(lot) if lot else None, credit_items.wallet_from_item(key.user_id, wallet)


def record_expiry(lot: Lot, change: CreditChange | None) -> None:
    """Write that a lot has expired, with what it still had, completely or not at all; raises LostRace."""
    swept: Any = {
        "TableName": config.settings().orders_table,
        "Key": order_items.order_key(lot.payment_id),
        "UpdateExpression": "SET credits_swept = :yes REMOVE waits_for, waits_since",
        "ConditionExpression": ORDER_EXISTS,
        "ExpressionAttributeValues": attributes.to_item({":yes": True}),
    }
    writes: list[Any] = credits.change_writes(change) if change else [credits.unchanged_check(lot)]
    with detect_lost_race():
        client().transact_write_items(TransactItems=[{"Update": swept}, *writes])
