"""On a schedule, and by hand: find what was lost, and repair it through the code that should have done it.

By hand the event may say `window_hours` (how far back to look for events, at most 720) and `sweep_after_hours`
(how long ago a lot must have expired, 0 for all).
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from topup import reconciliation
from topup.runtime.telemetry import logger

SPARE_MILLISECONDS = 30_000  # for the repair that is under way when time runs out


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    logger.thread_safe_append_keys(function_name="reconcile")
    report = reconciliation.reconcile(
        _now(event),
        window=_hours(event, "window_hours", reconciliation.WINDOW),
        sweep_after=_hours(event, "sweep_after_hours", reconciliation.SWEEP_AFTER),
        has_time=lambda: context.get_remaining_time_in_millis() > SPARE_MILLISECONDS,
    )
    return asdict(report) | {"repaired": report.repaired}


def _now(event: dict[str, Any]) -> datetime:
    """When the schedule meant it to run, or the time that the event names."""
    time = event.get("time")
    return datetime.fromisoformat(time).astimezone(UTC) if time else datetime.now(UTC)


def _hours(event: dict[str, Any], name: str, default: timedelta) -> timedelta:
    hours = event.get(name)
    if hours is None:
        return default
    if isinstance(hours, bool) or not isinstance(hours, int) or not 0 <= hours <= 720:
        raise ValueError(f"{name} must be a whole number of hours from 0 to 720")
    return timedelta(hours=hours)
