"""`replay-expiry` and `replay-events`: run a failed batch of stream records again.

The file is what Lambda (or the local stack) wrote after its last retry: a path, or s3://bucket/key.
"""

import contextlib
import importlib.util
import json
import sys
import time
from argparse import Namespace
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local import ROOT
from local.aws.functions import LambdaContext
from ops import target
from ops.errors import CannotRunError

TIMEOUT = 60  # seconds, as in the template


@dataclass(frozen=True)
class Consumer:
    """A function on a stream: its folder, and its name in the template."""

    name: str
    logical_id: str


CONSUMERS = {
    "replay-expiry": Consumer("expire_credits", "ExpireCreditsFunction"),
    "replay-events": Consumer("publish_events", "PublishEventsFunction"),
}


@dataclass(frozen=True)
class Replay:
    """The records that were run again, and those of them that failed."""

    records: Sequence[Any]
    failed: Sequence[Any]


def run(options: Namespace) -> int:
    if not options.file:
        raise CannotRunError("FILE is missing (make: FILE=): name the failed batch, a path or s3://BUCKET/KEY")
    consumer = CONSUMERS[options.command]
    replayed = replay(consumer, read(options.file, consumer), options.stack, options.root)
    for record in replayed.failed:
        print(f"failed: {json.dumps(record['dynamodb']['Keys'], ensure_ascii=False)}")
    done = len(replayed.records) - len(replayed.failed)
    print(f"{len(replayed.records)} records: {done} done, {len(replayed.failed)} failed")
    return 1 if replayed.failed else 0


def read(file: str, consumer: Consumer) -> dict[str, Any]:
    """The event that failed; raises CannotRunError, also where it is another function's."""
    parts = urlsplit(file)
    try:
        text = target.read_object(parts.netloc, parts.path[1:]) if parts.scheme == "s3" else Path(file).read_bytes()
        document = json.loads(text)
        _check_whose(document.get("requestContext", {}).get("functionArn", ""), consumer, file)
        payload = document["payload"]
        event: dict[str, Any] = json.loads(payload) if isinstance(payload, str) else payload
        if not isinstance(event["Records"], list):
            raise TypeError
    except OSError as error:
        raise CannotRunError(f"{file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError, AttributeError):
        raise CannotRunError(f"{file} is not a failed batch: it has no payload with Records") from None
    return event


def _check_whose(function_arn: str, consumer: Consumer, file: str) -> None:
    """All functions' batches are in one bucket, and another function would do nothing with these records."""
    for command, one in CONSUMERS.items():
        if one != consumer and (one.name in function_arn or one.logical_id in function_arn):
            raise CannotRunError(f"{file} is a batch of {one.name}: run {command}")


def replay(consumer: Consumer, event: dict[str, Any], stack: str | None, root: Path = ROOT) -> Replay:
    """Run the records again: here on the local stack's tables, or by the deployed function; raises CannotRunError."""
    if stack:
        response = target.invoke_deployed(stack, consumer.logical_id, event)
    else:
        # The function's log goes to stderr, so that stdout holds the command's own result alone.
        with target.tables(target.local_stack(root).environment), contextlib.redirect_stdout(sys.stderr):
            context = LambdaContext(consumer.name, 0, time.monotonic() + TIMEOUT)
            response = _handler(consumer.name, root)(event, context)
    failed = {failure["itemIdentifier"] for failure in response["batchItemFailures"]}
    return Replay(event["Records"], [one for one in event["Records"] if one["dynamodb"]["SequenceNumber"] in failed])


def _handler(function: str, root: Path) -> Any:
    spec = importlib.util.spec_from_file_location(function, root / "functions" / function / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.handler
