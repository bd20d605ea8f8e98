"""Read wallets, lots and the ledger, and write one change of them."""

from collections.abc import Iterator
from datetime import datetime
from typing import Any

from topup.domain.credits import CreditChange, Entry, Lot, LotChange, Wallet
from topup.runtime import config
from topup.store import attributes, credit_items
from topup.store.client import client

# Another request changed this wallet after we read it: read again, decide again.
UNCHANGED_SINCE_READ = "last_entry = :last_entry_read"
# The same, for a user who had no wallet when we read.
STILL_NO_WALLET = "attribute_not_exists(last_entry)"
# The same for a lot. The wallet's condition implies it; a lot that disagrees with its wallet must not be overwritten.
REMAINING_UNCHANGED_SINCE_READ = "remaining = :remaining_read"
# A key is written once: entries and lots are never replaced.
NOT_YET_WRITTEN = "attribute_not_exists(user_id)"


def load_credits(user_id: str, now: datetime) -> tuple[Wallet, list[Lot]]:
    """The user's wallet and the lots that are not past their expiry, soonest first; 1 request, whatever the history."""
    found = list(
        query_all(
            KeyConditionExpression="user_id = :user_id AND #record BETWEEN :first_lot AND :wallet",
            ExpressionAttributeNames={"#record": "record"},
            ExpressionAttributeValues=attributes.to_item(
                {":user_id": user_id, ":first_lot": credit_items.lots_from(now), ":wallet": credit_items.WALLET}
            ),
            ConsistentRead=True,
        )
    )
    wallets = [item for item in found if item["record"]["S"] == credit_items.WALLET]
    lots = [credit_items.lot_from_item(item) for item in found if item["record"]["S"] != credit_items.WALLET]
    open_now = [lot for lot in lots if not lot.is_expired(now)]
    return credit_items.wallet_from_item(user_id, wallets[0] if wallets else None), open_now


def load_lot(user_id: str, lot_id: str, expires_at: datetime) -> Lot | None:
    """One lot, past its expiry or not."""
    key = attributes.to_item({"user_id": user_id, "record": credit_items.lot_record(expires_at, lot_id)})
    found = client().get_item(TableName=config.settings().credits_table, Key=key, ConsistentRead=True)
    return credit_items.lot_from_item(found["Item"]) if "Item" in found else None


def list_entries(user_id: str, limit: int, before: int | None) -> list[Entry]:
    """At most `limit` ledger entries, newest first; only those with a number below `before`, where that is given."""
    newest = credit_items.entry_record(before - 1) if before is not None else f"{credit_items.ENTRY}~"
    page = client().query(
        TableName=config.settings().credits_table,
        KeyConditionExpression="user_id = :user_id AND #record BETWEEN :first AND :newest",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues=attributes.to_item(
            {":user_id": user_id, ":first": credit_items.ENTRY, ":newest": newest}
        ),
        ScanIndexForward=False,
        Limit=limit,
        ConsistentRead=True,
    )
    return [credit_items.entry_from_item(item) for item in page["Items"]]


def change_writes(change: CreditChange) -> list[Any]:
    """The part of a transaction that changes a user's credits."""
    table = config.settings().credits_table
    writes = [
        _wallet_write(change.wallet),
        {
            "Put": {
                "TableName": table,
                "Item": credit_items.entry_to_item(change.entry),
                "ConditionExpression": NOT_YET_WRITTEN,
            }
        },
        *(_lot_write(lot) for lot in change.lots),
    ]
    # Credits that return to a lot past its expiry need its timer again.
    timed = [lot.after for lot in change.lots if lot.amount > 0]
    if change.new_lot:
        lot = credit_items.lot_to_item(change.new_lot)
        writes.append({"Put": {"TableName": table, "Item": lot, "ConditionExpression": NOT_YET_WRITTEN}})
        timed.append(change.new_lot)
    return writes + [{"Put": {"TableName": table, "Item": credit_items.timer_item(lot)}} for lot in timed]


def unchanged_check(lot: Lot) -> dict[str, Any]:
    """The part of a transaction that requires a lot, which it does not change, to be as it was read."""
    return {"ConditionCheck": _lot_condition(lot)}


def query_all(**request: Any) -> Iterator[Any]:
    """All items of a query of the credits, page after page."""
    # Not botocore's paginator: making one costs a twentieth of a request, and nearly every query needs only one.
    while True:
        page = client().query(TableName=config.settings().credits_table, **request)
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]


def _wallet_write(wallet: Wallet) -> dict[str, Any]:
    put: dict[str, Any] = {
        "TableName": config.settings().credits_table,
        "Item": credit_items.wallet_to_item(wallet),
        "ConditionExpression": STILL_NO_WALLET if wallet.last_entry == 1 else UNCHANGED_SINCE_READ,
    }
    if wallet.last_entry > 1:
        put["ExpressionAttributeValues"] = attributes.to_item({":last_entry_read": wallet.last_entry - 1})
    return {"Put": put}


def _lot_write(change: LotChange) -> dict[str, Any]:
    condition = _lot_condition(change.before)
    values = attributes.to_item({":remaining": change.after.remaining, ":expired": change.after.expired_credits})
    return {
        "Update": {
            **condition,
            "UpdateExpression": "SET remaining = :remaining, expired_credits = :expired",
            "ExpressionAttributeValues": condition["ExpressionAttributeValues"] | values,
        }
    }


def _lot_condition(lot: Lot) -> dict[str, Any]:
    return {
        "TableName": config.settings().credits_table,
        "Key": credit_items.lot_key(lot),
        "ConditionExpression": REMAINING_UNCHANGED_SINCE_READ,
        "ExpressionAttributeValues": attributes.to_item({":remaining_read": lot.remaining}),
    }
