"""Wallets, lots and the ledger."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from topup import config
from topup.domain.credits import Entry, Grant, Lot, Wallet
from topup.store import items
from topup.store.client import client

# Someone else changed this wallet after we read it: read again, decide again.
UNCHANGED_SINCE_READ = "last_entry = :last_entry_read"
# The same, for a user who had no wallet when we read.
STILL_NO_WALLET = "attribute_not_exists(last_entry)"
# A key is written once: entries and lots are never replaced.
NOT_YET_WRITTEN = "attribute_not_exists(user_id)"


def load_credits(user_id: str, now: datetime) -> tuple[Wallet, list[Lot]]:
    """The user's wallet and the lots that are not past their expiry, soonest first; 1 request, whatever the history."""
    found = list(
        _query(
            KeyConditionExpression="user_id = :user_id AND #record BETWEEN :first_lot AND :wallet",
            ExpressionAttributeNames={"#record": "record"},
            ExpressionAttributeValues=items.to_item(
                {":user_id": user_id, ":first_lot": items.lots_from(now), ":wallet": items.WALLET}
            ),
            ConsistentRead=True,
        )
    )
    wallets = [item for item in found if item["record"]["S"] == items.WALLET]
    lots = [items.lot_of(item) for item in found if item["record"]["S"] != items.WALLET]
    return items.wallet_of(user_id, wallets[0] if wallets else None), lots


def list_entries(user_id: str, limit: int, before: int | None) -> list[Entry]:
    """At most `limit` ledger entries, newest first; only those with a number below `before`, where that is given."""
    newest = items.entry_record(before - 1) if before is not None else f"{items.ENTRY}~"
    page = client().query(
        TableName=config.settings().credits_table,
        KeyConditionExpression="user_id = :user_id AND #record BETWEEN :first AND :newest",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues=items.to_item({":user_id": user_id, ":first": items.ENTRY, ":newest": newest}),
        ScanIndexForward=False,
        Limit=limit,
        ConsistentRead=True,
    )
    return [items.entry_of(item) for item in page["Items"]]


def grant_writes(grant: Grant) -> list[Any]:
    """The part of a transaction that brings a lot into being."""
    table = config.settings().credits_table
    return [
        wallet_write(grant.wallet),
        {"Put": {"TableName": table, "Item": items.lot_item(grant.lot), "ConditionExpression": NOT_YET_WRITTEN}},
        {"Put": {"TableName": table, "Item": items.entry_item(grant.entry), "ConditionExpression": NOT_YET_WRITTEN}},
        {"Put": {"TableName": table, "Item": items.timer_item(grant.lot)}},
    ]


def wallet_write(wallet: Wallet) -> dict[str, Any]:
    """Put the wallet as it is after its newest entry, on condition that nobody has added another since it was read."""
    put: dict[str, Any] = {
        "TableName": config.settings().credits_table,
        "Item": items.wallet_item(wallet),
        "ConditionExpression": STILL_NO_WALLET if wallet.last_entry == 1 else UNCHANGED_SINCE_READ,
    }
    if wallet.last_entry > 1:
        put["ExpressionAttributeValues"] = items.to_item({":last_entry_read": wallet.last_entry - 1})
    return {"Put": put}


def _query(**request: Any) -> Iterator[Any]:
    pages = client().get_paginator("query").paginate(TableName=config.settings().credits_table, **request)
    for page in pages:
        yield from page["Items"]
