"""The records of a DynamoDB stream that Lambda hands over together: each is handled by itself."""

from collections.abc import Callable
from typing import Any

from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.data_classes.dynamo_db_stream_event import DynamoDBRecord as Record

__all__ = ["Record", "handle_each"]


def handle_each(handle: Callable[[Record], None], event: dict[str, Any], context: Any) -> Any:
    """What Lambda is answered: the records that failed, which come again; the others are done."""
    processor = BatchProcessor(event_type=EventType.DynamoDBStreams, raise_on_entire_batch_failure=False)
    return process_partial_response(event=event, record_handler=handle, processor=processor, context=context)
