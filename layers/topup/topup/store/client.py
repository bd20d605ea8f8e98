"""Make the DynamoDB client, on first use, with limits that fit in a function's timeout."""

from functools import cache
from typing import TYPE_CHECKING, Any

from botocore.config import Config

from topup.runtime import aws, deadline, start

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

# Seconds and tries per request. DynamoDB answers in milliseconds; a request that takes a second is lost, and the next
# try goes to another host.
CONNECT_TIMEOUT = 1
READ_TIMEOUT = 1
ATTEMPTS = 2
LONGEST_PAUSE = 1  # between two tries: the SDK's own, a random part of it
LONGEST_REQUEST = ATTEMPTS * (CONNECT_TIMEOUT + READ_TIMEOUT) + LONGEST_PAUSE


@cache
def client() -> "DynamoDBClient":
    """The one client of this execution environment. It raises Busy for a request that could not end in time."""
    limits = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        # DynamoDB checks every request anyway; checking it here first took a tenth of a warm invocation's CPU time.
        parameter_validation=False,
    )
    made: DynamoDBClient = aws.client("dynamodb", limits)
    made.meta.events.register("before-call.dynamodb", _require_time)
    return made


def _require_time(**_: Any) -> None:
    deadline.require(LONGEST_REQUEST)


start.prepare(client)
