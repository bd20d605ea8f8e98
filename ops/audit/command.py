"""Run the audit, print what it found, and report the number of violations to the stack's alarm."""

import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta

from ops import make, opened, target
from ops.audit.report import Audit, Progress
from ops.audit.stripe_side import StripeSide, Window
from ops.audit.tables import SEGMENTS, Now, audit
from ops.errors import CannotRunError
from topup.domain.comparison import MoneyRecord, RecordKind

LONGEST_WINDOW = 720  # hours; reconcile looks no further back


def run(options: Namespace) -> int:
    found = Audit()
    try:
        _audit(options, found)
    except CannotRunError as error:
        _show(found)
        more = f" (not everything was read: {found})" if found != Audit() else ""
        raise CannotRunError(f"{error}{more}") from error
    _show(found)
    print(found)
    if options.stack:
        _report(options.stack, found)
    return 1 if found.findings else 0


def _audit(options: Namespace, found: Audit) -> None:
    progress = Progress(sys.stderr)
    if not options.stripe and (options.window_hours or options.since or options.until):
        raise CannotRunError("a window is for --stripe (make: STRIPE=1): the tables are always checked as a whole")
    with opened.stack(options, with_stripe=options.stripe) as now:
        if options.stripe:
            _audit_with_stripe(options, now, progress, found)
        else:
            audit(now, progress, found=found, segments=SEGMENTS)


def _audit_with_stripe(options: Namespace, now: Now, progress: Progress, found: Audit) -> None:
    window = _window(options, now())
    with opened.stripe_explained(), closing(StripeSide(window, found, _repair(options.stack, now))) as side:
        side.read(progress)
        audit(now, progress, each=side.meet, found=found, segments=SEGMENTS)
        side.judge()


def _window(options: Namespace, now: datetime) -> Window:
    until = options.until or now
    since = options.since or until - timedelta(hours=options.window_hours or LONGEST_WINDOW)
    if since >= until:
        raise CannotRunError(f"--since {since:%Y-%m-%dT%H:%M:%SZ} is not before --until {until:%Y-%m-%dT%H:%M:%SZ}")
    return Window(since, until)


def _repair(stack: str | None, now: Now) -> Callable[[MoneyRecord], str]:
    def command(record: MoneyRecord) -> str:
        is_reached = now() - record.created_at <= make.RECONCILED
        if not is_reached and record.kind is not RecordKind.PAYMENT:
            event = f"change the {record.kind}'s metadata at Stripe, so that it sends an event"
            return f"older than reconcile reaches: {event}"
        return make.reconcile_since(record.created_at, now(), stack)

    return command


def _show(found: Audit) -> None:
    for line in found.lines():
        print(line)


def _report(stack: str, found: Audit) -> None:
    """The findings are printed already: a metric that cannot be written must not hide them."""
    try:
        target.report_violations(stack, len(found.findings))
    except CannotRunError as error:
        print(f"warning: the metric AuditViolations was not written: {error}", file=sys.stderr)
