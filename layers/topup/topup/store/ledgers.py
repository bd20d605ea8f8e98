"""Read every user's ledger for the books: entry by entry, without keeping them."""

from collections.abc import Iterable, Iterator, Mapping
from itertools import groupby
from typing import Any

from topup.domain.credits import Entry
from topup.domain.errors import Busy
from topup.domain.lots import Lot
from topup.runtime import config
from topup.store import attributes, credit_items, patience

PREFIXES = (credit_items.ENTRY, credit_items.LOT, credit_items.EMPTY_LOT, credit_items.WALLET)


def all_ledgers() -> Iterator[tuple[str, Iterator[Entry | Lot]]]:
    """Every user's entries in the order of their numbers, with the lots between them; read one user's before the next.

    Raises ValueError for a record that cannot be read, Busy for a user whose records move to a pseudonym: they are in
    both places.
    """
    values = {f":prefix{number}": prefix for number, prefix in enumerate(PREFIXES)}
    found = patience.items(
        "scan",
        TableName=config.settings().credits_table,
        FilterExpression=" OR ".join(f"begins_with(#record, {name})" for name in values),
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues=attributes.to_item(values),
    )
    return ledgers_of(found)


def ledgers_of(items: Iterable[Mapping[str, Any]]) -> Iterator[tuple[str, Iterator[Entry | Lot]]]:
    """The ledgers in items of the credits table that are sorted by their keys; other records are left out."""
    for user_id, of_user in groupby(items, lambda item: str(item["user_id"]["S"])):
        yield user_id, _records(of_user)


def _records(items: Iterable[Mapping[str, Any]]) -> Iterator[Entry | Lot]:
    for item in items:
        record = str(item["record"]["S"])
        try:
            if record.startswith(credit_items.ENTRY):
                yield credit_items.entry_from_item(item)
            elif record.startswith((credit_items.LOT, credit_items.EMPTY_LOT)):
                yield credit_items.lot_from_item(item)
            elif record == credit_items.WALLET and "moves_to" in item:
                user = item.get(credit_items.MOVES_FROM, item["user_id"])  # a pseudonym's wallet is locked, too
                raise Busy(f"user {user['S']} is being erased: finish that first")
        except (KeyError, TypeError, ValueError, AttributeError) as error:
            what = f"user {item['user_id']['S']}: {record} cannot be read"
            raise ValueError(f"{what}: {type(error).__name__} {error}") from error
