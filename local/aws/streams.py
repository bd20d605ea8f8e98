"""The tables' streams, delivered to the functions as Lambda's event source mappings do: filter, batch, retry, give up.

Simpler than Lambda: one batch at a time, never split, and only the records that failed are retried. Lambda sends every
record from the first failure on again, so a function must expect records that it has handled.
Rules: AWS Lambda, "Configuring partial batch response with DynamoDB and Lambda" and "Retain discarded records".
"""

import asyncio
import json
import time
import uuid
from collections.abc import Awaitable, Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast

from anyio import to_thread

from local.aws.functions import FunctionError, LambdaContext, PayloadTooLargeError
from local.aws.project import Runtime
from local.aws.stream_records import Record, Stream, failed_batch, sequence_number
from local.aws.template import StreamMapping, Table

Pattern = Mapping[str, Any]
Queue = asyncio.Queue[tuple[StreamMapping, Record]]

FIRST_PAUSE = 0.2  # seconds before the first retry; each further pause is twice as long
LONGEST_PAUSE = 1.0
DEFAULT_BATCH_SIZE = 100  # Lambda's defaults
UNLIMITED_RETRIES = -1


@dataclass
class Stats:
    """Records since the start: not done yet, delivered, and given up."""

    waiting: int = 0
    delivered: int = 0
    given_up: int = 0


class Streams:
    """`async with Streams(runtime, folder):` delivers what is published until the block ends."""

    def __init__(self, runtime: Runtime, failures: Path) -> None:
        """failures: the folder that stands for the S3 bucket of the on-failure destination."""
        self._runtime = runtime
        self._failures = failures
        self._streams: dict[str, Stream] = {}  # by the table's name
        self._queues: dict[tuple[str, str], Queue] = {}  # by function and table
        self._consumers: list[asyncio.Task[None]] = []
        self.stats = Stats()

    async def __aenter__(self) -> "Streams":
        return self

    async def __aexit__(self, *_: object) -> None:
        for consumer in self._consumers:
            consumer.cancel()
        await asyncio.gather(*self._consumers, return_exceptions=True)

    async def publish(self, table: Table, items: Sequence[dict[str, Any]], mappings: Sequence[StreamMapping]) -> None:
        """Send the records of items that TTL deleted to the functions whose filters they pass."""
        now = self._runtime.clock.now()
        stream = self._streams.setdefault(table.name, Stream.of(table, now))
        await self.hand_over([stream.removal(item, now) for item in items], mappings)

    async def hand_over(self, records: Sequence[Record], mappings: Sequence[StreamMapping]) -> None:
        """Send records of one table's stream to the functions whose filters they pass."""
        for mapping in mappings:
            # In a thread: the first call imports moto, which takes half a second.
            passing = await to_thread.run_sync(_passing, mapping.filters, records)
            self.stats.waiting += len(passing)
            for record in passing:
                self._queue(mapping).put_nowait((mapping, record))

    def _queue(self, mapping: StreamMapping) -> Queue:
        name = (mapping.function.logical_id, mapping.table)
        if name not in self._queues:
            self._queues[name] = asyncio.Queue()
            self._consumers.append(asyncio.create_task(self._consume(self._queues[name])))
        return self._queues[name]

    async def _consume(self, queue: Queue) -> None:
        while True:
            mapping, record = await queue.get()
            size = int(mapping.properties.get("BatchSize", DEFAULT_BATCH_SIZE))
            batch = [record, *_more(queue, size - 1)]
            failed, calls = await deliver(batch, mapping.properties, partial(self._invoke, mapping))
            if failed:
                self._keep(mapping, failed, calls)
            self.stats.waiting -= len(batch)
            self.stats.delivered += len(batch) - len(failed)
            self.stats.given_up += len(failed)

    async def _invoke(self, mapping: StreamMapping, event: dict[str, Any]) -> Any:
        began = time.perf_counter()
        try:
            return await self._runtime.functions.invoke(mapping.function, event)
        finally:
            took = (time.perf_counter() - began) * 1000
            name, count = mapping.function.name, len(event["Records"])
            self._runtime.console.line(f"{'stream':<10} {name}, records: {count}, {took:.0f} ms")

    def _keep(self, mapping: StreamMapping, records: Sequence[Record], calls: int) -> None:
        """Write what Lambda would send to the on-failure destination."""
        now = self._runtime.clock.now()
        arn = LambdaContext(mapping.function.name, 0, 0).invoked_function_arn
        document = failed_batch(records, function_arn=arn, calls=calls, now=now)
        self._failures.mkdir(parents=True, exist_ok=True)
        path = self._failures / f"{now:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}.json"
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        name = mapping.function.name
        self._runtime.console.line(f"  {name}: gave up after {calls} calls, records: {len(records)}, kept in {path}")


def _passing(filters: Sequence[Pattern], records: Sequence[Record]) -> list[Record]:
    return [record for record in records if passes(filters, record)]


def passes(filters: Sequence[Pattern], record: Record) -> bool:
    """Whether the record matches one of the EventBridge patterns; without filters, every record passes."""
    from moto.events.models import EventPattern  # noqa: PLC0415 - half a second that no start has to wait for

    matches = (EventPattern(None, dict(pattern)).matches_event(cast("Any", record)) for pattern in filters)
    return not filters or any(matches)


def _more(queue: Queue, most: int) -> Iterator[Record]:
    """Records that are waiting already; the local stack does not wait for a batch to fill up."""
    while most > 0 and not queue.empty():
        yield queue.get_nowait()[1]
        most -= 1


async def deliver(
    records: Sequence[Record],
    properties: Mapping[str, Any],
    invoke: Callable[[dict[str, Any]], Awaitable[Any]],
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> tuple[Sequence[Record], int]:
    """Invoke the function until no record fails or the mapping's retries are used up.

    Returns the records that still fail, and the number of calls.
    """
    retries = int(properties.get("MaximumRetryAttempts", UNLIMITED_RETRIES))
    reports_failures = "ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ())
    calls, seconds = 0, FIRST_PAUSE
    while True:
        calls += 1
        try:
            response = await invoke({"Records": list(records)})
        except (FunctionError, PayloadTooLargeError):
            pass  # all of them failed
        else:
            records = failed_records(response, records) if reports_failures else ()
        if not records or calls > retries != UNLIMITED_RETRIES:
            return records, calls
        await pause(seconds)
        seconds = min(LONGEST_PAUSE, 2 * seconds)


def failed_records(response: Any, records: Sequence[Record]) -> Sequence[Record]:
    """The records that a partial batch response reports; all of them after a response that Lambda cannot read."""
    if not response or (isinstance(response, dict) and not response.get("batchItemFailures")):
        return ()
    try:
        failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
    except (KeyError, TypeError):
        return records
    if not failed <= {sequence_number(record) for record in records}:
        return records
    return [record for record in records if sequence_number(record) in failed]
