"""Everything that is stored about a user, and how it comes to stand under a pseudonym.

The user's wallet is locked first: no other change is written before the records have moved. Each step may be repeated.
"""

import json
from collections.abc import Iterable, Iterator, Sequence
from typing import Any

from topup.domain.credits import Wallet
from topup.domain.reversals import Kind
from topup.runtime import config
from topup.store import attributes, credit_items, hold_items, order_items, patience, scans
from topup.store.attributes import Item
from topup.store.client import client
from topup.store.races import detect_lost_race

BATCH = 99  # records of a transaction, which has 100 writes; one of them looks at the wallet
MOST_BYTES = 400_000  # of them, about: a transaction has room for 4 MB, but a partition writes 500 kB a second

# Nobody has changed this wallet, nor made one, since it was read.
UNCHANGED = "version = :version"
NEW = "attribute_not_exists(user_id)"
# The records of this wallet move to this pseudonym, and nowhere else.
MOVES_THERE = "moves_to = :pseudonym"
# The order is the user's still, and has not been opened again: somebody may be paying it then, for a new wallet.
ORDER_UNCHANGED = "user_id = :user_read AND #status = :status_read AND attempt = :attempt_read"
# The record of the credits is there still, which an erasure would have taken away.
STILL_THERE = "attribute_exists(user_id)"
# An update must not make a record.
THERE = "attribute_exists(payment_id)"

_LEFT_BEHIND = (credit_items.MARKER, credit_items.CAMPAIGN, credit_items.PENDING)
ERASED = {"S": "erased"}
# What people and services have written, by the kind of record: words are replaced, and what need not be there goes.
_WORDS = {
    credit_items.ENTRY: (("description",), ("reason", "metadata")),
    hold_items.HOLD: (("description",), ("metadata",)),
    hold_items.OPEN_HOLD: (("description",), ("metadata",)),
    credit_items.LOT: (("name",), ()),
    credit_items.EMPTY_LOT: (("name",), ()),
}


def credits_of(user_id: str) -> Iterator[Item]:
    """The user's records in the credits table, as they are stored."""
    return scans.records_of(user_id)


def payments_of(user_id: str) -> list[str]:
    """The ids of the user's payments: those that the index has by now, and those that the ledger names."""
    found = patience.items(
        "query",
        TableName=config.settings().orders_table,
        IndexName="by_user",
        KeyConditionExpression="user_id = :user_id",
        ExpressionAttributeValues=attributes.to_item({":user_id": user_id}),
    )
    listed = [item["payment_id"]["S"] for item in found]
    named = [item["payment_id"]["S"] for item in credits_of(user_id) if "payment_id" in item]
    return list(dict.fromkeys([*listed, *named]))


def lock(wallet: Wallet, pseudonym: str, proof: Item | None = None) -> None:
    """Let nothing change any more of the user's credits; raises LostRace where the wallet is not as it was read.

    The pseudonym gets a locked wallet at once, which names the user as long as the records move: whoever finds a record
    of either knows that more of them are elsewhere. `proof` is an order or another record of the user's: who has no
    wallet must not be locked once another run has erased them, and it is not there any more then.
    """
    is_there = wallet.version > 0
    values = {":pseudonym": pseudonym, ":next": wallet.version + 1} | ({":version": wallet.version} if is_there else {})
    table = {"TableName": config.settings().credits_table}
    locked = {
        "Key": credit_items.wallet_key(wallet.user_id),
        "UpdateExpression": "SET moves_to = :pseudonym, version = :next",
        "ConditionExpression": UNCHANGED if is_there else NEW,
        "ExpressionAttributeValues": attributes.to_item(values),
    }
    other = credit_items.wallet_key(pseudonym) | _moving(wallet.user_id, pseudonym)
    writes: Any = [{"Update": table | locked}, {"Put": table | {"Item": other}}]
    if proof and not is_there:
        writes.append({"ConditionCheck": _unchanged_order(proof) if _is_order(proof) else _still_there(proof)})
    with detect_lost_race():
        patience.patiently(lambda: dict(client().transact_write_items(TransactItems=writes)))


