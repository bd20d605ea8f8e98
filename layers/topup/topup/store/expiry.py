"""Expired lots: the timer's deletion that announces one, the index that finds the others, and the write."""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from topup.domain import times
from topup.domain.credits import CreditChange, Wallet
from topup.domain.lots import Lot
from topup.runtime import config
from topup.store import credit_items, credits
from topup.store.client import client
from topup.store.races import detect_lost_race
from topup.store.walks import Index, Place

# Who deletes by TTL. Source: DynamoDB documentation, "DynamoDB Streams and Time to Live".
TTL_SERVICE = ("Service", "dynamodb.amazonaws.com")
# Lots are spread over as many partitions of the index `due` as their ids have first digits.
SHARDS = "0123456789abcdef"


@dataclass(frozen=True)
class LotKey:
    """Where a lot is stored."""

    user_id: str
    record: str


@dataclass(frozen=True)
class DueLot:
    """A lot that is due, and where a walk goes on that ended before it."""

    key: LotKey
    place: Place


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


def due_since(latest: datetime, place: Place | None = None) -> Iterator[DueLot]:
    """Lots that expired by `latest` and still have credits. Eventually consistent: a place to look, and no more."""
    index = Index(table=config.settings().credits_table, name="due", partition="due_shard", sort="due_at")
    for key in index.due(SHARDS, times.to_text(latest), place):
        yield DueLot(LotKey(key["user_id"], key["record"]), index.place(key))


def load_lot_and_wallet(key: LotKey) -> tuple[Lot | None, Wallet]:
    """A lot by its key and its user's wallet, read consistently; 1 request. No lot where it has no credits left.

    Raises LostRace, after finishing the wallet's last change where that was not done.
    """
    found = {item["record"]["S"]: item for item in credits.load_records(key.user_id, (key.record, credit_items.WALLET))}
    wallet = credit_items.wallet_from_item(key.user_id, found.get(credit_items.WALLET))
    if wallet.unfinished:
        credits.finish(wallet)
        return load_lot_and_wallet(key)
    lot = found.get(key.record)
    return credit_items.lot_from_item(lot) if lot else None, wallet


def record_expiry(change: CreditChange) -> None:
    """Write what an expiry takes, completely or not at all; raises LostRace."""
    with detect_lost_race(), credits.changing(change) as writes:
        client().transact_write_items(TransactItems=writes)
