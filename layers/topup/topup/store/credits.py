"""Read lots and the ledger, and write one change of a user's credits, whatever number of lots it touches."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import replace
from datetime import datetime
from typing import Any

from botocore.exceptions import BotoCoreError, ClientError

from topup.domain.credits import CreditChange, Entry, UserCredits, Wallet
from topup.domain.errors import Busy
from topup.domain.holds import Hold
from topup.domain.lots import Lot, LotChange
from topup.runtime import config
from topup.runtime.telemetry import logger
from topup.store import attributes, clawback_items, credit_items, hold_items, hold_writes, lot_writes, pages
from topup.store.attributes import Item
from topup.store.client import client
from topup.store.races import LostRace, UnknownWrite, detect_lost_race
from topup.store.updates import update_changed

# Another request changed this wallet after we read it: read again, decide again.
UNCHANGED_SINCE_READ = "version = :version_read"
# The same, for a user who had no wallet when we read.
STILL_NO_WALLET = "attribute_not_exists(version)"

# A DynamoDB transaction holds 100 items. The wallet, the entry, an order, its reversal or a request marker, a campaign,
# a new lot and its timer leave room for this many writes of lots. A lot that is used up takes two, one that was used up
# and gets credits again three: its timer is written, too.
LOT_WRITES = 90
COUNTED = 4  # of the writes above: a new lot and its timer, an entry and its marker

LARGEST_BATCH = 100  # keys of a BatchGetItem


def finished(wallet: Wallet, item: Mapping[str, Any]) -> Lot:
    """The lot of an item, as it is once the wallet's last change has been written to all of its lots."""
    lot = credit_items.lot_from_item(item)
    remaining = wallet.unfinished.get(item["record"]["S"])
    return lot if remaining is None else replace(lot, remaining=remaining)


def unfinished_lots(wallet: Wallet) -> set[str]:
    """The ids of the lots that the wallet's last change has still to be written to, and their timers with them."""
    return {record.rpartition("#")[2] for record in wallet.unfinished}


def load_lots(wallet: Wallet, lots: Mapping[str, datetime | None]) -> list[Lot]:
    """These lots (id → expiry), with credits or without, past their expiry or not; those that exist."""
    return [finished(wallet, item) for item in load_records(wallet.user_id, lot_records(lots))]


def lot_records(lots: Mapping[str, datetime | None]) -> list[str]:
    """Where these lots (id → expiry) may be: each has a key while it has credits, and another while it has none."""
    return [
        record
        for lot_id, expires_at in lots.items()
        for record in (credit_items.open_lot_record(expires_at, lot_id), credit_items.empty_lot_record(lot_id))
    ]


def load_records(user_id: str, records: Sequence[str]) -> list[Any]:
    """The user's items under these keys, those that exist, read consistently; 1 request for each hundred."""
    return load_keys(credit_items.keys(user_id, records))


def load_keys(keys: Sequence[Item]) -> list[Any]:
    """The items under these keys, those that exist, read consistently; raises LostRace for a part of them."""
    table = config.settings().credits_table
    items: list[Any] = []
    for first in range(0, len(keys), LARGEST_BATCH):
        batch = keys[first : first + LARGEST_BATCH]
        found = client().batch_get_item(RequestItems={table: {"Keys": batch, "ConsistentRead": True}})
        if found.get("UnprocessedKeys"):
            raise LostRace("DynamoDB returned only part of the read")
        items += found["Responses"].get(table, [])
    return items


def lots_by_id(user: UserCredits, lot_ids: Collection[str]) -> dict[str, Lot]:
    """These lots of the user's by their ids: those among the user's own, and those without credits.

    1 request for each hundred that are not the user's own. A lot that got credits since may be missing.
    """
    lots = {lot.lot_id: lot for lot in user.lots}
    found = {lot_id: lots[lot_id] for lot_id in lot_ids if lot_id in lots}
    empty = [credit_items.empty_lot_record(lot_id) for lot_id in lot_ids if lot_id not in lots]
    return found | {
        lot.lot_id: lot for lot in (finished(user.wallet, item) for item in load_records(user.wallet.user_id, empty))
    }


def load_ended_hold(user_id: str, hold_id: str) -> Hold | None:
    """A hold that has ended, None where there is none of this id; 1 request."""
    found = load_records(user_id, [hold_items.ended_hold_record(hold_id)])
    return hold_items.hold_from_item(found[0]) if found else None


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


