"""TTL and its delays, and the stream from its deletions to expire_credits: lost, late or duplicated records."""

import random
from collections import deque
from typing import Any

from local.aws.stream_records import Stream
from local.in_process.api import template
from tests.simulation import faults
from tests.simulation.clients import Clients
from tests.simulation.database import Database
from tests.simulation.faults import Fault, Faults
from tests.simulation.scheduler import Scheduler
from topup.store import credit_items

TTL_LATENESS = (60.0, 4 * 86400.0)  # seconds; DynamoDB promises "within a few days"
DELAY = (0.02, 0.5)
LONG_DELAY = (60.0, 20 * 3600.0)  # a stream keeps its records for a day
BATCH = 10
MOST_TRIES = 3  # then the record goes to the on-failure destination, and the sweep expires the lot


def _nothing(_name: str) -> None:
    """Replaced by the world."""


class Expiries:
    """Deletes timers when they are due, and delivers their stream records."""

    def __init__(
        self, scheduler: Scheduler, database: Database, clients: Clients, injected: Faults, rng: random.Random
    ) -> None:
        self._scheduler, self._database, self._clients = scheduler, database, clients
        self._faults, self._rng = injected, rng
        table = next(table for table in template().tables if table.logical_id == "CreditsTable")
        self._stream = Stream.of(table, scheduler.now)
        self._watched: set[tuple[str, str]] = set()
        self._queue: deque[tuple[Any, int]] = deque()
        self.hit = _nothing

    def written(self, touched: set[tuple[str, str]]) -> None:
        """Note the timers that a commit has set."""
        for table, user_id in sorted(touched):
            if table != self._database.credits:
                continue
            for record, item in self._database.items(table).get(user_id, {}).items():
                if credit_items.TTL_ATTRIBUTE in item and (user_id, record) not in self._watched:
                    self._watch(user_id, record, int(item[credit_items.TTL_ATTRIBUTE]["N"]))

    def _watch(self, user_id: str, record: str, due: int) -> None:
        self._watched.add((user_id, record))
        late = self._rng.uniform(*TTL_LATENESS) if self._faults.occurs(Fault.TTL_LATE) else 0.0
        self._scheduler.start(lambda: self._fire(user_id, record), max(0.0, due - self._scheduler.seconds) + late)

    def _fire(self, user_id: str, record: str) -> None:
        self._watched.discard((user_id, record))
        item = self._database.items(self._database.credits).get(user_id, {}).get(record)
        if item is None:
            return
        due = int(item[credit_items.TTL_ATTRIBUTE]["N"])
        if due > round(self._scheduler.seconds, 3):  # a float of today has no exact microseconds
            self._watch(user_id, record, due)  # the hold has been extended since
            return
        self._database.delete(self._database.credits, user_id, record)
        if not record.startswith(credit_items.TIMER):
            return  # a request marker: the filter drops its deletion
        removal = self._stream.removal(item, self._scheduler.now)
        match self._faults.of(faults.OF_A_RECORD):
            case Fault.RECORD_LOST:
                return
            case Fault.RECORD_DELAYED:
                self._arrive(removal, self._rng.uniform(*LONG_DELAY))
            case Fault.RECORD_DUPLICATED:
                self._arrive(removal, self._rng.uniform(*DELAY))
                self._arrive(removal, self._rng.uniform(*DELAY))
            case _:
                self._arrive(removal, self._rng.uniform(*DELAY))

    def _arrive(self, removal: Any, after: float, tried: int = 0) -> None:
        def consume() -> None:
            self._queue.append((removal, tried))
            self._consume()

        self._scheduler.start(consume, after)

    def _consume(self) -> None:
        batch = [self._queue.popleft() for _ in range(min(BATCH, len(self._queue)))]
        users = {removal["dynamodb"]["Keys"]["user_id"]["S"] for removal, _ in batch}
        about = {"user": users.pop() if len(users) == 1 else None}
        records = [removal for removal, _ in batch]
        response = self._clients.invoke("expire_credits", {"Records": records}, timeout=60.0, **about)
        failed = None if response is None else {one["itemIdentifier"] for one in response["batchItemFailures"]}
        for removal, tried in batch:
            if failed is None or removal["dynamodb"]["SequenceNumber"] in failed:
                if tried + 1 < MOST_TRIES:
                    self._arrive(removal, self._rng.uniform(0.5, 2.0), tried + 1)
                else:
                    self.hit("a stream record is given up after its retries")
