"""`reconcile`: run the reconcile function now and show its report."""

import json
import sys
from argparse import Namespace
from typing import Any

import httpx

from ops import target
from ops.errors import CannotRunError
from ops.target import LONGEST_INVOCATION

Report = dict[str, Any]
Event = dict[str, Any]  # what the function is asked for


def run(options: Namespace) -> int:
    report = _run(options.stack, options, _event(options))
    print(json.dumps(report, indent=2) if options.json else as_table(report))
    if not report["complete"]:
        print("it ran out of time: run it again for the rest", file=sys.stderr)
    return 0 if report["complete"] and not report["failures"] and not report["stuck"] else 1


def _event(options: Namespace) -> Event:
    given = {
        "window_hours": options.window_hours,
        "sweep_after_hours": options.sweep_after_hours,
        "all": options.all or None,
        "settled": options.settled or None,
    }
    return {name: value for name, value in given.items() if value is not None}


def _run(stack: str | None, options: Namespace, event: Event) -> Report:
    if stack:
        report: Report = target.invoke_deployed(stack, "ReconcileFunction", event)
        return report
    return reconcile_locally(target.local_stack(options.root).api, event)


def reconcile_locally(api: str, event: Event) -> Report:
    """The report of the local stack's function; raises CannotRunError."""
    with target.explained(f"the local stack at {api}"):
        response = httpx.post(f"{api}/_local/reconcile", json=event, timeout=LONGEST_INVOCATION, trust_env=False)
    document: Report = response.json()
    if response.is_success:
        return document
    problems = "; ".join(f"{error['field']} {error['message']}" for error in document.get("errors", ()))
    raise CannotRunError(problems or document.get("detail", response.text))


def as_table(report: Report) -> str:
    """A line for each sweep: what it found, repaired and ended, and how often it failed. Then what is stuck."""
    rows = [("step", "found", "repaired", "ended", "failed")]
    rows += [
        (name, tally["found"], tally["repaired"], tally["ended"], tally["failed"])
        for name, tally in report.items()
        if isinstance(tally, dict)
    ]
    lines = [
        f"{name:<16}{found:>8}{repaired:>10}{ended:>8}{failed:>8}" for name, found, repaired, ended, failed in rows
    ]
    stuck = [f"stuck since {one['first_seen']}: {one['id']} ({one['reason']})" for one in report["stuck"]]
    end = "complete" if report["complete"] else "not complete"
    last = f"{end}: {report['repaired']} repaired, {report['failures']} failures"
    return "\n".join([*lines, "", *stuck, *([""] if stuck else []), last])
