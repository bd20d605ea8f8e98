"""On a schedule, and by hand: find what was lost, and repair it through the code that should have done it.

By hand the event may say `window_hours` (walk through Stripe's events, refunds and disputes of so long, at most 720),
`all` (true: through events that were delivered, too), `sweep_after_hours` (how long ago a lot must have expired, 0 for
all), and `settled` (the ids of stuck events, refunds or disputes that need no further try).
"""

from dataclasses import asdict
from datetime import UTC, datetime, timedelta
from typing import Any

from topup import reconciliation
from topup.runtime import clock, deadline
from topup.runtime.telemetry import logger

SPARE_SECONDS = 30  # for the repair that is under way when time runs out
# The schedule's time is this moment, or a little earlier. Whoever names another one expects a run of that time.
OLDEST_TIME = timedelta(days=1)
CLOCKS_DIFFER_BY = timedelta(minutes=5)


def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    logger.thread_safe_append_keys(function_name="reconcile")
    sweep_after = _hours(event, "sweep_after_hours")
    with deadline.of(context):
        report = reconciliation.reconcile(
            _now(event),
            window=_hours(event, "window_hours"),
            delivered_too=_flag(event, "all"),
            sweep_after=reconciliation.SWEEP_AFTER if sweep_after is None else sweep_after,
            settled=_ids(event, "settled"),
            seconds_left=lambda: context.get_remaining_time_in_millis() / 1000 - SPARE_SECONDS,
        )
    return asdict(report) | {"repaired": report.repaired, "ended": report.ended}


def _now(event: dict[str, Any]) -> datetime:
    """This moment; raises ValueError where the event names one that is far from it.

    A run may begin late, and a refund is tried again by how long ago it was tried: so the schedule's time is no `now`.
    """
    current, text = clock.now(), event.get("time")
    if text is not None and not current - OLDEST_TIME <= _moment(text) <= current + CLOCKS_DIFFER_BY:
        raise ValueError(f"time is {text}, and it is {current.isoformat()}: leave it out, or name this moment")
    return current


def _moment(text: Any) -> datetime:
    try:
        time = datetime.fromisoformat(text)
    except (TypeError, ValueError):
        raise ValueError("time must be a moment in ISO 8601, such as 2026-10-05T10:30:00Z") from None
    if time.tzinfo is None:
        raise ValueError("time must name its offset from UTC, such as the Z in 2026-10-05T10:30:00Z")
    return time.astimezone(UTC)


def _hours(event: dict[str, Any], name: str) -> timedelta | None:
    hours = event.get(name)
    if hours is None:
        return None
    if isinstance(hours, bool) or not isinstance(hours, int) or not 0 <= hours <= 720:
        raise ValueError(f"{name} must be a whole number of hours from 0 to 720")
    return timedelta(hours=hours)


def _flag(event: dict[str, Any], name: str) -> bool:
    value = event.get(name, False)
    if not isinstance(value, bool):
        raise ValueError(f"{name} must be true or false")
    return value


def _ids(event: dict[str, Any], name: str) -> list[str]:
    ids = event.get(name, [])
    if not isinstance(ids, list) or not all(isinstance(one, str) for one in ids):
        raise ValueError(f"{name} must be a list of ids")
    return ids
