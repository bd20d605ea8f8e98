"""DynamoDB for the local stack: the emulator's process and the template's tables in it."""

import contextlib
import os
import socket
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import IO, TYPE_CHECKING

from local.aws.template import Table, TemplateError

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

START_TIMEOUT = 60.0  # seconds; it takes 0.3 on an idle machine
STOP_TIMEOUT = 1.0


class DynamoDBError(Exception):
    """The emulator does not start."""


@dataclass(frozen=True)
class Emulator:
    port: int
    process: subprocess.Popen[bytes]
    output: IO[bytes]

    @property
    def url(self) -> str:
        return f"http://127.0.0.1:{self.port}"


@contextlib.contextmanager
def start() -> Iterator[Emulator]:
    """Start the process without waiting for it (see `wait`); it ends with the block."""
    with tempfile.TemporaryFile() as output:
        port = _free_port()
        process = subprocess.Popen(
            [sys.executable, "-m", "local.aws.dynamodb_process"],
            cwd=Path(__file__).parents[2],
            env=_environment(port),
            stdin=subprocess.PIPE,
            stdout=output,
            stderr=subprocess.STDOUT,
            start_new_session=True,  # Ctrl-C must not end it before the last handler has finished
        )
        try:
            yield Emulator(port, process, output)
        finally:
            _stop(process)


def _environment(port: int) -> dict[str, str]:
    own = {
        "BIND_HOST": "127.0.0.1",
        "GATEWAY_PORT": str(port),
        "SERVICES": "dynamodb,dynamodbstreams",
        "IOT_MTLS_ENABLED": "0",
        "SFTP_ENABLED": "0",
        "LOG_LEVEL": "WARNING",
    }
    return {**os.environ, **own}


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port: int = probe.getsockname()[1]
        return port


def wait(emulator: Emulator) -> None:
    """Wait until the emulator accepts connections. Raises DynamoDBError."""
    deadline = time.monotonic() + START_TIMEOUT
    while time.monotonic() < deadline:
        if emulator.process.poll() is not None:
            break
        with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", emulator.port), timeout=1):
            return
        time.sleep(0.01)
    emulator.output.seek(0)
    last_lines = emulator.output.read().decode("utf-8", "replace").strip().splitlines()[-3:]
    raise DynamoDBError("the DynamoDB emulator does not start: " + " / ".join(last_lines))


def _stop(process: subprocess.Popen[bytes]) -> None:
    """Its data ends with the stack, so it may be killed."""
    assert process.stdin is not None
    process.stdin.close()
    try:
        process.wait(STOP_TIMEOUT)
    except subprocess.TimeoutExpired:
        process.kill()
        process.wait()


def create_tables(tables: Iterable[Table]) -> None:
    """Create the tables that do not exist yet; called again when the template has changed.

    Raises TemplateError for a table that DynamoDB refuses, or that should exist already.
    """
    import boto3  # noqa: PLC0415 - takes 0.3 s, while the emulator starts
    from botocore.exceptions import BotoCoreError, ClientError  # noqa: PLC0415

    client = boto3.client("dynamodb")
    existing = client.list_tables()["TableNames"]
    for table in tables:
        if table.name in existing:
            continue
        if table.is_given:
            raise TemplateError(f"{table.logical_id}: there is no table {table.name}")
        try:
            _create(client, table)
        except (BotoCoreError, ClientError) as error:
            raise TemplateError(f"{table.logical_id}: {error}") from error


def _create(client: "DynamoDBClient", table: Table) -> None:
    client.create_table(TableName=table.name, **table.definition)
    if table.ttl_attribute:
        client.update_time_to_live(
            TableName=table.name, TimeToLiveSpecification={"Enabled": True, "AttributeName": table.ttl_attribute}
        )
