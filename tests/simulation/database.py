"""DynamoDB in this process: an emulator behind the functions' own client, and the faults between them."""

import json
import re
from collections.abc import Callable
from functools import partial
from typing import Any

from botocore.exceptions import ReadTimeoutError
from ministack.services import dynamodb as engine

from local.in_process import key_reads
from local.in_process.api import template
from tests.simulation import faults
from tests.simulation.fast_paths import OK, Calls
from tests.simulation.faults import Fault, Faults
from tests.simulation.invocations import Crash, Invocations
from tests.simulation.scheduler import Scheduler
from topup.store import client as store_client

Json = dict[str, Any]
Key = tuple[str, str, str]  # table, partition key, sort key
Answer = tuple[int, Json]  # its status and its content
ANY = "any call"  # of planned faults: whatever its operation is
Written = Callable[[set[tuple[str, str]]], None]  # the table and partition key of every item that was written

WRITES = ("PutItem", "UpdateItem", "DeleteItem", "TransactWriteItems")
ENGINE = {
    "CreateTable": "_create_table",
    "PutItem": "_put_item",
    "GetItem": "_get_item",
    "UpdateItem": "_update_item",
    "DeleteItem": "_delete_item",
    "Query": "_query",
    "Scan": "_scan",
    "BatchGetItem": "_batch_get_item",
    "TransactWriteItems": "_transact_write_items",
}
INSTEAD = {
    *(Fault.CRASH_BEFORE, Fault.TIMEOUT_BEFORE, Fault.LATE_COMMIT),
    *(Fault.THROTTLE, Fault.CONFLICT, Fault.PARTIAL_BATCH, Fault.STALE_READ),
}
SHORTEST, LONGEST = 0.001, 0.03  # seconds that a call takes, both ways
LATE = (0.01, 8.0)  # seconds after which an abandoned request is carried out

# The sparse indexes, by the attribute that is their partition key.
SPARSE = {"waiting": "waits_for", "due": "due_shard"}


