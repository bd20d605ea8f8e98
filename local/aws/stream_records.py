"""Stream records of items that TTL deleted, and the document that Lambda keeps of a batch that it gave up.

Shapes: Amazon DynamoDB, "DynamoDB Streams and Time to Live"; AWS Lambda, "Using Lambda with Amazon DynamoDB" and
"Retain discarded records for a DynamoDB event source".
"""

import json
import uuid
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from itertools import count
from typing import Any

from local.aws.intrinsics import ACCOUNT_ID, REGION
from local.aws.template import Table

Item = Mapping[str, Any]
Record = dict[str, Any]

TTL_SERVICE = {"type": "Service", "principalId": "dynamodb.amazonaws.com"}
FIRST_SEQUENCE_NUMBER = 100000000000000000000  # DynamoDB's have 21 digits and more
SHARD = "shardId-00000000000000000000-local000"


@dataclass(frozen=True)
class Stream:
    """The stream of one table, which numbers its records."""

    table: Table
    arn: str
    numbers: Iterator[int]

    @classmethod
    def of(cls, table: Table, opened: datetime) -> "Stream":
        """A stream that was opened at this time."""
        label = opened.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.000")
        arn = f"arn:aws:dynamodb:{REGION}:{ACCOUNT_ID}:table/{table.name}/stream/{label}"
        return cls(table, arn, count(FIRST_SEQUENCE_NUMBER))

    def removal(self, item: Item, now: datetime) -> Record:
        """The record of an item that TTL deletes `now`."""
        view = self.table.definition["StreamSpecification"]["StreamViewType"]
        keys = {name: item[name] for name in key_names(self.table)}
        image = {"OldImage": dict(item)} if view in ("OLD_IMAGE", "NEW_AND_OLD_IMAGES") else {}
        return {
            "eventID": uuid.uuid4().hex,
            "eventName": "REMOVE",
            "eventVersion": "1.1",
            "eventSource": "aws:dynamodb",
            "awsRegion": REGION,
            "dynamodb": {
                "ApproximateCreationDateTime": int(now.timestamp()),  # seconds
                "Keys": keys,
                **image,
                "SequenceNumber": str(next(self.numbers)),
                "SizeBytes": _size(keys) + sum(_size(old) for old in image.values()),
                "StreamViewType": view,
            },
            "userIdentity": dict(TTL_SERVICE),
            "eventSourceARN": self.arn,
        }


def key_names(table: Table) -> list[str]:
    """The names of the table's key attributes, the partition key first."""
    return [part["AttributeName"] for part in sorted(table.definition["KeySchema"], key=lambda part: part["KeyType"])]


def sequence_number(record: Record) -> str:
    """It orders the records of a stream, and identifies one in a batch."""
    return str(record["dynamodb"]["SequenceNumber"])


def failed_batch(records: Sequence[Record], *, function_arn: str, calls: int, now: datetime) -> dict[str, Any]:
    """The document that Lambda writes to an S3 on-failure destination."""
    arrivals = [datetime.fromtimestamp(one["dynamodb"]["ApproximateCreationDateTime"], UTC) for one in records]
    return {
        "requestContext": {
            "requestId": str(uuid.uuid4()),
            "functionArn": function_arn,
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": calls,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": now.astimezone(UTC).strftime("%Y-%m-%dT%H:%M:%S.%f")[:-3] + "Z",
        "DDBStreamBatchInfo": {
            "shardId": SHARD,
            "startSequenceNumber": sequence_number(records[0]),
            "endSequenceNumber": sequence_number(records[-1]),
            "approximateArrivalOfFirstRecord": _to_the_second(arrivals[0]),
            "approximateArrivalOfLastRecord": _to_the_second(arrivals[-1]),
            "batchSize": len(records),
            "streamArn": records[0]["eventSourceARN"],
        },
        "payload": json.dumps({"Records": list(records)}, ensure_ascii=False),
    }


def _to_the_second(time: datetime) -> str:
    return time.strftime("%Y-%m-%dT%H:%M:%SZ")


def _size(image: Item) -> int:
    """Bytes of names and values, about as DynamoDB counts them."""
    return sum(len(name.encode()) + _value_size(value) for name, value in image.items())


def _value_size(value: Mapping[str, Any]) -> int:
    ((kind, content),) = value.items()
    match kind:
        case "M":
            return 3 + _size(content)
        case "L":
            return 3 + sum(_value_size(one) for one in content)
        case "NULL" | "BOOL":
            return 1
        case _:
            return len(str(content).encode())
