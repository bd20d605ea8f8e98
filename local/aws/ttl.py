"""DynamoDB's TTL, played: deletes what is due by the stack's clock, and lets the streams tell of it.

DynamoDB itself is late by up to days; here it takes half a second, and no time at all when the clock was moved.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any, TypeVar

import anyio.to_thread

from local.aws.project import Runtime
from local.aws.stream_records import key_names
from local.aws.streams import Streams
from local.aws.template import StreamMapping, Table, TemplateError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

T = TypeVar("T")
Key = Mapping[str, Any]

INTERVAL = 0.5  # seconds between two looks
RESTS = 4  # times as long as a look took, so that a table of many items does not starve the handlers
IS_DUE = "#ttl <= :now"  # an item whose attribute is no number is never due
CHUNK = 100  # deletions, after which their records go on their way


@dataclass
class Switches:
    """`paused`: nothing is deleted. `drop`: timers are deleted and their records lost, as after a day of downtime."""

    paused: bool = False
    drop: bool = False


class Reaper:
    """`async with Reaper(runtime, folder):` deletes and streams until the block ends."""

    def __init__(self, runtime: Runtime, failures: Path) -> None:
        """failures: the folder that stands for the S3 bucket of the on-failure destination."""
        self._runtime = runtime
        self._streams = Streams(runtime, failures)
        self._wake = asyncio.Event()
        self._client: DynamoDBClient | None = None
        self._deleted = 0
        self._dropped = 0
        self._scans = 0
        self.switches = Switches()

    async def __aenter__(self) -> "Reaper":
        self._forget = self._runtime.clock.on_move(self._wake.set)
        await self._streams.__aenter__()
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._forget()
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self._streams.__aexit__()

    def state(self) -> dict[str, Any]:
        """The switches, and how many scans, deletions and records there were since the start."""
        done = {"scans": self._scans, "deleted": self._deleted, "dropped": self._dropped}
        return asdict(self.switches) | done | asdict(self._streams.stats)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            began = time.monotonic()
            try:
                await self._look()
            except Exception as error:  # the next look may find the emulator, or the template, in a better state
                self._runtime.console.line(f"  reaper: {type(error).__name__}: {error}")
            self._scans += 1
            try:
                await asyncio.wait_for(self._wake.wait(), max(INTERVAL, RESTS * (time.monotonic() - began)))
            except TimeoutError:
                continue

    async def _look(self) -> None:
        try:
            template = self._runtime.project.template()
        except TemplateError:  # the console has the reason
            return
        for table in template.tables:
            if table.ttl_attribute and not self.switches.paused:
                await self._reap(table, [mapping for mapping in template.streams if mapping.table == table.logical_id])

    async def _reap(self, table: Table, mappings: Sequence[StreamMapping]) -> None:
        now = self._runtime.clock.now()
        client = await _in_a_thread(partial(self._dynamodb))
        keys = await _in_a_thread(partial(due, client, table, now))
        for start in range(0, len(keys), CHUNK):
            if self.switches.paused:
                return
            items = await _in_a_thread(partial(delete, client, table, keys[start : start + CHUNK], now))
            self._deleted += len(items)
            if self.switches.drop:
                self._dropped += len(items)
            else:
                await self._streams.publish(table, items, mappings)

    def _dynamodb(self) -> "DynamoDBClient":
        """Made on first use: by then the environment says where the emulator is."""
        if self._client is None:
            import boto3  # noqa: PLC0415 - a third of a second that the start has no need of

            self._client = boto3.client("dynamodb")
        return self._client


async def _in_a_thread(work: "partial[T]") -> T:
    return await anyio.to_thread.run_sync(work, abandon_on_cancel=True)


def due(client: "DynamoDBClient", table: Table, now: datetime) -> list[Key]:
    """The keys of all items whose time has come."""
    names = {f"#key{place}": name for place, name in enumerate(key_names(table))}
    pages = client.get_paginator("scan").paginate(
        TableName=table.name,
        FilterExpression=IS_DUE,
        ProjectionExpression=", ".join(names),
        ExpressionAttributeNames={"#ttl": str(table.ttl_attribute), **names},
        ExpressionAttributeValues=_at(now),
    )
    return [item for page in pages for item in page["Items"]]


def delete(client: "DynamoDBClient", table: Table, keys: Sequence[Key], now: datetime) -> list[dict[str, Any]]:
    """Delete those that are still due, and return them; one that has got a later time since it was found stays."""
    deleted = []
    for key in keys:
        try:
            answer = client.delete_item(
                TableName=table.name,
                Key=key,
                ConditionExpression=IS_DUE,
                ExpressionAttributeNames={"#ttl": str(table.ttl_attribute)},
                ExpressionAttributeValues=_at(now),
                ReturnValues="ALL_OLD",
            )
        except client.exceptions.ConditionalCheckFailedException:
            continue
        deleted.append(dict(answer["Attributes"]))
    return deleted


def _at(now: datetime) -> dict[str, Any]:
    return {":now": {"N": str(int(now.timestamp()))}}
