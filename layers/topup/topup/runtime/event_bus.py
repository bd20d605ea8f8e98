"""Put events on the stack's EventBridge bus."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

from botocore.config import Config
from botocore.exceptions import BotoCoreError, ClientError

from topup.domain.errors import Busy
from topup.runtime import aws, config, deadline, failures
from topup.runtime.telemetry import logger

SOURCE = "topup"
# EventBridge takes ten events, and 256 KB, in one request; one of ours has at most 15 KB.
MOST_ENTRIES = 10

# Seconds and tries.
CONNECT_TIMEOUT = 1
READ_TIMEOUT = 2
ATTEMPTS = 2
LONGEST_PAUSE = 1  # between the two tries: the SDK's own, a random part of it
LONGEST_REQUEST = ATTEMPTS * (CONNECT_TIMEOUT + READ_TIMEOUT) + LONGEST_PAUSE


@dataclass(frozen=True)
class Message:
    """An event as the bus takes it; `detail` is JSON."""

    event_type: str
    occurred_at: datetime
    detail: str


def put(messages: Sequence[Message]) -> list[bool]:
    """Whether the bus has taken each of the messages; one that it has not may be put again.

    Where the bus does not answer, the rest is not tried: it would not answer that either.
    """
    taken: list[bool] = []
    for first in range(0, len(messages), MOST_ENTRIES):
        entries = [_entry(message) for message in messages[first : first + MOST_ENTRIES]]
        try:
            deadline.require(LONGEST_REQUEST)
            answer = client().put_events(Entries=entries)
        except (BotoCoreError, ClientError, Busy) as error:
            left = len(messages) - first
            logger.warning("events were not put on the bus", reason=failures.code_of(error), events=left)
            break
        taken += ["ErrorCode" not in entry for entry in answer["Entries"]]
        if refused := [entry["ErrorCode"] for entry in answer["Entries"] if "ErrorCode" in entry]:
            logger.warning("events were not put on the bus", reason=refused[0], events=len(refused))
    return taken + [False] * (len(messages) - len(taken))


def _entry(message: Message) -> Any:
    return {
        "EventBusName": config.event_bus(),
        "Source": SOURCE,
        "Resources": [config.settings().stack_name],
        "DetailType": message.event_type,
        "Time": message.occurred_at,
        "Detail": message.detail,
    }


@cache
def client() -> Any:
    """The one client of this execution environment."""
    limits = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
    )
    return aws.client("events", limits)
