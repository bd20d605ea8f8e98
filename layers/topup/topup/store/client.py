"""Make the DynamoDB client, on first use, with limits that fit in a function's timeout."""

from functools import cache
from typing import TYPE_CHECKING

from botocore.config import Config

from topup.runtime import aws

if TYPE_CHECKING:
    from types_boto3_dynamodb import DynamoDBClient

# Seconds and tries per request. DynamoDB answers in milliseconds; a request that takes a second is lost, and the next
# try goes to another host. The worst case, two tries with a pause, is 5 s: a function's flow has at most four.
CONNECT_TIMEOUT = 1
READ_TIMEOUT = 1
ATTEMPTS = 2


@cache
def client() -> "DynamoDBClient":
    """The one client of this execution environment."""
    limits = Config(
        connect_timeout=CONNECT_TIMEOUT,
        read_timeout=READ_TIMEOUT,
        retries={"total_max_attempts": ATTEMPTS, "mode": "standard"},
        # DynamoDB checks every request anyway; checking it here first took a tenth of a warm invocation's CPU time.
        parameter_validation=False,
    )
    made: DynamoDBClient = aws.client("dynamodb", limits)
    return made