class Database:
    """The two tables of one run."""

    def __init__(
        self, scheduler: Scheduler, invocations: Invocations, injected: Faults, rng: Any, rng_of_halves: Any
    ) -> None:
        self._scheduler, self._invocations, self._faults, self._rng = scheduler, invocations, injected, rng
        self._rng_of_halves = rng_of_halves
        self._client_calls = Calls(self._send)
        engine.reset()
        names = {table.logical_id: table for table in template().tables}
        for table in names.values():
            _call("CreateTable", {"TableName": table.name, **table.definition})
        self.orders, self.credits = names["OrdersTable"].name, names["CreditsTable"].name
        self._locked: set[Key] = set()
        self._before: list[Json] = []  # the orders as they were before each of the last writes
        self.keeps_old = False
        self.written: Written = lambda _: None
        self.traced: Callable[[str, bytes, bytes | Json], None] = lambda _what, _sent, _answer: None
        self.hit: Callable[[str], None] = lambda _name: None
        self.commits = 0
        self.calls = 0  # counted for the sweep
        self.inject_at: tuple[int, Fault] | None = None
        # This function's next call with this operation, or with any, has the fault, or none that is planned.
        self.planned: list[tuple[str, str, Fault | None]] = []
        self.cut_off: str | None = None  # this function gets no more answers once it has met a planned fault
        self._is_cut_off = False
        self.page: int | None = None  # at most so many items on a page of a query
        self.half_read = 0.0  # the share of reads of several items that others may change meanwhile

    def __enter__(self) -> "Database":
        self._client_calls.begin()
        return self

    def __exit__(self, *_: object) -> None:
        self._client_calls.end()
        engine.reset()

    # ------------------------------------------------------------------------------------------------- reading

    def items(self, table: str) -> dict[str, dict[str, Json]]:
        """The stored items by partition and sort key, as the engine has them: do not change them."""
        stored: dict[str, dict[str, Json]] = engine._tables[table]["items"]
        return stored

    def delete(self, table: str, partition: str, record: str) -> None:
        """Remove an item as TTL does: without a request, and not counted."""
        engine._remove_item(engine._tables[table], partition, record)

    def copy_of_orders(self) -> Any:
        """The table of orders as it is now; stored items are never changed in place."""
        return {key: dict(records) for key, records in self.items(self.orders).items()}

    def restore_orders(self, copy: Any) -> None:
        """Put the orders that a copy has back to what they were then; newer ones stay."""
        for partition, records in copy.items():
            self._replace(self.orders, partition, records)

    def add_attribute(self, table: str, partition: str, record: str, name: str, value: Json) -> None:
        """Give an item an attribute that this version does not know."""
        records = dict(self.items(table)[partition])
        records[record] = {**records[record], name: value}
        self._replace(table, partition, records)

    def _replace(self, table: str, partition: str, records: dict[str, Json]) -> None:
        stored = self.items(table)[partition]
        for record in stored.keys() - records.keys():
            engine._remove_item(engine._tables[table], partition, record)
        self.items(table)[partition].update(records)
        engine._tables[table].pop(engine._INDEX_MEMBERS, None)

    # ------------------------------------------------------------------------------------------------- a request

    def _send(self, operation: str, sent: Json, body: bytes) -> Answer:
        invocation = self._invocations.current
        if invocation is not None:
            if self._scheduler.seconds - invocation.begun > invocation.timeout:
                invocation.is_dead = True
            if invocation.is_dead:
                raise Crash
        self._pause()
        fault = self._fault(operation, sent)
        if invocation is not None and operation in WRITES:
            invocation.calls.append(operation)
        response = self._response(operation, body, sent, fault)
        if invocation is not None and operation not in WRITES and response[0] == OK:
            invocation.calls.append(operation)
        if fault is Fault.CRASH_AFTER and invocation is not None:
            invocation.is_dead = True
            raise Crash
        self._pause()
        return response

    def _fault(self, operation: str, sent: Json) -> Fault | None:
        self.calls += 1
        if self.inject_at:
            return self.inject_at[1] if self.inject_at[0] == self.calls else None
        if (self.planned or self._is_cut_off) and (planned := self._planned(operation)):
            return planned
        if operation in WRITES:
            return self._faults.of(faults.OF_A_WRITE)
        if operation == "BatchGetItem":
            return self._faults.of(faults.OF_A_BATCH_READ)
        return self._faults.of(faults.OF_AN_INDEX_READ if "IndexName" in sent else faults.OF_A_READ)

    def _planned(self, operation: str) -> Fault | None:
        current = self._invocations.current
        if current is None:
            return None
        if self._is_cut_off and current.function == self.cut_off:
            return Fault.TIMEOUT_BEFORE
        for planned in self.planned:
            if planned[0] == current.function and planned[1] in (operation, ANY):
                self.planned.remove(planned)
                self._is_cut_off = current.function == self.cut_off
                return planned[2]
        return None

    def forget_planned(self) -> None:
        """Let no more planned faults happen."""
        self.planned.clear()
        self.cut_off, self._is_cut_off = None, False

    def _response(self, operation: str, body: bytes, sent: Json, fault: Fault | None) -> Answer:
        if fault in INSTEAD:
            return self._instead(operation, body, sent, fault)
        response = self._carried_out(operation, body, sent)
        if fault is Fault.TIMEOUT_AFTER:
            raise self._timed_out()
        return _error("InternalServerError", 500) if fault is Fault.ERROR_AFTER else response

    def _instead(self, operation: str, body: bytes, sent: Json, fault: Fault | None) -> Answer:
        """What happens instead of the request."""
        match fault:
            case Fault.THROTTLE:
                return _error("ProvisionedThroughputExceededException")
            case Fault.CONFLICT:
                return _conflict(operation, sent)
            case Fault.PARTIAL_BATCH:
                return OK, {"Responses": {}, "UnprocessedKeys": sent["RequestItems"]}
            case Fault.STALE_READ:
                return self._as_it_was(operation, sent)
            case Fault.CRASH_BEFORE:
                if invocation := self._invocations.current:
                    invocation.is_dead = True
                raise Crash
            case Fault.LATE_COMMIT:
                late = partial(self._late, operation, body, sent)
                author = self._invocations.author
                self._scheduler.start(lambda: self._invocations.on_behalf_of(author, late), self._rng.uniform(*LATE))
        raise self._timed_out()

    def _late(self, operation: str, body: bytes, sent: Json) -> None:
        before = self.commits
        self._carried_out(operation, body, sent)
        if self.commits > before:
            self.hit("an abandoned request changes something later")

    def _carried_out(self, operation: str, body: bytes, sent: Json) -> Answer:
        if operation not in WRITES:
            if sent.get("IndexName") in SPARSE and not self._has_index_items(sent):
                return OK, {"Items": [], "Count": 0, "ScannedCount": 0}
            answer = self._read(operation, sent)
            self.traced(operation, body, answer[1])
            return answer
        keys = _keys(operation, sent)
        if self._locked & keys:
            self.traced("conflict", body, b"")
            self.hit("a transaction meets another's lock")
            return _conflict(operation, sent)
        if operation == "TransactWriteItems":
            # Its items are locked between check and commit: another write of one of them conflicts.
            self._locked |= keys
            try:
                self._pause()
            finally:
                self._locked -= keys
        return self._written(operation, body, sent, keys)

    def _read(self, operation: str, sent: Json) -> Answer:
        """A read. A page of a query that asks for all ends after 1 MB in DynamoDB, here after a few items."""
        found = self._looked_up(operation, sent)
        if self.page and operation == "Scan":
            sent = {**sent, "Limit": self.page}
        status, found = (OK, found) if found is not None else _call(operation, sent)
        if self.page and operation == "Query" and "Limit" not in sent and "LastEvaluatedKey" in found:
            self.hit("a query has more than one page")
        return status, found

    def _looked_up(self, operation: str, sent: Json) -> Json | None:
        """The response to a read by keys alone, if it is one."""
        several = operation in ("Query", "BatchGetItem") and "IndexName" not in sent
        if self.half_read and several and self._rng_of_halves.random() < self.half_read:
            return self._in_two_halves(operation, sent)
        return self._at_once(operation, sent)

    def _in_two_halves(self, operation: str, sent: Json) -> Json | None:
        """The same, with what others do between two of its items: DynamoDB promises "read committed", no snapshot.

        A query reads in the order of its keys. A batch has no order.
        """
        if operation == "BatchGetItem":
            return self._batch_in_two_halves(sent["RequestItems"])
        whole = self._at_once(operation, sent)
        if whole is None or len(whole["Items"]) < 2:
            return whole
        read = whole["Items"][: self._rng_of_halves.randrange(1, len(whole["Items"]))]
        self._let_others_in()
        names = (engine._tables[sent["TableName"]]["pk_name"], "record")
        rest = {**sent, "ExclusiveStartKey": {name: read[-1][name] for name in names}}
        if "Limit" in sent:
            rest["Limit"] = sent["Limit"] - len(read)
        page = key_reads.query(*_stored(sent["TableName"]), rest, self.page and self.page - len(read))
        assert page is not None, "Bug! the first half had this form"
        count = len(read) + page["Count"]
        return {**page, "Items": [*read, *page["Items"]], "Count": count, "ScannedCount": count}

    def _batch_in_two_halves(self, tables: Json) -> Json | None:
        halves: tuple[Json, Json] = ({}, {})
        for table, asked in tables.items():
            keys: tuple[list[Json], list[Json]] = ([], [])
            for key in asked["Keys"]:
                keys[self._rng_of_halves.random() < 0.5].append(key)
            for half, some in zip(halves, keys, strict=True):
                half[table] = {**asked, "Keys": some}
        first = self._at_once("BatchGetItem", {"RequestItems": halves[0]})
        self._let_others_in()
        second = self._at_once("BatchGetItem", {"RequestItems": halves[1]})
        if first is None or second is None:
            return None
        found = {table: [*first["Responses"][table], *second["Responses"][table]] for table in tables}
        return {"Responses": found, "UnprocessedKeys": {}}

    def _let_others_in(self) -> None:
        before = self.commits
        self._scheduler.pause(self._rng_of_halves.uniform(SHORTEST, LONGEST))
        if self.commits > before:
            self.hit("a change comes while several items are read")

    def _at_once(self, operation: str, sent: Json) -> Json | None:
        match operation:
            case "Query":
                return key_reads.query(*_stored(sent["TableName"]), sent, self.page)
            case "GetItem":
                return key_reads.item(*_stored(sent["TableName"]), sent)
            case "BatchGetItem":
                return key_reads.batch({table: _stored(table) for table in sent["RequestItems"]}, sent)
        return None

    def _written(self, operation: str, body: bytes, sent: Json, keys: set[Key]) -> Answer:
        before = {key: dict(records) for key, records in self.items(self.orders).items()} if self.keeps_old else None
        status, content = answer = _call(operation, json.loads(body))
        self.traced(operation, body, json.dumps(content).encode())
        if status == OK:
            if before is not None:
                self._before = [*self._before[-3:], before]
            self.commits += 1
            self.written({(table, partition) for table, partition, _ in keys})
        return answer

    def _has_index_items(self, sent: Json) -> bool:
        """True if the requested shard of the index has an item; most often it has none."""
        key = SPARSE[sent["IndexName"]]
        [name] = re.findall(rf"{key} = (:\w+)", sent["KeyConditionExpression"])
        partition = sent["ExpressionAttributeValues"][name]
        return any(
            record.get(key) == partition
            for records in self.items(sent["TableName"]).values()
            for record in records.values()
        )

    def _as_it_was(self, operation: str, sent: Json) -> Answer:
        table = engine._tables[self.orders]
        now, table["items"] = table["items"], self._rng.choice(self._before or [table["items"]])
        members = table.pop(engine._INDEX_MEMBERS, None)
        try:
            return _call(operation, sent)
        finally:
            table["items"] = now
            table.pop(engine._INDEX_MEMBERS, None)
            if members is not None:
                table[engine._INDEX_MEMBERS] = members

    def _pause(self) -> None:
        self._scheduler.pause(self._rng.uniform(SHORTEST, LONGEST) / 2)

    def _timed_out(self) -> Exception:
        self._scheduler.pause(store_client.READ_TIMEOUT)
        return ReadTimeoutError(endpoint_url="https://dynamodb")