@contextmanager
def changing(change: CreditChange | None, beside: int = 0) -> Iterator[list[Any]]:
    """The writes of a change, for the transaction in the block; what did not fit into it is written after the block.

    `beside`: how many more writes the transaction has, besides the markers of requests.
    Raises LostRace where the change before this one is not finished yet: it is finished now, and has to be read again;
    and where a record that it adds to was full, and has room now.
    Raises Busy while the user's records move to a pseudonym.
    """
    if change is None:
        yield []
        return
    if change.before.moves_to:
        raise Busy("the user's records are being erased")
    if change.before.unfinished:
        finish(change.before)
        raise LostRace("the change before this one had to be finished first")
    entries = [lot_writes.put_new(credit_items.entry_to_item(entry)) for entry in change.entries]
    others = [
        *_clawback_writes(change),
        *lot_writes.new_lot_writes(change.new_lots),
        *(write for hold in change.holds for write in hold_writes.writes_of_hold(hold)),
    ]
    # Each entry may have a marker of its own.
    now, later = lot_writes.split(change.lots, LOT_WRITES - max(0, beside + len(others) + 2 * len(entries) - COUNTED))
    wallet = replace(change.wallet, unfinished={lot_writes.record_read(lot): lot.after.remaining for lot in later})
    try:
        yield [wallet_write(change.before, wallet), *entries, *others, *lot_writes.writes_of_lots(now)]
    except ClientError as error:
        if change.additions and _made_room(change, error):
            raise LostRace("a claw-back's record was full") from error
        raise
    if later:
        try:
            finish(wallet)
        except (LostRace, UnknownWrite, Busy, ClientError, BotoCoreError) as error:
            # The change counts already: every reader sees it whole, and the next change finishes it.
            logger.warning("a change of many lots is unfinished", reason=type(error).__name__)


def _made_room(change: CreditChange, error: Exception) -> bool:
    # Loaded where a write has failed: most functions never do.
    from topup.store import full_records  # noqa: PLC0415

    return full_records.made_room(change, error)


def finish(wallet: Wallet) -> None:
    """Write the rest of a change that had more lots than one transaction holds; raises LostRace."""
    while wallet.unfinished:
        # In two ranges, since the ledger's entries are between them.
        items = [
            item for prefix in (credit_items.EMPTY_LOT, credit_items.LOT) for item in unfinished_items(wallet, prefix)
        ]
        lots = [(credit_items.lot_from_item(item), finished(wallet, item)) for item in items]
        changes = [LotChange(before=before, after=after) for before, after in lots if before != after]
        now, later = lot_writes.split(changes, LOT_WRITES)
        left = replace(
            wallet,
            version=wallet.version + 1,
            unfinished={lot_writes.record_read(lot): lot.after.remaining for lot in later},
        )
        with detect_lost_race():
            client().transact_write_items(TransactItems=[wallet_write(wallet, left), *lot_writes.writes_of_lots(now)])
        wallet = left


def unfinished_records(wallet: Wallet, prefix: str) -> list[str]:
    """Where the lots are, under keys that begin so, that the wallet's last change has still to be written to."""
    return sorted(record for record in wallet.unfinished if record.startswith(prefix))


def unfinished_items(wallet: Wallet, prefix: str) -> list[Any]:
    """The items of these lots, those that are still there."""
    records = unfinished_records(wallet, prefix)
    if not records:
        return []
    found = query_all(
        KeyConditionExpression="user_id = :user_id AND #record BETWEEN :first AND :last",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues=attributes.to_item(
            {":user_id": wallet.user_id, ":first": records[0], ":last": records[-1]}
        ),
        ConsistentRead=True,
    )
    return [item for item in found if item["record"]["S"] in wallet.unfinished]


def query_all(**request: Any) -> Iterator[Any]:
    """All items of a query of the credits, page after page; another request may change them between two pages."""
    return pages.query_all({"TableName": config.settings().credits_table, **request})


def wallet_write(before: Wallet, after: Wallet) -> Any:
    """The write of a changed wallet, on the condition that it is as it was read."""
    is_new = before.version == 0
    read = {} if is_new else credit_items.wallet_fields(before)
    return {
        "Update": {
            "TableName": config.settings().credits_table,
            "Key": credit_items.wallet_key(after.user_id),
            **update_changed(
                read,
                credit_items.wallet_fields(after),
                STILL_NO_WALLET if is_new else UNCHANGED_SINCE_READ,
                {} if is_new else {":version_read": before.version},
            ),
        }
    }


def _clawback_writes(change: CreditChange) -> list[Any]:
    user_id = change.wallet.user_id
    own = [clawback_items.set_clawback(user_id, change.clawback)] if change.clawback else []
    return [*own, *(clawback_items.add_to_clawback(user_id, addition) for addition in change.additions)]
