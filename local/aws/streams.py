"""The tables' streams: the records of deletions on their way to the functions that the template maps them to."""

import asyncio
import json
import time
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any, cast
from zlib import crc32

import anyio.to_thread

from local.aws import stream_delivery
from local.aws.functions import LambdaContext
from local.aws.project import Runtime
from local.aws.stream_delivery import Rules
from local.aws.stream_records import Record, Stream, failed_batch, partition_of
from local.aws.template import StreamMapping, Table

Pattern = Mapping[str, Any]
Lane = asyncio.Queue[tuple[StreamMapping, Record]]


@dataclass
class Figures:
    """Records since the start: on their way, done, and given up."""

    waiting: int = 0
    delivered: int = 0
    given_up: int = 0


class Streams:
    """`async with Streams(runtime, folder):` delivers what is published until the block ends."""

    def __init__(self, runtime: Runtime, failures: Path) -> None:
        """failures: the folder that stands for the S3 bucket of the on-failure destination."""
        self._runtime = runtime
        self._failures = failures
        self._streams: dict[str, Stream] = {}
        self._lanes: dict[tuple[str, int], Lane] = {}
        self._serving: set[asyncio.Task[None]] = set()
        self.figures = Figures()

    async def __aenter__(self) -> "Streams":
        return self

    async def __aexit__(self, *_: object) -> None:
        for task in self._serving:
            task.cancel()
        await asyncio.gather(*self._serving, return_exceptions=True)

    async def publish(self, table: Table, items: Sequence[dict[str, Any]], mappings: Sequence[StreamMapping]) -> None:
        """Send the records of items that TTL deleted to the functions whose filters they pass."""
        now = self._runtime.clock.now()
        stream = self._streams.setdefault(table.logical_id, Stream.of(table, now))
        records = [stream.removal(item, now) for item in items]
        for mapping in mappings:
            # In a thread: the first call imports moto, which takes half a second.
            for record in await anyio.to_thread.run_sync(_passing, mapping.filters, records):
                self.figures.waiting += 1
                self._lane(mapping, record).put_nowait((mapping, record))

    def _lane(self, mapping: StreamMapping, record: Record) -> Lane:
        """Records of one partition key stay in one lane, and so in their order."""
        number = crc32(partition_of(record).encode()) % Rules.of(mapping.properties).lanes
        name = (mapping.function.logical_id, number)
        if name not in self._lanes:
            self._lanes[name] = asyncio.Queue()
            self._serving.add(asyncio.create_task(self._serve(self._lanes[name])))
        return self._lanes[name]

    async def _serve(self, lane: Lane) -> None:
        while True:
            mapping, record = await lane.get()
            rules = Rules.of(mapping.properties)
            batch = [record, *_more(lane, rules.batch_size - 1)]
            lost = 0

            def give_up(records: Sequence[Record], calls: int, mapping: StreamMapping = mapping) -> None:
                nonlocal lost
                lost += len(records)
                self._keep(mapping, records, calls)

            await stream_delivery.deliver(batch, rules, partial(self._invoke, mapping), give_up)
            self.figures.waiting -= len(batch)
            self.figures.delivered += len(batch) - lost
            self.figures.given_up += lost

    async def _invoke(self, mapping: StreamMapping, event: dict[str, Any]) -> Any:
        began = time.perf_counter()
        try:
            return await self._runtime.functions.invoke(mapping.function, event)
        finally:
            took = (time.perf_counter() - began) * 1000
            name, count = mapping.function.name, len(event["Records"])
            self._runtime.console.line(f"{'stream':<10} {name} {count} records {took:.0f} ms")

    def _keep(self, mapping: StreamMapping, records: Sequence[Record], calls: int) -> None:
        """Write what Lambda would send to the on-failure destination."""
        now = self._runtime.clock.now()
        arn = LambdaContext(mapping.function.name, 0, 0).invoked_function_arn
        document = failed_batch(records, function_arn=arn, calls=calls, now=now)
        self._failures.mkdir(parents=True, exist_ok=True)
        path = self._failures / f"{now:%Y-%m-%dT%H.%M.%S}-{uuid.uuid4()}.json"
        path.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
        self._runtime.console.line(
            f"  {mapping.function.name}: gave up {len(records)} records after {calls} calls; they are in {path}"
        )


def _passing(filters: Sequence[Pattern], records: Sequence[Record]) -> list[Record]:
    return [record for record in records if passes(filters, record)]


def passes(filters: Sequence[Pattern], record: Record) -> bool:
    """Whether the record matches one of the EventBridge patterns; without filters, every record passes."""
    from moto.events.models import EventPattern  # noqa: PLC0415 - half a second that no start has to wait for

    matches = (EventPattern(None, dict(pattern)).matches_event(cast("Any", record)) for pattern in filters)
    return not filters or any(matches)


def _more(lane: Lane, most: int) -> Iterator[Record]:
    """What is waiting already: nothing here waits for a batch to fill up."""
    while most > 0 and not lane.empty():
        yield lane.get_nowait()[1]
        most -= 1
