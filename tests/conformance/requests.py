"""The requests that the store sends: the items they touch, and their shape, which is all except their values."""

import json
import re
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache
from typing import Any

from local.aws.stream_records import key_names
from local.in_process.api import template

Json = dict[str, Any]
Item = dict[str, Any]
Place = tuple[str, str, str]  # table, partition key, sort key

WRITES = ("PutItem", "UpdateItem", "TransactWriteItems", "BatchWriteItem")
# The parts of a shape; the rest of a request are its values.
PARTS_OF_A_SHAPE = (
    "TableName",
    "IndexName",
    "ScanIndexForward",
    "ConsistentRead",
    "ReturnValuesOnConditionCheckFailure",
)
PRESENT = ("Limit", "ExclusiveStartKey")

_NAME = re.compile(r"(?<![:\w#])#?[a-z_]\w*")
_FUNCTIONS = {"attribute_exists", "attribute_not_exists", "begins_with", "size"}


@dataclass(frozen=True)
class Sample:
    """A request that the store sent, and the items of the tables just before."""

    operation: str
    request: Json
    before: dict[str, list[Item]]

    @property
    def shape(self) -> str:
        return shape_of(self.operation, self.request)

    @property
    def is_write(self) -> bool:
        return self.operation in WRITES


@dataclass(frozen=True)
class Part:
    """One member of a transaction, or a whole other request."""

    kind: str
    details: Json

    @property
    def place(self) -> Place:
        return place_of(self.details["TableName"], self.details.get("Key") or self.details["Item"])

    @property
    def expressions(self) -> str:
        return " ".join(str(self.details.get(name, "")) for name in ("ConditionExpression", "UpdateExpression"))

    @property
    def attributes(self) -> list[str]:
        """The attributes that its expressions name."""
        names = self.details.get("ExpressionAttributeNames", {})
        found = dict.fromkeys(names.get(word, word) for word in _NAME.findall(self.expressions))
        return [name for name in found if name not in _FUNCTIONS]

    @property
    def values(self) -> Json:
        found: Json = self.details.get("ExpressionAttributeValues", {})
        return found


def parts_of(operation: str, request: Json) -> list[Part]:
    if operation == "BatchWriteItem":
        written = [(table, member) for table, members in request["RequestItems"].items() for member in members]
        return [Part(kind, {"TableName": table, **of}) for table, member in written for kind, of in member.items()]
    if operation != "TransactWriteItems":
        return [Part(operation, request)]
    return [Part(kind, details) for member in request["TransactItems"] for kind, details in member.items()]


def shape_of(operation: str, request: Json) -> str:
    if operation == "BatchGetItem":
        return json.dumps(
            [operation, sorted((table, len(of["Keys"])) for table, of in request["RequestItems"].items())]
        )
    parts = [_shape_of_part(part) for part in parts_of(operation, request)]
    if operation == "BatchWriteItem":  # its members have nothing to do with each other, so their number says nothing
        return json.dumps([operation, sorted({json.dumps(part) for part in parts})])
    return json.dumps([operation, *parts])


def expressions_of(operation: str, request: Json) -> Iterator[str]:
    """Every expression in a request."""
    for part in parts_of(operation, request):
        yield from (value for name, value in part.details.items() if name.endswith("Expression"))


def place_of(table: str, item: Item) -> Place:
    partition, sort = keys_of(table)
    return table, item[partition]["S"], item[sort]["S"]


def key_of(place: Place) -> Item:
    partition, sort = keys_of(place[0])
    return {partition: {"S": place[1]}, sort: {"S": place[2]}}


@cache
def keys_of(table: str) -> tuple[str, str]:
    """The names of a table's partition key and sort key."""
    [found] = [one for one in template().tables if one.name == table]
    partition, sort = key_names(found)
    return partition, sort


@cache
def index_keys_of(table: str) -> dict[str, tuple[str, str]]:
    """The partition key and the sort key of each of a table's indexes."""
    [found] = [one for one in template().tables if one.name == table]
    return {
        index["IndexName"]: (index["KeySchema"][0]["AttributeName"], index["KeySchema"][1]["AttributeName"])
        for index in found.definition.get("GlobalSecondaryIndexes", [])
    }


def _shape_of_part(part: Part) -> list[Any]:
    shape = {
        name: part.details[name]
        for name in sorted(part.details)
        if name in PARTS_OF_A_SHAPE or name.endswith("Expression")
    }
    return [part.kind, shape, [name for name in PRESENT if name in part.details]]
