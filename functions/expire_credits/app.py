"""The credits table's stream: where TTL has deleted the timer of a lot or a hold, it ends.

Each record is handled by itself: one that fails is reported and tried again, the others are done.
"""

from datetime import UTC, datetime
from typing import Any

from topup import expiry, store
from topup.runtime import clock, deadline, start, streams
from topup.runtime.telemetry import logger


@start.at_least_once
def handler(event: dict[str, Any], context: Any) -> Any:
    with deadline.of(context):  # records that there is no time for are reported like those that fail
        return streams.handle_each(expire, event, context)


def expire(record: streams.Record) -> None:
    """End one lot or hold now.

    TTL deletes no timer early, so its deletion says that it is over, also where this clock is behind. The record may
    come hours later, or be replayed after days: an entry of then would change books that are closed.
    """
    due = store.due_by_timer(record)
    if due is None:
        logger.warning("not an expired timer", keys=record["dynamodb"]["Keys"])  # the filter lets none through
        return
    deleted_at = datetime.fromtimestamp(record["dynamodb"]["ApproximateCreationDateTime"], UTC)
    expiry.expire(due, max(deleted_at, clock.now()))