def _is_order(item: Item) -> bool:
    return bool(item["record"]["S"] == order_items.ORDER)


def _unchanged_order(order: Item) -> Any:
    return {
        "TableName": config.settings().orders_table,
        "Key": _key_of_payment(order),
        "ConditionExpression": ORDER_UNCHANGED,
        "ExpressionAttributeNames": {"#status": "status"},
        "ExpressionAttributeValues": {
            ":user_read": order["user_id"],
            ":status_read": order["status"],
            ":attempt_read": order["attempt"],
        },
    }


def _still_there(item: Item) -> Any:
    return {
        "TableName": config.settings().credits_table,
        "Key": {name: item[name] for name in ("user_id", "record")},
        "ConditionExpression": STILL_THERE,
    }


def _key_of_payment(item: Item) -> Item:
    return {name: item[name] for name in ("payment_id", "record")}


def _moving(user_id: str, pseudonym: str) -> Item:
    """What the pseudonym's wallet says of itself until it is unlocked."""
    return {"moves_to": {"S": pseudonym}, credit_items.MOVES_FROM: {"S": user_id}}


def is_moving(user_id: str, pseudonym: str) -> bool:
    """Whether the user's records move to this pseudonym still."""
    return _wallet(user_id).get("moves_to") == {"S": pseudonym}


def user_behind(pseudonym: str) -> str | None:
    """The user whose records move to this pseudonym now."""
    user_id = _wallet(pseudonym).get(credit_items.MOVES_FROM)
    return str(user_id["S"]) if user_id else None


def _wallet(user_id: str) -> Item:
    key = credit_items.wallet_key(user_id)
    found: patience.Page = patience.patiently(
        lambda: dict(client().get_item(TableName=config.settings().credits_table, Key=key, ConsistentRead=True))
    )
    return dict(found.get("Item", {}))


def copy(user_id: str, pseudonym: str) -> int:
    """Write the records under the pseudonym, without what people wrote; how many. Raises LostRace.

    What is kept of requests (also of those in line), campaigns and imports stays behind: nothing comes to the pseudonym
    again, and the name of an import is what another system calls the person.
    """
    kept = (item for item in credits_of(user_id) if not item["record"]["S"].startswith(_LEFT_BEHIND))
    puts = (({"Put": {"Item": _renamed(item, pseudonym)}}, _bytes(item)) for item in kept)
    return _write(user_id, pseudonym, puts)


def _renamed(item: Item, pseudonym: str) -> Item:
    record = item["record"]["S"]
    renamed = {**item, "user_id": {"S": pseudonym}, credit_items.COPIED: {"BOOL": True}}
    if record == credit_items.WALLET:
        renamed |= _moving(item["user_id"]["S"], pseudonym)
    for prefix, (words, others) in _WORDS.items():
        if record.startswith(prefix):
            renamed |= {name: ERASED for name in words if name in item}
            renamed = {name: value for name, value in renamed.items() if name not in others}
    return renamed


def rename_payment(records: Iterable[Item], user_id: str, pseudonym: str) -> None:
    """Let an order be the pseudonym's, and take out of its records what people wrote; it may be done already.

    Raises LostRace where another run has finished, or where the order is not as it was read.
    """
    for item in records:
        changes, removed = _words_of(item), ""
        if _is_order(item):
            if item["user_id"]["S"] != user_id:
                continue
            changes |= {"user_id": {"S": pseudonym}, "return_url": ERASED}
            removed = " REMOVE payment_url"
        if changes:
            _update(item, changes, removed, user_id, pseudonym)


def _words_of(item: Item) -> dict[str, Item]:
    """What replaces the reasons that administrators gave, by the path of each."""
    if item["record"]["S"].startswith(order_items.REVERSAL_PREFIX[Kind.REFUND]):
        return {"reason": ERASED} if "reason" in item else {}
    return {f"releases[{number}].reason": ERASED for number in range(len(item.get("releases", {}).get("L", ())))}


