"""DynamoDB's TTL: delete the items that are due by the stack's clock, and publish the deletions to the streams.

DynamoDB may be days late. The reaper takes half a second, and scans at once when the clock is moved.
"""

import asyncio
import time
from collections.abc import Mapping, Sequence
from dataclasses import asdict, dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from local.aws.project import Runtime
from local.aws.stream_records import key_names
from local.aws.streams import Streams
from local.aws.template import StreamMapping, Table, TemplateError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

Key = Mapping[str, Any]

INTERVAL = 0.5  # seconds between two scans
REST = 4  # the pause after a scan is at least this many times as long as the scan, so that handlers get their turn
IS_DUE = "#ttl <= :now"  # never true of an attribute that is not a number
CHUNK = 100  # deletions before their records are published


@dataclass
class Switches:
    """`paused`: nothing is deleted. `drop`: items are deleted and their records lost, as after a day of downtime."""

    paused: bool = False
    drop: bool = False


class Reaper:
    """`async with Reaper(runtime, folder):` deletes and publishes until the block ends."""

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
        self._stop_listening = self._runtime.clock.on_move(self._wake.set)
        await self._streams.__aenter__()
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._stop_listening()
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self._streams.__aexit__()

    def state(self) -> dict[str, Any]:
        """The switches, and the numbers of scans, deletions and records since the start."""
        counts = {"scans": self._scans, "deleted": self._deleted, "dropped": self._dropped}
        return asdict(self.switches) | counts | asdict(self._streams.stats)

    async def _run(self) -> None:
        while True:
            self._wake.clear()
            began = time.monotonic()
            try:
                await self._scan()
            except Exception as error:  # the next scan may succeed
                self._runtime.console.line(f"  reaper: {type(error).__name__}: {error}")
            self._scans += 1
            try:
                await asyncio.wait_for(self._wake.wait(), max(INTERVAL, REST * (time.monotonic() - began)))
            except TimeoutError:
                continue

    async def _scan(self) -> None:
        try:
            template = self._runtime.project.template()
        except TemplateError:  # the console shows the reason
            return
        for table in template.tables:
            if table.ttl_attribute and not self.switches.paused:
                await self._reap(table, [mapping for mapping in template.streams if mapping.table == table.logical_id])

    async def _reap(self, table: Table, mappings: Sequence[StreamMapping]) -> None:
        now = self._runtime.clock.now()
        client = await to_thread.run_sync(self._dynamodb, abandon_on_cancel=True)
        keys = await to_thread.run_sync(due, client, table, now, abandon_on_cancel=True)
        for start in range(0, len(keys), CHUNK):
            if self.switches.paused:
                return
            chunk = keys[start : start + CHUNK]
            items = await to_thread.run_sync(delete, client, table, chunk, now, abandon_on_cancel=True)
            self._deleted += len(items)
            if self.switches.drop:
                self._dropped += len(items)
            else:
                await self._streams.publish(table, items, mappings)

    def _dynamodb(self) -> "DynamoDBClient":
        """Made on first use, when the environment has the emulator's address."""
        if self._client is None:
            import boto3  # noqa: PLC0415 - takes 0.3 s, and the start does not need it

            self._client = boto3.client("dynamodb")
        return self._client


def due(client: "DynamoDBClient", table: Table, now: datetime) -> list[Key]:
    """The keys of all items that are due."""
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
    """Delete and return the items that are still due; one whose time was moved since the scan stays."""
    deleted = []
    for key in keys:
        try:
            response = client.delete_item(
                TableName=table.name,
                Key=key,
                ConditionExpression=IS_DUE,
                ExpressionAttributeNames={"#ttl": str(table.ttl_attribute)},
                ExpressionAttributeValues=_at(now),
                ReturnValues="ALL_OLD",
            )
        except client.exceptions.ConditionalCheckFailedException:
            continue
        deleted.append(dict(response["Attributes"]))
    return deleted


def _at(now: datetime) -> dict[str, Any]:
    return {":now": {"N": str(int(now.timestamp()))}}
