"""The tables' streams as DynamoDB writes them, read and handed to the functions whose filters they pass.

TTL's deletions are not among them: the emulator does not mark them, and `ttl` plays them.
"""

import asyncio
from pathlib import Path
from typing import TYPE_CHECKING, Any

from anyio import to_thread

from local.aws.project import Runtime
from local.aws.stream_reader import Record, StreamReader
from local.aws.streams import Streams
from local.aws.template import Table, TemplateError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

INTERVAL = 0.5  # seconds between two reads


class Changes:
    """`async with Changes(runtime, folder):` reads and delivers until the block ends."""

    def __init__(self, runtime: Runtime, failures: Path) -> None:
        """failures: the folder that stands for the S3 bucket of the on-failure destination."""
        self._runtime = runtime
        self._streams = Streams(runtime, failures)
        self._readers: dict[str, StreamReader] = {}  # by the table's name: the stack may take over others

    async def __aenter__(self) -> "Changes":
        await self._streams.__aenter__()
        self._running = asyncio.create_task(self._run())
        return self

    async def __aexit__(self, *_: object) -> None:
        self._running.cancel()
        await asyncio.gather(self._running, return_exceptions=True)
        await self._streams.__aexit__()

    async def _run(self) -> None:
        while True:
            try:
                await self._read()
            except TemplateError:
                pass  # the console shows the reason
            except Exception as error:  # the next read may succeed
                self._runtime.console.line(f"  streams: {type(error).__name__}: {error}")
            await asyncio.sleep(INTERVAL)

    async def _read(self) -> None:
        template = self._runtime.project.template()
        for table in template.tables:
            mappings = [mapping for mapping in template.streams if mapping.table == table.logical_id]
            if not mappings:
                continue
            records = await to_thread.run_sync(self._new_records, table, abandon_on_cancel=True)
            if records:
                await self._streams.hand_over(records, mappings)

    def _new_records(self, table: Table) -> list[Record]:
        if table.name not in self._readers:
            self._readers[table.name] = _reader(table.name)
        records = self._readers[table.name].read()
        for record in records:  # by the stack's clock, not this machine's
            record["dynamodb"]["ApproximateCreationDateTime"] = int(self._runtime.clock.now().timestamp())
        return records


def _reader(table: str) -> StreamReader:
    """Made on first use, when the environment has the emulator's address."""
    import boto3  # noqa: PLC0415 - takes 0.3 s, and the start does not need it

    dynamodb: DynamoDBClient = boto3.client("dynamodb")
    arn = dynamodb.describe_table(TableName=table)["Table"]["LatestStreamArn"]
    streams: Any = boto3.client("dynamodbstreams")
    return StreamReader(streams, arn)
