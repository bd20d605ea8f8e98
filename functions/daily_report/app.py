"""On a schedule, every hour: begin the day's report, or go on with it; nothing where it is done.

By hand the same: `{}` is enough.
"""

from typing import Any

from topup import daily_report
from topup.domain import days
from topup.runtime import clock, deadline
from topup.runtime.telemetry import logger

SPARE_SECONDS = 60  # for the page, or the user, that is under way when time runs out


def handler(_event: dict[str, Any], context: Any) -> dict[str, Any]:
    logger.thread_safe_append_keys(function_name="daily_report")
    with deadline.of(context):
        report = daily_report.run(
            clock.now(), seconds_left=lambda: context.get_remaining_time_in_millis() / 1000 - SPARE_SECONDS
        )
    return days.to_fields(report)
