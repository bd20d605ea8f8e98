"""The credits table's stream: where TTL has deleted the timer of a lot or a hold, it ends.

Each record is handled by itself: one that fails is reported and tried again, the others are done.
"""

from datetime import UTC, datetime
from typing import Any

from topup import expiry, store
from topup.runtime import deadline, start, streams
from topup.runtime.telemetry import logger


@start.at_least_once
def handler(event: dict[str, Any], context: Any) -> Any:
    with deadline.of(context):  # records that there is no time for are reported like those that fail
        return streams.handle_each(expire, event, context)


def expire(record: streams.Record) -> None:
    """End one lot or hold at the time of its timer's deletion, which TTL never makes early."""
    due = store.due_by_timer(record)
    if due is None:
        logger.warning("not an expired timer", keys=record["dynamodb"]["Keys"])  # the filter lets none through
        return
    deleted_at = datetime.fromtimestamp(record["dynamodb"]["ApproximateCreationDateTime"], UTC)
    expiry.expire(due, deleted_at)
