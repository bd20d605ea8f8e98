"""Spends: the request markers that make each happen once."""

from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from topup import config
from topup.domain.credits import CreditChange, Spent
from topup.store import credit_items, credits, items
from topup.store.client import client
from topup.store.failures import races_told_apart

# A key that was used is found in the way: whoever was first has spent, and the marker has the answer.
KEY_NOT_YET_USED = "attribute_not_exists(user_id)"
MARKER_LIFETIME = timedelta(days=90)  # far longer than any client retries


def load_spent(user_id: str, idempotency_key: str) -> Spent | None:
    """What the key has spent already."""
    found = client().get_item(
        TableName=config.settings().credits_table, Key=_marker_key(user_id, idempotency_key), ConsistentRead=True
    )
    return _spent_of(found["Item"]) if "Item" in found else None


def record_spend(change: CreditChange, idempotency_key: str, request_fingerprint: str, now: datetime) -> Spent:
    """Write a spend and its marker, or nothing if the key was used already: then what it spent. Raises LostRace."""
    entry = change.entry
    spent = Spent(
        transaction_id=entry.transaction_id,
        amount=-entry.amount,
        balance_after=entry.balance_after,
        request_fingerprint=request_fingerprint,
    )
    marker = _marker_key(entry.user_id, idempotency_key) | items.to_item(
        {**vars(spent), credit_items.TTL_ATTRIBUTE: int((now + MARKER_LIFETIME).timestamp())}
    )
    put: Any = {
        "TableName": config.settings().credits_table,
        "Item": marker,
        "ConditionExpression": KEY_NOT_YET_USED,
        "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
    }
    try:
        client().transact_write_items(TransactItems=[{"Put": put}, *credits.change_writes(change)])
    except ClientError as error:
        if marker_in_the_way := _first_reason(error).get("Item"):
            return _spent_of(marker_in_the_way)
        with races_told_apart():
            raise
    return spent


def _first_reason(error: ClientError) -> Any:
    """Why the transaction's first write, the marker's, was refused."""
    reasons: Any = error.response.get("CancellationReasons", [{}])
    return reasons[0] if reasons and reasons[0].get("Code") == "ConditionalCheckFailed" else {}


def _marker_key(user_id: str, idempotency_key: str) -> items.Item:
    return items.to_item({"user_id": user_id, "record": f"{credit_items.MARKER}{idempotency_key}"})


def _spent_of(item: Any) -> Spent:
    fields = items.from_item(item)
    return Spent(**{name: fields[name] for name in Spent.__dataclass_fields__})
