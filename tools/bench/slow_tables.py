"""The emulated tables, with DynamoDB's latencies in virtual time, its conflicts, and the units that it bills."""

import json
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from http import HTTPStatus
from typing import Any

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from ministack.services import dynamodb

from local.in_process import key_reads
from local.in_process.dynamodb import Emulator, a_response
from tools.bench.virtual_time import VirtualTime
from tools.generate.cost.metering import Call, CountingEngine, read_units
from topup.store import credit_items, hold_items

READ, TRANSACTION = 0.005, 0.012  # seconds
UNITS = 2  # of a write in a transaction; no item that is written here has a kilobyte
Key = tuple[str, str, str]  # table, user_id, record
WRITE = "TransactWriteItems"
# What changes read. All else is only written, and the emulator would look through it at each read.
READ_BY_CHANGES = (
    *(credit_items.LOT, credit_items.WALLET, credit_items.TIMER),
    *(hold_items.OPEN_HOLD, credit_items.PENDING),
)
LATEST = 1_000  # of what is only written stay so many: a spend that has waited in line looks for its receipt
QUERY = "Query"


class SlowTables(Emulator):
    """The tables; requests take effect halfway. A transaction locks its items from a quarter to three quarters."""

    def __init__(self, time: VirtualTime) -> None:
        self.engine = CountingEngine()
        super().__init__(self.engine)
        self.transactions = 0  # that were sent
        self.carried_out = 0
        self.lost_units = 0  # of those that were cancelled, as if they were billed in full
        self.units = Call("all")
        self._time = time
        self._locked: set[Key] = set()
        self._only_written: deque[Key] = deque()

    @contextmanager
    def acting_as(self, function: str) -> Iterator[None]:  # noqa: ARG002
        """Many functions act at once here; the tests check their policies."""
        yield

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        if not self._time.is_running:
            return self._respond(request)
        if _operation(request) == WRITE:
            return self._transact(request)
        self._time.sleep(READ / 2)
        response = self._counted(request)
        self._time.sleep(READ / 2)
        return response

    def _transact(self, request: AWSPreparedRequest) -> AWSResponse:
        writes = json.loads(_text(request.body))["TransactItems"]
        keys = {_key(write) for write in writes}
        self.transactions += 1
        self._time.sleep(TRANSACTION / 4)
        if self._locked & keys:
            self.lost_units += UNITS * len(writes)
            self._time.sleep(TRANSACTION * 3 / 4)
            return a_response(_conflict(len(writes)), 400)
        self._locked |= keys
        self._time.sleep(TRANSACTION / 2)
        response = self._counted(request)
        self._locked -= keys
        if response.status_code == HTTPStatus.OK:
            self.carried_out += 1
            self._forget(keys)
        else:
            self.lost_units += UNITS * len(writes)
        self._time.sleep(TRANSACTION / 4)
        return response

    def _counted(self, request: AWSPreparedRequest) -> AWSResponse:
        if _operation(request) == QUERY and (found := self._found(json.loads(_text(request.body)))):
            return found
        self.engine.current = self.units
        try:
            return self._respond(request)
        finally:
            self.engine.current = None

    def _found(self, sent: Any) -> AWSResponse | None:
        """What a query by keys finds; None where the emulator must answer, which looks at all that a user has."""
        table = dynamodb._tables[sent["TableName"]]  # noqa: SLF001
        found = key_reads.query(table["pk_name"], table["items"], sent)
        if found is None:
            return None
        self.units.reads += read_units(QUERY, sent, found)
        return a_response(found)

    def _forget(self, keys: set[Key]) -> None:
        self._only_written += sorted(key for key in keys if not key[2].startswith(READ_BY_CHANGES))
        while len(self._only_written) > LATEST:
            table, user_id, record = self._only_written.popleft()
            key = {"user_id": {"S": user_id}, "record": {"S": record}}
            body = json.dumps({"TableName": table, "Key": key}).encode()
            self.engine.respond("DynamoDB_20120810.DeleteItem", body)


def _key(write: dict[str, Any]) -> Key:
    [details] = write.values()
    item = details.get("Item") or details["Key"]
    return details["TableName"], item["user_id"]["S"], item["record"]["S"]


def _operation(request: AWSPreparedRequest) -> str:
    return _text(request.headers["X-Amz-Target"]).partition(".")[2]


def _text(value: Any) -> str:
    return value if isinstance(value, str) else str(value, "utf-8")


def _conflict(writes: int) -> dict[str, Any]:
    """Which of the items it is does not matter to the store."""
    reasons = [{"Code": "None"}] * (writes - 1) + [{"Code": "TransactionConflict"}]
    return {
        "__type": "com.amazonaws.dynamodb.v20120810#TransactionCanceledException",
        "message": "Transaction cancelled",
        "CancellationReasons": reasons,
    }
