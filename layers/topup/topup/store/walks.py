"""Walk an index in the order of what is due, over all its partitions, and go on later from where a walk ended.

An index is eventually consistent: it says where to look, and no more.
"""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

from topup.store import attributes
from topup.store.attributes import Item
from topup.store.pages import query_all

Place = dict[str, str]  # where a walk ended, as a cursor stores it


@dataclass(frozen=True, kw_only=True)
class Index:
    """An index of a table: what it partitions by, and the time that it sorts by."""

    table: str
    name: str
    partition: str
    sort: str

    def due(self, partitions: Sequence[str], latest: str, place: Place | None, earliest: str = "") -> Iterator[Item]:
        """The plain keys of what is due from `earliest` to `latest`, from `place` on, or from the first partition."""
        if place and place["partition"] not in partitions:
            place = None  # another version has other partitions
        at = partitions.index(place["partition"]) if place else 0
        for partition in partitions[at:]:
            first = place["from"] if place and partition == place["partition"] else earliest
            yield from self._due_in(partition, first, latest)

    def place(self, key: Item) -> Place:
        """Where a walk goes on that ended before the record of this key: with all that is due at the same moment."""
        return {"partition": key[self.partition], "from": key[self.sort]}

    def _due_in(self, partition: str, earliest: str, latest: str) -> Iterator[Item]:
        values = {":partition": partition, ":latest": latest}
        condition = f"{self.partition} = :partition AND {self.sort} <= :latest"
        if earliest:
            values[":earliest"] = earliest
            condition = f"{self.partition} = :partition AND {self.sort} BETWEEN :earliest AND :latest"
            if earliest > latest:
                return
        query = {
            "TableName": self.table,
            "IndexName": self.name,
            "KeyConditionExpression": condition,
            "ExpressionAttributeValues": attributes.to_item(values),
        }
        yield from (attributes.from_item(item) for item in query_all(query))
