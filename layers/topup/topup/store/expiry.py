"""Lots whose time has come, and records that wait for something."""

from collections.abc import Iterator
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from topup import config
from topup.domain.credits import CreditChange, Lot, Wallet
from topup.domain.times import to_sortable_text
from topup.store import credit_items, credits, items
from topup.store.client import client
from topup.store.failures import LostRace, races_told_apart

ORDER_EXISTS = "attribute_exists(payment_id)"


def load_lot_and_wallet(user_id: str, lot_record: str) -> tuple[Lot | None, Wallet]:
    """A lot by its key and its user's wallet, read consistently; 1 request."""
    table = config.settings().credits_table
    keys = [items.to_item({"user_id": user_id, "record": record}) for record in (lot_record, credit_items.WALLET)]
    found = client().batch_get_item(RequestItems={table: {"Keys": keys, "ConsistentRead": True}})
    if found.get("UnprocessedKeys"):
        raise LostRace("DynamoDB answered in part")
    by_record = {item["record"]["S"]: item for item in found["Responses"].get(table, [])}
    lot = by_record.get(lot_record)
    return credit_items.lot_of(lot) if lot else None, credit_items.wallet_of(
        user_id, by_record.get(credit_items.WALLET)
    )


def record_expiry(lot: Lot, change: CreditChange | None) -> None:
    """Write that a lot's time has come, with what it still had, completely or not at all; raises LostRace."""
    swept: Any = {
        "TableName": config.settings().orders_table,
        "Key": items.order_key(lot.payment_id),
        "UpdateExpression": "SET credits_swept = :yes REMOVE waits_for, waits_since",
        "ConditionExpression": ORDER_EXISTS,
        "ExpressionAttributeValues": items.to_item({":yes": True}),
    }
    writes: list[Any] = credits.change_writes(change) if change else [credits.unchanged_check(lot)]
    with races_told_apart():
        client().transact_write_items(TransactItems=[{"Update": swept}, *writes])


@dataclass(frozen=True)
class Waiting:
    """A record that waits, as the index knows it: eventually consistent, so a place to look and no more."""

    payment_id: str
    record: str
    since: str


def unpaid_since(latest: datetime) -> Iterator[Waiting]:
    """Orders placed by `latest` that are not finished."""
    return _sharded(items.WAITS_FOR_PAYMENT, latest)


def unswept_since(latest: datetime) -> Iterator[Waiting]:
    """Orders whose credits expired by `latest` and were not swept."""
    return _sharded(items.WAITS_FOR_EXPIRY, latest)


def refunds_in_flight_since(latest: datetime) -> Iterator[Waiting]:
    """Refunds asked for by `latest` whose outcome is not known."""
    return _waiting(items.WAITS_FOR_REFUND, latest)


def _sharded(what: str, latest: datetime) -> Iterator[Waiting]:
    for shard in items.SHARDS:
        yield from _waiting(f"{what}:{shard}", latest)


def _waiting(what: str, latest: datetime) -> Iterator[Waiting]:
    pages = (
        client()
        .get_paginator("query")
        .paginate(
            TableName=config.settings().orders_table,
            IndexName="waiting",
            KeyConditionExpression="waits_for = :what AND waits_since <= :latest",
            ExpressionAttributeValues=items.to_item({":what": what, ":latest": to_sortable_text(latest)}),
        )
    )
    for page in pages:
        for item in page["Items"]:
            fields = items.from_item(item)
            yield Waiting(fields["payment_id"], fields["record"], fields["waits_since"])
