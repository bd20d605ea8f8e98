"""Run the audit, print what it found, and report the number of violations to the stack's alarm."""

import sys
from argparse import Namespace
from datetime import UTC, datetime

from ops import target
from ops.audit.report import Audit, Progress
from ops.audit.tables import audit, clock_of
from ops.errors import CannotRunError


def run(options: Namespace) -> int:
    found = Audit()
    try:
        _audit(options, found)
    except CannotRunError as error:
        _show(found)
        raise CannotRunError(
            f"{error} (not everything was read: {found})" if found != Audit() else str(error)
        ) from error
    _show(found)
    print(found)
    if options.stack:
        _report(options.stack, found)
    return 1 if found.findings else 0


def _audit(options: Namespace, found: Audit) -> None:
    with target.explained(f"stack {options.stack}" if options.stack else "the local stack"):
        if options.stack:
            environment, now = target.deployed_tables(options.stack), lambda: datetime.now(UTC)
        else:
            running = target.local_stack(options.root)
            environment, now = dict(running.environment), clock_of(running)
        with target.tables(environment):
            audit(now, Progress(sys.stderr), found=found)


def _show(found: Audit) -> None:
    for line in found.lines():
        print(line)


def _report(stack: str, found: Audit) -> None:
    """The findings are printed already: a metric that cannot be written must not hide them."""
    try:
        target.report_violations(stack, len(found.findings))
    except CannotRunError as error:
        print(f"warning: the metric AuditViolations was not written: {error}", file=sys.stderr)
