"""Lots and holds that are over: the timer's deletion that announces one, the index that finds others, and the write."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from topup.domain import times
from topup.domain.credits import CreditChange, Wallet
from topup.domain.holds import Hold
from topup.domain.lots import Lot
from topup.runtime import config
from topup.store import credit_items, credits, hold_items
from topup.store.batches import load_items
from topup.store.client import client
from topup.store.races import detect_lost_race
from topup.store.walks import Index, Place

# Who deletes by TTL. Source: DynamoDB documentation, "DynamoDB Streams and Time to Live".
TTL_SERVICE = ("Service", "dynamodb.amazonaws.com")
# Lots and holds are spread over as many partitions of the index `due` as their ids have first digits.
SHARDS = "0123456789abcdef"


@dataclass(frozen=True)
class DueKey:
    """Where a lot or a hold is stored."""

    user_id: str
    record: str


@dataclass(frozen=True)
class Due:
    """A lot or hold that is due, and where a walk goes on that ended before it."""

    key: DueKey
    place: Place


def due_by_timer(record: Mapping[str, Any]) -> DueKey | None:
    """The lot or hold whose timer TTL has deleted, from the deletion's stream record; None for any other record."""
    deleted_by = record.get("userIdentity") or {}
    is_by_ttl = (
        record["eventName"] == "REMOVE" and (deleted_by.get("type"), deleted_by.get("principalId")) == TTL_SERVICE
    )
    if not is_by_ttl or not record["dynamodb"]["Keys"]["record"]["S"].startswith(credit_items.TIMER):
        return None
    timer = record["dynamodb"]["OldImage"]
    return DueKey(timer["user_id"]["S"], (timer.get("hold_record") or timer["lot_record"])["S"])


def due_since(latest: datetime, place: Place | None = None) -> Iterator[Due]:
    """Lots that expired by `latest` and still have credits, and holds that ended by then and are stored as open.

    Eventually consistent: a place to look, and no more.
    """
    yield from _due("", times.to_text(latest), place)


def lots_expiring(earliest: datetime, latest: datetime, place: Place | None = None) -> Iterator[Due]:
    """Lots with credits that expire from `earliest` to `latest`. Eventually consistent, as above."""
    for due in _due(times.to_text(earliest), times.to_text(latest), place):
        if due.key.record.startswith(credit_items.LOT):
            yield due


def load_lots_at(keys: Sequence[DueKey]) -> list[Lot]:
    """The lots under these keys that have credits still, read consistently; 1 request for each hundred. Raises Busy.

    Without those that stood under another user's id, of which no event tells.
    """
    items = load_items([(key.user_id, key.record) for key in keys])
    return [credit_items.lot_from_item(item) for item in items.values() if credit_items.COPIED not in item]


def _due(earliest: str, latest: str, place: Place | None) -> Iterator[Due]:
    index = Index(table=config.settings().credits_table, name="due", partition="due_shard", sort="due_at")
    for key in index.due(SHARDS, latest, place, earliest):
        yield Due(DueKey(key["user_id"], key["record"]), index.place(key))


def load_due(key: DueKey) -> tuple[Lot | Hold | None, Wallet]:
    """A lot or hold by its key and its user's wallet, read consistently; 1 request.

    None where the lot has no credits left, or the hold has been ended. Raises LostRace, after finishing the wallet's
    last change where that was not done.
    """
    found = {item["record"]["S"]: item for item in credits.load_records(key.user_id, (key.record, credit_items.WALLET))}
    wallet = credit_items.wallet_from_item(key.user_id, found.get(credit_items.WALLET))
    if wallet.unfinished:
        credits.finish(wallet)
        return load_due(key)
    item = found.get(key.record)
    if item is None:
        return None, wallet
    is_hold = key.record.startswith(hold_items.OPEN_HOLD)
    return hold_items.hold_from_item(item) if is_hold else credit_items.lot_from_item(item), wallet


def record_expiry(change: CreditChange) -> None:
    """Write what an expiry takes, or the end of a hold, completely or not at all; raises LostRace."""
    with detect_lost_race(), credits.changing(change) as writes:
        client().transact_write_items(TransactItems=writes)
