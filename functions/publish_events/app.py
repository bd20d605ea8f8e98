"""The streams of both tables: new ledger entries, holds and payments become events on the stack's bus.

A record whose events were not taken is reported and comes again, with those behind it: an event may come twice, under
the same id.
"""

from typing import Any

from topup import publishing
from topup.runtime import deadline, start
from topup.runtime.telemetry import logger


@start.at_least_once
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    logger.thread_safe_append_keys(function_name="publish_events")
    with deadline.of(context):
        failed = publishing.publish_records(event["Records"])
    return {"batchItemFailures": [{"itemIdentifier": number} for number in failed]}
