"""Write spends, each with the request marker that makes it happen once."""

from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import ClientError

from topup.domain.credits import CreditChange, SpendReceipt
from topup.runtime import config
from topup.store import attributes, credit_items, credits
from topup.store.client import client
from topup.store.races import detect_lost_race

# A key is used once: the first request has spent, and the marker has its receipt.
KEY_NOT_YET_USED = "attribute_not_exists(user_id)"
MARKER_LIFETIME = timedelta(days=90)  # far longer than any client retries


def load_receipt(user_id: str, idempotency_key: str) -> SpendReceipt | None:
    """The receipt of what this key has spent, if it was used."""
    found = client().get_item(
        TableName=config.settings().credits_table, Key=_marker_key(user_id, idempotency_key), ConsistentRead=True
    )
    return _receipt_from_item(found["Item"]) if "Item" in found else None


def record_spend(change: CreditChange, idempotency_key: str, request_fingerprint: str, now: datetime) -> SpendReceipt:
    """Write a spend and its marker, or nothing where the key was used: then return its receipt. Raises LostRace."""
    entry = change.entry
    receipt = SpendReceipt(
        transaction_id=entry.transaction_id,
        amount=-entry.amount,
        balance_after=entry.balance_after,
        request_fingerprint=request_fingerprint,
    )
    marker = _marker_key(entry.user_id, idempotency_key) | attributes.to_item(
        {**vars(receipt), credit_items.TTL_ATTRIBUTE: int((now + MARKER_LIFETIME).timestamp())}
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
        if existing_marker := _first_reason(error).get("Item"):
            return _receipt_from_item(existing_marker)
        with detect_lost_race():
            raise
    return receipt


def _first_reason(error: ClientError) -> Any:
    """Why the transaction's first write, the marker's, was refused."""
    reasons: Any = error.response.get("CancellationReasons", [{}])
    return reasons[0] if reasons and reasons[0].get("Code") == "ConditionalCheckFailed" else {}


def _marker_key(user_id: str, idempotency_key: str) -> attributes.Item:
    return attributes.to_item({"user_id": user_id, "record": f"{credit_items.MARKER}{idempotency_key}"})


def _receipt_from_item(item: Any) -> SpendReceipt:
    fields = attributes.from_item(item)
    return SpendReceipt(**{name: fields[name] for name in SpendReceipt.__dataclass_fields__})
