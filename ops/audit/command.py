"""Run the audit, print what it found, and report the number of violations to the stack's alarm."""

import sys
from argparse import Namespace
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager, redirect_stdout
from datetime import UTC, datetime, timedelta
from math import ceil

from ops import deployed, target
from ops.audit.report import Audit, Progress
from ops.audit.stripe_side import StripeSide, Window
from ops.audit.tables import Now, audit, clock_of
from ops.doctor import subject
from ops.errors import CannotRunError
from topup.domain.comparison import MoneyRecord, RecordKind
from topup.domain.errors import TopupError
from topup.runtime.telemetry import logger

LONGEST_WINDOW = 720  # hours; reconcile looks no further back
SECRETS = {"SECRETS_PREFIX": "", "SECRETS": ""}  # they are in the environment itself


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
    with target.explained(f"stack {options.stack}" if options.stack else "the local stack"):
        environment, now = _subject(options)
        with target.tables(environment):
            if options.stripe:
                _audit_with_stripe(options, now, progress, found)
            else:
                audit(now, progress, found=found)


def _subject(options: Namespace) -> tuple[Mapping[str, str], Now]:
    """The environment that leads to the stack's tables, and to Stripe where that is wanted; and the stack's clock."""
    if options.stack:
        tables = target.deployed_tables(options.stack)
        return (_with_stripe_key(options.stack, tables) if options.stripe else tables), lambda: datetime.now(UTC)
    running = target.local_stack(options.root)
    environment = subject.of_local(options.root).environment if options.stripe else running.environment
    return environment, clock_of(running)


def _with_stripe_key(stack: str, tables: Mapping[str, str]) -> Mapping[str, str]:
    found = deployed.find(stack)
    key = deployed.stripe_key(found.secrets_prefix)
    return {**found.environment, **tables, **SECRETS, "STRIPE_SECRET_KEY": key}


def _audit_with_stripe(options: Namespace, now: Now, progress: Progress, found: Audit) -> None:
    window = _window(options, now())
    with _logs_on_stderr(), closing(StripeSide(window, found, _repair(options.stack, now))) as side:
        try:
            side.read(progress)
            audit(now, progress, each=side.meet, found=found)
            side.judge()
        except TopupError as error:
            raise CannotRunError(f"Stripe: {error.detail}: {_words(error)}") from error


def _window(options: Namespace, now: datetime) -> Window:
    until = options.until or now
    since = options.since or until - timedelta(hours=options.window_hours or LONGEST_WINDOW)
    if since >= until:
        raise CannotRunError(f"--since {since:%Y-%m-%dT%H:%M:%SZ} is not before --until {until:%Y-%m-%dT%H:%M:%SZ}")
    return Window(since, until)


def _words(error: TopupError) -> str:
    """Stripe's error without its message, which may quote what was sent."""
    cause = error.__cause__
    details = [str(getattr(cause, name)) for name in ("http_status", "request_id") if getattr(cause, name, None)]
    return f"{type(cause).__name__} ({', '.join(details) or 'no response'})"


def _repair(stack: str | None, now: Now) -> Callable[[MoneyRecord], str]:
    def command(record: MoneyRecord) -> str:
        hours = max(1, ceil((now() - record.created_at) / timedelta(hours=1)))
        if hours > LONGEST_WINDOW and record.kind is not RecordKind.PAYMENT:
            event = f"change the {record.kind}'s metadata at Stripe, so that it sends an event"
            return f"older than reconcile reaches: {event}"
        where = f" STACK={stack}" if stack else ""
        return f"make reconcile{where} WINDOW_HOURS={min(LONGEST_WINDOW, hours)} ALL=1"

    return command


@contextmanager
def _logs_on_stderr() -> Iterator[None]:
    """The gateway's logs and metrics are for CloudWatch; here, only the findings go to the output."""
    handler = logger.registered_handler
    before = handler.setStream(sys.stderr)  # type: ignore[attr-defined]  # powertools makes a StreamHandler
    try:
        with redirect_stdout(sys.stderr):
            yield
    finally:
        handler.setStream(before or sys.stdout)  # type: ignore[attr-defined]


def _show(found: Audit) -> None:
    for line in found.lines():
        print(line)


def _report(stack: str, found: Audit) -> None:
    """The findings are printed already: a metric that cannot be written must not hide them."""
    try:
        target.report_violations(stack, len(found.findings))
    except CannotRunError as error:
        print(f"warning: the metric AuditViolations was not written: {error}", file=sys.stderr)
