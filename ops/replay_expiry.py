"""`make replay-expiry FILE=…`: run a failed batch of expiries again. Exit 1 if any of its records fails once more.

The file is what Lambda (or the local stack) wrote when its retries were used up: a path, or s3://bucket/key. Records
that were done already change nothing.
"""

import argparse
import contextlib
import importlib.util
import json
import sys
import time
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

from local import ROOT
from local.aws.functions import LambdaContext
from ops import target
from ops.target import TargetError

FUNCTION = "expire_credits"
TIMEOUT = 60  # seconds, as in the template


@dataclass(frozen=True)
class Replay:
    """The records that were run again, and those that failed."""

    records: Sequence[Any]
    failed: Sequence[Any]


def read(file: str) -> dict[str, Any]:
    """The event that failed; raises TargetError."""
    parts = urlsplit(file)
    try:
        text = target.read_object(parts.netloc, parts.path[1:]) if parts.scheme == "s3" else Path(file).read_bytes()
        payload = json.loads(text)["payload"]
        event: dict[str, Any] = json.loads(payload) if isinstance(payload, str) else payload
        if not isinstance(event["Records"], list):
            raise TypeError
    except OSError as error:
        raise TargetError(f"{file}: {error.strerror}") from None
    except (ValueError, KeyError, TypeError):
        raise TargetError(f"{file} is no failed batch: it has no payload with Records") from None
    return event


def replay(event: dict[str, Any], stack: str | None, root: Path = ROOT) -> Replay:
    """Run the records again, over the local stack's tables or by the deployed function; raises TargetError."""
    if stack:
        answer = target.invoke_deployed(stack, "ExpireCreditsFunction", event)
    else:
        # What the function logs is no part of this command's answer.
        with target.tables(target.local_stack(root).environment), contextlib.redirect_stdout(sys.stderr):
            answer = _handler(root)(event, LambdaContext(FUNCTION, 0, time.monotonic() + TIMEOUT))
    failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    return Replay(event["Records"], [one for one in event["Records"] if one["dynamodb"]["SequenceNumber"] in failed])


def _handler(root: Path) -> Any:
    spec = importlib.util.spec_from_file_location(FUNCTION, root / "functions" / FUNCTION / "app.py")
    assert spec
    assert spec.loader
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module.handler


def main(arguments: list[str], root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="make replay-expiry", description="Runs a failed batch of expiries again.")
    parser.add_argument("file", help="a path, or s3://bucket/key")
    parser.add_argument("--stack", help="a deployed stack's name, instead of the local stack that runs")
    options = parser.parse_args(arguments)
    try:
        replayed = replay(read(options.file), options.stack, root)
    except TargetError as error:
        print(f"cannot replay: {error}", file=sys.stderr)
        return 2
    for record in replayed.failed:
        print(f"failed: {json.dumps(record['dynamodb']['Keys'], ensure_ascii=False)}")
    done = len(replayed.records) - len(replayed.failed)
    print(f"{len(replayed.records)} records: {done} done, {len(replayed.failed)} failed")
    return 1 if replayed.failed else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
