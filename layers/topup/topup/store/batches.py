"""Read many users' items of the credits table by their keys."""

from collections.abc import Mapping, Sequence
from typing import Any

from topup.runtime import config
from topup.store import credit_items
from topup.store.client import client
from topup.store.races import LostRace, retried

Key = tuple[str, str]  # the user's id and the record's
Stored = Mapping[Key, Mapping[str, Any]]  # items by their keys

LARGEST_BATCH = 100  # keys of a BatchGetItem


@retried
def load_items(keys: Sequence[Key]) -> Stored:
    """The items under these keys, those that are there, read consistently; 1 request for each hundred. Raises Busy."""
    table = config.settings().credits_table
    items: list[Any] = []
    for first in range(0, len(keys), LARGEST_BATCH):
        part = keys[first : first + LARGEST_BATCH]
        wanted = [key for user_id, record in part for key in credit_items.keys(user_id, [record])]
        found = client().batch_get_item(RequestItems={table: {"Keys": wanted, "ConsistentRead": True}})
        if found.get("UnprocessedKeys"):
            raise LostRace("DynamoDB returned only part of the read")
        items += found["Responses"].get(table, [])
    return {(item["user_id"]["S"], item["record"]["S"]): item for item in items}
