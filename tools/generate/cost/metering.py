"""What DynamoDB would charge for each request of the real code: items measured, indexes and transactions counted.

Source: Amazon DynamoDB Developer Guide, "Item sizes and formats", "Read and write operations", "Transactions".
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import Any

import boto3
from botocore.awsrequest import AWSPreparedRequest, AWSResponse

from local.aws.template import Table
from local.in_process.dynamodb import Emulator

WRITE_STEP = 1024  # bytes of an item that one write unit covers
READ_STEP = 4096
Item = Mapping[str, Any]


@dataclass
class Call:
    """One invocation of a function, and what it used."""

    function: str
    reads: float = 0
    table_writes: int = 0
    index_writes: int = 0  # of single writes
    index_writes_in_transactions: int = 0
    log_bytes: int = 0

    def write_units(self, index_factor: float) -> float:
        """`index_factor`: what an index's write inside a transaction counts."""
        return self.table_writes + self.index_writes + index_factor * self.index_writes_in_transactions


def size_of(item: Item) -> int:
    """Bytes of an item: the names of its attributes, and their values."""
    return sum(len(name.encode()) + _value_size(value) for name, value in item.items())


def _value_size(value: Any) -> int:
    [(kind, content)] = value.items()
    match kind:
        case "S":
            return len(str(content).encode())
        case "N":
            digits = str(content).lstrip("-").replace(".", "").strip("0") or "0"
            return (len(digits) + 1) // 2 + 1 + str(content).startswith("-")
        case "M":
            return 3 + sum(1 + len(name.encode()) + _value_size(part) for name, part in content.items())
        case "L":
            return 3 + sum(1 + _value_size(part) for part in content)
        case _:
            return 1  # BOOL, NULL


def units(size: int, step: int) -> int:
    """Every request costs one unit at least."""
    return max(1, -(-size // step))


def index_units(index: Mapping[str, Any], table_keys: set[str], before: Item, after: Item) -> int:
    """What an index writes when an item changes; nothing where the change does not show in it."""
    keys = {key["AttributeName"] for key in index["KeySchema"]}
    keeps_all = index["Projection"]["ProjectionType"] == "ALL"

    def entry(item: Item) -> dict[str, Any]:
        kept = {name: value for name, value in item.items() if keeps_all or name in keys | table_keys}
        return kept if keys <= item.keys() else {}

    old, new = entry(before), entry(after)
    if old == new:
        return 0
    moved = [old.get(key) for key in sorted(keys)] != [new.get(key) for key in sorted(keys)]
    if moved:  # the old entry is deleted, the new one put
        return sum(units(size_of(one), WRITE_STEP) for one in (old, new) if one)
    return units(max(size_of(old), size_of(new)), WRITE_STEP)


@dataclass
class Meter(Emulator):
    """The tests' DynamoDB, with a meter on every request that a function makes."""

    tables: Mapping[str, Table] = field(default_factory=dict)  # by name

    def __post_init__(self) -> None:
        super().__init__()
        self.calls: list[Call] = []
        self._call: Call | None = None
        self.plain: Any = boto3.client("dynamodb")  # looks without being counted
        Emulator().attach(self.plain)

    @contextmanager
    def acting_as(self, function: str) -> Iterator[None]:
        self._call = Call(function)
        self.calls.append(self._call)
        try:
            with super().acting_as(function):
                yield
        finally:
            self._call = None

    def _answer(self, request: AWSPreparedRequest) -> AWSResponse:
        call = self._call
        if call is None:
            return super()._answer(request)
        operation = request.headers["X-Amz-Target"]
        operation = (operation.decode() if isinstance(operation, bytes) else operation).partition(".")[2]
        body = json.loads(request.body or b"{}")  # type: ignore[arg-type]  # botocore sends bytes
        writes = list(_writes(operation, body))
        before = [self._item(*write) for write in writes]
        answer = super()._answer(request)
        is_transaction = operation == "TransactWriteItems"
        if answer.status_code == 200:
            for (table, key), old in zip(writes, before, strict=True):
                self._count_write(call, table, old, self._item(table, key), is_transaction)
        call.reads += _read_units(operation, body, json.loads(answer.content))
        return answer

    def _item(self, table: str, named: Item) -> Item:
        names = {key["AttributeName"] for key in self.tables[table].definition["KeySchema"]}
        key = {name: value for name, value in named.items() if name in names}
        found: Item = self.plain.get_item(TableName=table, Key=key, ConsistentRead=True).get("Item", {})
        return found

    def _count_write(self, call: Call, table: str, before: Item, after: Item, is_transaction: bool) -> None:
        definition = self.tables[table].definition
        keys = {key["AttributeName"] for key in definition["KeySchema"]}
        call.table_writes += units(max(size_of(before), size_of(after)), WRITE_STEP) * (2 if is_transaction else 1)
        of_indexes = sum(
            index_units(index, keys, before, after) for index in definition.get("GlobalSecondaryIndexes", ())
        )
        if is_transaction:
            call.index_writes_in_transactions += of_indexes
        else:
            call.index_writes += of_indexes


def _writes(operation: str, body: Mapping[str, Any]) -> Iterator[tuple[str, Item]]:
    """The table of each write, and the item or key that it names."""
    if operation == "TransactWriteItems":
        for [details] in (write.values() for write in body["TransactItems"]):
            yield details["TableName"], details.get("Item") or details["Key"]
    elif operation in ("PutItem", "UpdateItem", "DeleteItem"):
        yield body["TableName"], body.get("Item") or body["Key"]


def _read_units(operation: str, body: Mapping[str, Any], answer: Mapping[str, Any]) -> float:
    match operation:
        case "GetItem":
            return units(size_of(answer.get("Item", {})), READ_STEP) * (1 if body.get("ConsistentRead") else 0.5)
        case "Query":
            size = sum(size_of(item) for item in answer["Items"])
            return units(size, READ_STEP) * (1 if body.get("ConsistentRead") else 0.5)
        case "BatchGetItem":
            asked = sum(len(keys["Keys"]) for keys in body["RequestItems"].values())
            found = [item for items in answer["Responses"].values() for item in items]
            return sum(units(size_of(item), READ_STEP) for item in found) + (asked - len(found))
        case _:
            return 0
