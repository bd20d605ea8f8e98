"""Write a change that a request makes, with the request marker that makes it happen once."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime, timedelta
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from topup.domain.credits import CreditChange
from topup.domain.errors import AlreadyGranted
from topup.domain.receipts import Receipt
from topup.runtime import config
from topup.store import attributes, credit_items, credits, hold_items
from topup.store.client import client
from topup.store.races import LostRace, detect_lost_race

# A key is used once: the first request has made its change, and the marker has its receipt.
KEY_NOT_YET_USED = "attribute_not_exists(user_id)"
# A campaign gives each user credits once, whatever key the request has.
CAMPAIGN_NOT_YET_GRANTED = "attribute_not_exists(user_id)"
MARKER_LIFETIME = timedelta(days=90)  # far longer than any client retries


def load_receipt(user_id: str, idempotency_key: str) -> Receipt | None:
    """The receipt of what this key has changed, if it was used."""
    found = client().get_item(
        TableName=config.settings().credits_table, Key=_marker_key(user_id, idempotency_key), ConsistentRead=True
    )
    return _receipt_from_item(found["Item"]) if "Item" in found else None


def record_with_receipt(
    change: CreditChange,
    idempotency_key: str,
    receipt: Receipt,
    now: datetime,
    *,
    campaign: str | None = None,
    beside: Sequence[Any] = (),
) -> tuple[Receipt, bool]:
    """Write a change and its marker, or nothing where the key was used; the key's receipt, and whether it is new.

    `beside` are the writes of other records of the user's that belong to the change. Raises AlreadyGranted where the
    user has had the campaign's credits, LostRace.
    """
    user_id = change.wallet.user_id
    once = [_marker(user_id, idempotency_key, receipt, now)]
    if campaign is not None:
        once.append(_campaign(user_id, campaign, receipt, now))
    try:
        with credits.changing(change) as writes:
            client().transact_write_items(TransactItems=[*once, *beside, *writes])
    except BotoCoreError:
        with detect_lost_race():
            raise
    except ClientError as error:
        reasons = _reasons(error)
        if existing := _refused(reasons[:1]):
            return _receipt_from_item(existing), False
        # Only where the key is known to be unused: else the campaign's credits may be what this key has granted.
        if campaign is not None and reasons and reasons[0].get("Code") == "None" and _refused(reasons[1:2]):
            raise AlreadyGranted from None
        with detect_lost_race():
            raise
    return receipt, True


def record_with_receipts(
    change: CreditChange, receipts: Mapping[str, Receipt], now: datetime, *, beside: Sequence[Any] = ()
) -> Mapping[str, Receipt]:
    """Write a change and the markers of all its keys, or nothing where a key was used: then the receipts of these.

    `receipts` are by Idempotency-Key, `beside` the writes of other records of the user's. Raises LostRace.
    """
    markers = [_marker(change.wallet.user_id, key, receipt, now) for key, receipt in receipts.items()]
    try:
        with detect_lost_race(), credits.changing(change, beside=len(beside)) as writes:
            client().transact_write_items(TransactItems=[*markers, *beside, *writes])
    except LostRace as error:
        reasons = _reasons(error.__cause__)[: len(markers)] if isinstance(error.__cause__, ClientError) else ()
        # Only a marker comes with the item that exists. Without one, the race was lost for the wallet, or by the change
        # before this one, which had to be finished first.
        used = {
            key: _receipt_from_item(reason["Item"])
            for key, reason in zip(receipts, reasons, strict=False)
            if "Item" in reason
        }
        if not used:
            raise
        return used
    return {}


def load_receipts(user_id: str, idempotency_keys: Iterable[str]) -> Mapping[str, Receipt]:
    """The receipts of what these keys have changed, of those that were used; 1 request for each hundred."""
    records = [f"{credit_items.MARKER}{key}" for key in idempotency_keys]
    return {
        item["record"]["S"].removeprefix(credit_items.MARKER): _receipt_from_item(item)
        for item in credits.load_records(user_id, records)
    }


def _reasons(error: ClientError) -> Sequence[Any]:
    reasons: Sequence[Any] = error.response.get("CancellationReasons", [])
    return reasons


def _refused(reasons: Sequence[Any]) -> Any:
    """The item that exists already, where that is why the write was refused."""
    return next((reason.get("Item") for reason in reasons if reason.get("Code") == "ConditionalCheckFailed"), None)


def _marker(user_id: str, idempotency_key: str, receipt: Receipt, now: datetime) -> Any:
    kept = {
        **vars(receipt),
        "hold": hold_items.hold_fields(receipt.hold) if receipt.hold else None,
        credit_items.TTL_ATTRIBUTE: int((now + MARKER_LIFETIME).timestamp()),
    }
    return _put_once(_marker_key(user_id, idempotency_key) | attributes.to_item(kept), KEY_NOT_YET_USED)


def _campaign(user_id: str, campaign: str, receipt: Receipt, now: datetime) -> Any:
    key = {"user_id": user_id, "record": f"{credit_items.CAMPAIGN}{campaign}"}
    kept = {"transaction_id": receipt.transaction_id, "granted_at": attributes.text_of(now)}
    return _put_once(attributes.to_item(key | kept), CAMPAIGN_NOT_YET_GRANTED)


def _put_once(item: attributes.Item, condition: str) -> Any:
    return {
        "Put": {
            "TableName": config.settings().credits_table,
            "Item": item,
            "ConditionExpression": condition,
            "ReturnValuesOnConditionCheckFailure": "ALL_OLD",
        }
    }


def _marker_key(user_id: str, idempotency_key: str) -> attributes.Item:
    return attributes.to_item({"user_id": user_id, "record": f"{credit_items.MARKER}{idempotency_key}"})


def _receipt_from_item(item: Any) -> Receipt:
    fields = attributes.from_item(item)
    hold = fields.pop("hold", None)
    known = {name: fields[name] for name in Receipt.__dataclass_fields__ if name in fields}
    return Receipt(**known, hold=hold_items.hold_from_fields(fields["user_id"], hold) if hold else None)
