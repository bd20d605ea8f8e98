"""The records of TTL's deletions, and the batches that Lambda gives up: exactly as AWS writes them."""

import json
from datetime import UTC, datetime
from typing import Any

from local.aws.stream_records import Stream, failed_batch, partition_of, sequence_number
from local.aws.template import Table

NOW = datetime(2026, 9, 1, 12, 0, 0, 700_000, tzinfo=UTC)
TIMER = {
    "user_id": {"S": "user-1"},
    "record": {"S": "EXPIRY#lot"},
    "lot_record": {"S": "LOT#2026-09-01T12:00:00Z#lot"},
    "ttl": {"N": "1788264000"},
}


def a_stream(view: str = "OLD_IMAGE") -> Stream:
    definition: dict[str, Any] = {
        "KeySchema": [
            {"AttributeName": "user_id", "KeyType": "HASH"},
            {"AttributeName": "record", "KeyType": "RANGE"},
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": view},
    }
    return Stream.of(Table("CreditsTable", "local-CreditsTable", definition, "ttl"), NOW)


def test_a_deletion_by_ttl_looks_as_lambda_hands_it_over():
    record = a_stream().removal(TIMER, NOW)

    assert record.pop("eventID")
    assert record == {
        "eventName": "REMOVE",
        "eventVersion": "1.1",
        "eventSource": "aws:dynamodb",
        "awsRegion": "us-east-1",
        "dynamodb": {
            "ApproximateCreationDateTime": 1788264000,
            "Keys": {"user_id": {"S": "user-1"}, "record": {"S": "EXPIRY#lot"}},
            "OldImage": TIMER,
            "SequenceNumber": "100000000000000000000",
            "SizeBytes": 109,
            "StreamViewType": "OLD_IMAGE",
        },
        "userIdentity": {"type": "Service", "principalId": "dynamodb.amazonaws.com"},
        "eventSourceARN": (
            "arn:aws:dynamodb:us-east-1:123456789012:table/local-CreditsTable/stream/2026-09-01T12:00:00.000"
        ),
    }


def test_a_stream_of_keys_shows_no_image():
    assert "OldImage" not in a_stream("KEYS_ONLY").removal(TIMER, NOW)["dynamodb"]


def test_records_are_numbered_in_their_order_and_know_their_partition():
    stream = a_stream()
    first, second = stream.removal(TIMER, NOW), stream.removal(TIMER | {"record": {"S": "EXPIRY#other"}}, NOW)

    assert sequence_number(first) < sequence_number(second)
    assert partition_of(first) == partition_of(second)
    assert first["eventID"] != second["eventID"]


def test_a_batch_that_was_given_up_keeps_its_payload_as_on_s3():
    stream = a_stream()
    records = [stream.removal(TIMER, NOW), stream.removal(TIMER, NOW)]

    document = failed_batch(records, function_arn="arn:aws:lambda:…:expire", calls=11, now=NOW)

    assert json.loads(document.pop("payload")) == {"Records": records}
    assert document["requestContext"].pop("requestId")
    assert document == {
        "requestContext": {
            "functionArn": "arn:aws:lambda:…:expire",
            "condition": "RetryAttemptsExhausted",
            "approximateInvokeCount": 11,
        },
        "responseContext": {"statusCode": 200, "executedVersion": "$LATEST", "functionError": "Unhandled"},
        "version": "1.0",
        "timestamp": "2026-09-01T12:00:00.700Z",
        "DDBStreamBatchInfo": {
            "shardId": "shardId-00000000000000000000-local000",
            "startSequenceNumber": "100000000000000000000",
            "endSequenceNumber": "100000000000000000001",
            "approximateArrivalOfFirstRecord": "2026-09-01T12:00:00Z",
            "approximateArrivalOfLastRecord": "2026-09-01T12:00:00Z",
            "batchSize": 2,
            "streamArn": records[0]["eventSourceARN"],
        },
    }