def _update(item: Item, changes: dict[str, Item], removed: str, user_id: str, pseudonym: str) -> None:
    """Set these attributes of a record that is there still, of an order only as it was read; raises LostRace."""
    sets = ", ".join(f"{path} = :v{number}" for number, path in enumerate(changes))
    values = {f":v{number}": value for number, value in enumerate(changes.values())}
    update: Any = {
        "TableName": config.settings().orders_table,
        "Key": _key_of_payment(item),
        "UpdateExpression": f"SET {sets}{removed}",
        "ConditionExpression": THERE,
        "ExpressionAttributeValues": values,
    }
    if _is_order(item):
        unchanged = _unchanged_order(item)
        update |= unchanged | {"ExpressionAttributeValues": values | unchanged["ExpressionAttributeValues"]}
    _transact_while_locked(user_id, pseudonym, [{"Update": update}])


def forget(user_id: str, pseudonym: str) -> None:
    """Delete all of the user's records but the wallet, which says where they are; raises LostRace."""
    keys = [
        ({name: item[name] for name in ("user_id", "record")}, _bytes(item))
        for item in credits_of(user_id)
        if item["record"]["S"] != credit_items.WALLET
    ]
    _write(user_id, pseudonym, (({"Delete": {"Key": key}}, size) for key, size in keys))


def unlock(user_id: str, pseudonym: str) -> None:
    """Delete the user's wallet, and let the pseudonym's records change again, at once; raises LostRace."""
    guarded = {
        "TableName": config.settings().credits_table,
        "ConditionExpression": MOVES_THERE,
        "ExpressionAttributeValues": {":pseudonym": {"S": pseudonym}},
    }
    gone = guarded | {"Key": credit_items.wallet_key(user_id)}
    opened = guarded | {"Key": credit_items.wallet_key(pseudonym), "UpdateExpression": "REMOVE moves_to, moves_from"}
    writes: Any = [{"Delete": gone}, {"Update": opened}]
    with detect_lost_race():
        patience.patiently(lambda: dict(client().transact_write_items(TransactItems=writes)))


def _write(user_id: str, pseudonym: str, writes: Iterable[tuple[Any, int]]) -> int:
    """Make these writes, each with the bytes of its record, in transactions; how many."""
    written = 0
    for batch in _batches(writes):
        _write_while_locked(user_id, pseudonym, batch)
        written += len(batch)
    return written


def _batches(writes: Iterable[tuple[Any, int]]) -> Iterator[list[Any]]:
    batch: list[Any] = []
    together = 0
    for write, size in writes:
        if batch and (len(batch) == BATCH or together + size > MOST_BYTES):
            yield batch
            batch, together = [], 0
        batch.append(write)
        together += size
    if batch:
        yield batch


def _bytes(item: Item) -> int:
    """More than DynamoDB counts, which has no quotation marks and no names of types."""
    return len(json.dumps(item, ensure_ascii=False).encode("utf-8", "surrogatepass"))


def _write_while_locked(user_id: str, pseudonym: str, writes: Sequence[Any]) -> None:
    table = {"TableName": config.settings().credits_table}
    parts = [{kind: table | part for kind, part in write.items()} for write in writes]
    _transact_while_locked(user_id, pseudonym, parts)


def _transact_while_locked(user_id: str, pseudonym: str, writes: Sequence[Any]) -> None:
    """What is carried out late must not touch what is the user's next wallet or payment; raises LostRace."""
    locked = {
        "TableName": config.settings().credits_table,
        "Key": credit_items.wallet_key(user_id),
        "ConditionExpression": MOVES_THERE,
        "ExpressionAttributeValues": {":pseudonym": {"S": pseudonym}},
    }
    parts: Any = [{"ConditionCheck": locked}, *writes]
    with detect_lost_race():
        patience.patiently(lambda: dict(client().transact_write_items(TransactItems=parts)))
