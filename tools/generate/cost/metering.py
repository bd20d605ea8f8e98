"""Count the capacity units of every request that the real handlers send to DynamoDB.

The emulator reports what a write consumes (ReturnConsumedCapacity), but does not measure reads: that is done here.
Source: Amazon DynamoDB Developer Guide, "Item sizes and formats", "Read and write operations", "Transactions".
"""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

from local.in_process.dynamodb import Emulator, InProcess

READ_STEP = 4096  # bytes that one read unit covers
READS = {"GetItem", "Query", "BatchGetItem"}
Item = Mapping[str, Any]


@dataclass
class Call:
    """One invocation of a function, and the units that it used."""

    function: str
    reads: float = 0
    table_writes: float = 0
    index_writes: float = 0  # outside of transactions
    index_writes_in_transactions: float = 0
    log_bytes: int = 0

    def write_units(self, index_factor: float) -> float:
        """`index_factor`: the units that one index write inside a transaction counts."""
        return self.table_writes + self.index_writes + index_factor * self.index_writes_in_transactions


class Meter(Emulator):
    """The emulated DynamoDB, with one Call for each function that acts on it."""

    def __init__(self) -> None:
        self.engine = CountingEngine()
        super().__init__(self.engine)
        self.calls: list[Call] = []

    @contextmanager
    def acting_as(self, function: str) -> Iterator[None]:
        self.engine.current = Call(function)
        self.calls.append(self.engine.current)
        try:
            with super().acting_as(function):
                yield
        finally:
            self.engine.current = None


class CountingEngine(InProcess):
    """Counts requests for the current call, if there is one."""

    current: Call | None = None

    def respond(self, target: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        if self.current is None:
            return super().respond(target, body)
        operation, sent = target.partition(".")[2], json.loads(body)
        counted = json.dumps(sent | {"ReturnConsumedCapacity": "INDEXES"}).encode()
        status, headers, content = super().respond(target, counted)
        received = json.loads(content)
        if operation in READS:
            self.current.reads += read_units(operation, sent, received)
        else:
            _count_writes(self.current, operation, received.get("ConsumedCapacity", []))
        return status, headers, content


def _count_writes(call: Call, operation: str, consumed: Any) -> None:
    """`consumed`: of one table, or of each table of a transaction; empty if the request failed."""
    for table in consumed if isinstance(consumed, list) else [consumed]:
        in_indexes = sum(index["CapacityUnits"] for index in table.get("GlobalSecondaryIndexes", {}).values())
        call.table_writes += table["CapacityUnits"] - in_indexes
        if operation == "TransactWriteItems":
            call.index_writes_in_transactions += in_indexes
        else:
            call.index_writes += in_indexes


def read_units(operation: str, sent: Mapping[str, Any], received: Mapping[str, Any]) -> float:
    """The units of a read that came back; a missing item costs as much as a small one."""
    if operation == "BatchGetItem":  # always consistent here
        requested = sum(len(table["Keys"]) for table in sent["RequestItems"].values())
        found = [item for items in received["Responses"].values() for item in items]
        return sum(_steps(size_of(item)) for item in found) + (requested - len(found))
    items = received["Items"] if operation == "Query" else [received.get("Item", {})]
    return _steps(sum(map(size_of, items))) * (1 if sent.get("ConsistentRead") else 0.5)


def _steps(size: int) -> int:
    return max(1, -(-size // READ_STEP))


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