def _stored(table: str) -> tuple[str, dict[str, dict[str, Json]]]:
    """A table's partition key, and its items."""
    return engine._tables[table]["pk_name"], engine._tables[table]["items"]


def _call(operation: str, sent: Json) -> Answer:
    """Call the engine's function for the operation, as its own dispatcher would."""
    status, _, content = getattr(engine, ENGINE[operation])(sent)
    return status, json.loads(content)


def _keys(operation: str, sent: Json) -> set[Key]:
    """The items that a request writes or checks."""
    if operation == "TransactWriteItems":
        return {_key(part) for write in sent["TransactItems"] for part in write.values()}
    return {_key(sent)}


def _key(part: Json) -> Key:
    named, table = part.get("Key") or part["Item"], part["TableName"]
    return table, named[engine._tables[table]["pk_name"]]["S"], named["record"]["S"]


def _error(code: str, status: int = 400, **details: Any) -> Answer:
    return status, {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **details}


def _conflict(operation: str, sent: Json) -> Answer:
    if operation != "TransactWriteItems":
        return _error("TransactionConflictException")
    reasons = [{"Code": "None"} for _ in sent["TransactItems"]]
    reasons[-1] = {"Code": "TransactionConflict", "Message": "Transaction is ongoing for the item"}
    return _error("TransactionCanceledException", CancellationReasons=reasons)
