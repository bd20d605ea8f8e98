"""On a schedule, and by hand: find what was lost, and repair it through the code that should have done it.

By hand the event may say `window_hours` (how far back to look at Stripe's events, refunds and disputes, at most 720)
and `sweep_after_hours` (how long ago a lot must have expired, 0 for all).
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from topup import reconciliation
from topup.runtime import clock, deadline
from topup.runtime.telemetry import logger

SPARE_MILLISECONDS = 30_000  # for the repair that is under way when time runs out
# The schedule's time is this moment, or a little earlier. Any other would be believed for every lot: credits would
# expire before their time, or not at all.
OLDEST_TIME = timedelta(days=1)
CLOCKS_DIFFER_BY = timedelta(minutes=5)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    logger.thread_safe_append_keys(function_name="reconcile")
    with deadline.of(context):
        report = reconciliation.reconcile(
            _now(event),
            window=_hours(event, "window_hours", reconciliation.WINDOW),
            sweep_after=_hours(event, "sweep_after_hours", reconciliation.SWEEP_AFTER),
            has_time=lambda: context.get_remaining_time_in_millis() > SPARE_MILLISECONDS,
        )
    return asdict(report) | {"repaired": report.repaired}


def _now(event: dict[str, Any]) -> datetime:
    """When the schedule meant it to run, or this moment; raises ValueError for a time that is far from it."""
    current, text = clock.now(), event.get("time")
    if text is None:
        return current
    time = _moment(text)
    if not current - OLDEST_TIME <= time <= current + CLOCKS_DIFFER_BY:
        raise ValueError(f"time is {text}, and it is {current.isoformat()}: leave it out, or name this moment")
    return time


def _moment(text: Any) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError("time must be a moment in ISO 8601, such as 2026-10-05T10:30:00Z") from None
    if time.tzinfo is None:
        raise ValueError("time must name its offset from UTC, such as the Z in 2026-10-05T10:30:00Z")
    return time.astimezone(UTC)


def _hours(event: dict[str, Any], name: str, default: timedelta) -> timedelta:
    hours = event.get(name)
    if hours is None:
        return default
    if isinstance(hours, bool) or not isinstance(hours, int) or not 0 <= hours <= 720:
        raise ValueError(f"{name} must be a whole number of hours from 0 to 720")
    return timedelta(hours=hours)
