"""Run the audit, print what it found, and report the number of violations to the stack's alarm."""

import os
import sys
from argparse import Namespace
from collections.abc import Callable
from contextlib import closing
from datetime import datetime, timedelta
from functools import partial
from pathlib import Path

from ops import make, opened, target
from ops.audit import exported
from ops.audit.report import Audit, Progress
from ops.audit.stripe_side import StripeSide, Window
from ops.audit.tables import SEGMENTS, Now, audit
from ops.errors import CannotRunError
from ops.export import files
from ops.export.files import Export
from topup.domain.comparison import MoneyRecord, RecordKind
from topup.domain.payments import Payment

MANY = 100_000  # items: with fewer, it takes longer to start other processes than to do without them
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
    if directory := vars(options)["from"]:
        _audit_export(options, files.read(Path(directory)), progress, found)
        return
    with opened.stack(options, with_stripe=options.stripe) as now:
        tables = partial(audit, now, progress, found=found, segments=SEGMENTS)
        if options.stripe:
            window = _window(options, now())
            _compare(StripeSide(window, found, _repair(options.stack, now)), progress, lambda each: tables(each=each))
        else:
            tables()


def _audit_export(options: Namespace, export: Export, progress: Progress, found: Audit) -> None:
    processes = (os.cpu_count() or 1) if export.credits.items > MANY else 1
    with exported.opened(export, found, progress.say, processes) as tables:
        if not options.stripe:
            tables.audit(progress)
            return
        with opened.stack(options) as now:  # for its Stripe account
            window, repair = _window(options, export.taken_at), _repair(options.stack, now)
            side = StripeSide(window, found, repair, load=tables.load_payment, pauses=(0.0,))
            _compare(side, progress, lambda each: tables.audit(progress, each))


def _compare(side: StripeSide, progress: Progress, audit_each: Callable[[Callable[[Payment], None]], object]) -> None:
    with opened.stripe_explained(), closing(side):
        side.read(progress)
        audit_each(side.meet)
        side.judge()


def _window(options: Namespace, latest: datetime) -> Window:
    """What is compared: nothing that was created after the moment of what is audited."""
    until = min(options.until or latest, latest)
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
