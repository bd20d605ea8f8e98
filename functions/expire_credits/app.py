"""The credits table's stream: where TTL has deleted a lot's timer, the lot's credits expire.

Each record stands for itself: one that fails is reported and tried again, the others are done.
"""

from datetime import UTC, datetime
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord

from topup import expiry
from topup.store import EXPIRES
from topup.telemetry import logger

TTL = "dynamodb.amazonaws.com"  # who deletes by TTL (DynamoDB documentation, "DynamoDB Streams and Time to Live")


def handler(event: dict[str, Any], context: Any) -> Any:
    processor = BatchProcessor(event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=expire, processor=processor, context=context)


def expire(record: DynamoDBRecord) -> None:
    """Expire one lot; the time is the deletion's own, which TTL never does before its time."""
    keys, deleted_at = record["dynamodb"]["Keys"], record["dynamodb"]["ApproximateCreationDateTime"]
    if not keys["record"]["S"].startswith(EXPIRES) or not _was_deleted_by_ttl(record):
        logger.warning("not a timer that ran out", record=keys["record"]["S"])  # the filter lets none through
        return
    timer = record["dynamodb"]["OldImage"]
    expiry.expire(timer["user_id"]["S"], timer["lot_record"]["S"], datetime.fromtimestamp(deleted_at, UTC))


def _was_deleted_by_ttl(record: DynamoDBRecord) -> bool:
    who = record.get("userIdentity") or {}
    return record["eventName"] == "REMOVE" and who.get("type") == "Service" and who.get("principalId") == TTL
