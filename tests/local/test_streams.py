"""Stream records of TTL's deletions, which of them pass our filter, and how they are delivered to the function."""

import asyncio
import json
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any

import pytest

from local.aws.functions import FunctionError
from local.aws.stream_records import Record, Stream, failed_batch, sequence_number
from local.aws.streams import deliver, failed_records, passes
from local.aws.template import Table
from local.in_process.api import template

Function = Callable[[list[str]], Any]

NOW = datetime(2026, 9, 1, 12, 0, 0, 700_000, tzinfo=UTC)
TIMER = {
    "user_id": {"S": "user-1"},
    "record": {"S": "EXPIRY#lot"},
    "lot_record": {"S": "LOT#2026-09-01T12:00:00Z#lot"},
    "ttl": {"N": "1788264000"},
}


# --------------------------------------------------------------------------------------------------------- records


def a_stream(view: str = "OLD_IMAGE") -> Stream:
    definition: dict[str, Any] = {
        "KeySchema": [
            {"AttributeName": "user_id", "KeyType": "HASH"},
            {"AttributeName": "record", "KeyType": "RANGE"},
        ],
        "StreamSpecification": {"StreamEnabled": True, "StreamViewType": view},
    }
    return Stream.of(Table("CreditsTable", "local-CreditsTable", definition, "ttl"), NOW)


def test_a_deletion_by_ttl_has_the_shape_of_lambdas_event():
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


def test_a_stream_of_keys_has_no_image():
    assert "OldImage" not in a_stream("KEYS_ONLY").removal(TIMER, NOW)["dynamodb"]


def test_records_are_numbered_in_their_order():
    stream = a_stream()
    first, second = stream.removal(TIMER, NOW), stream.removal(TIMER | {"record": {"S": "EXPIRY#other"}}, NOW)

    assert sequence_number(first) < sequence_number(second)
    assert first["eventID"] != second["eventID"]


def test_a_batch_that_was_given_up_is_kept_with_its_payload_as_on_s3():
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


# ---------------------------------------------------------------------------------------------------------- filter


def a_deletion_by_ttl(record: str) -> Record:
    [table] = [table for table in template().tables if table.logical_id == "CreditsTable"]
    return Stream.of(table, NOW).removal(TIMER | {"record": {"S": record}}, NOW)


@pytest.mark.parametrize(
    ("record", "changes", "is_passed"),
    [
        ("EXPIRY#lot", {}, True),
        ("EXPIRY#lot", {"userIdentity": None}, False),  # an application's own deletion
        (
            "EXPIRY#lot",
            {"userIdentity": {"type": "Service", "principalId": "replication.dynamodb.amazonaws.com"}},
            False,
        ),
        ("EXPIRY#lot", {"eventName": "INSERT"}, False),
        ("EXPIRY#lot", {"eventName": "MODIFY"}, False),
        ("IDEMPOTENCY#key", {}, False),
        ("PENDING#key", {}, False),
        ("LOT#2026-09-01T12:00:00Z#lot", {}, False),
    ],
)
def test_our_filter_passes_a_timers_deletion_by_ttl_and_nothing_else(
    record: str, changes: dict[str, Any], is_passed: bool
):
    [mapping] = [one for one in template().streams if one.function.name == "expire_credits"]

    changed = a_deletion_by_ttl(record) | changes
    present = {name: value for name, value in changed.items() if value is not None}

    assert passes(mapping.filters, present) is is_passed


def test_without_filters_every_record_passes():
    assert passes((), a_deletion_by_ttl("IDEMPOTENCY#key"))


# -------------------------------------------------------------------------------------------------------- delivery


def a_record(number: int) -> Record:
    return {"dynamodb": {"SequenceNumber": str(number)}}


def numbers(records: Sequence[Record]) -> list[str]:
    return [sequence_number(record) for record in records]


class Delivered:
    """What one delivery did: the batches that the function got, the pauses between, and the records given up."""

    def __init__(self, function: Function, count: int, **properties: Any) -> None:
        self.batches: list[list[str]] = []
        self.pauses: list[float] = []
        self._function = function
        properties = {"FunctionResponseTypes": ["ReportBatchItemFailures"], **properties}
        records = [a_record(number) for number in range(1, count + 1)]
        given_up, self.calls = asyncio.run(deliver(records, properties, self._invoke, self._pause))
        self.given_up = numbers(given_up)

    async def _invoke(self, event: dict[str, Any]) -> Any:
        self.batches.append(numbers(event["Records"]))
        return self._function(self.batches[-1])

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def reports(*poison: str) -> Function:
    return lambda batch: {"batchItemFailures": [{"itemIdentifier": one} for one in batch if one in poison]}


def raises(_batch: list[str]) -> Any:
    raise FunctionError


def test_a_batch_that_succeeds_is_delivered_once():
    delivered = Delivered(reports(), 3)

    assert delivered.batches == [["1", "2", "3"]]
    assert (delivered.pauses, delivered.given_up) == ([], [])


def test_a_record_that_fails_alone_is_retried_and_given_up_alone():
    delivered = Delivered(reports("2"), 3, MaximumRetryAttempts=2)

    assert delivered.batches == [["1", "2", "3"], ["2"], ["2"]]
    assert (delivered.given_up, delivered.calls) == (["2"], 3)


def test_a_failure_that_passes_is_retried_after_growing_pauses():
    failures = iter([["1"], ["1"], ["1"], []])

    delivered = Delivered(lambda _batch: reports(*next(failures))(["1"]), 1, MaximumRetryAttempts=10)

    assert len(delivered.batches) == 4
    assert delivered.pauses == [0.2, 0.4, 0.8]
    assert delivered.given_up == []


def test_a_batch_whose_function_raises_is_retried_and_given_up_as_a_whole():
    delivered = Delivered(raises, 4, MaximumRetryAttempts=1)

    assert delivered.batches == [["1", "2", "3", "4"]] * 2
    assert (delivered.given_up, delivered.calls) == (["1", "2", "3", "4"], 2)


def test_a_report_is_ignored_unless_the_mapping_declares_it():
    delivered = Delivered(reports("1"), 1, FunctionResponseTypes=[])

    assert delivered.batches == [["1"]]
    assert delivered.given_up == []


def test_without_a_limit_a_batch_is_retried_until_it_succeeds():
    failures = iter([["1"]] * 30 + [[]])

    delivered = Delivered(lambda _batch: reports(*next(failures))(["1"]), 1)

    assert len(delivered.batches) == 31
    assert max(delivered.pauses) == 1.0


@pytest.mark.parametrize("response", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_an_empty_response_is_success(response: Any):
    assert failed_records(response, [a_record(1)]) == ()


@pytest.mark.parametrize(
    "response",
    [
        "done",
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"wrong": "1"}]},
        {"batchItemFailures": [{"itemIdentifier": "9"}]},
    ],
)
def test_a_response_that_lambda_cannot_read_fails_the_whole_batch(response: Any):
    records = [a_record(1), a_record(2)]

    assert failed_records(response, records) == records
