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


def run(options: Namespace) -> int:
    hours = {"window_hours": options.window_hours, "sweep_after_hours": options.sweep_after_hours}
    event = {name: value for name, value in hours.items() if value is not None}
    if options.stack:
        report = target.invoke_deployed(options.stack, "ReconcileFunction", event)
    else:
        report = reconcile_locally(target.local_stack(options.root).api, event)
    print(json.dumps(report, indent=2) if options.json else as_table(report))
    if not report["complete"]:
        print("it ran out of time: run it again for the rest", file=sys.stderr)
    return 0 if report["complete"] and not report["failures"] else 1


def reconcile_locally(api: str, event: dict[str, int]) -> Report:
    """The report of the local stack's function; raises CannotRunError."""
    with target.explained(f"the local stack at {api}"):
        response = httpx.post(f"{api}/_local/reconcile", json=event, timeout=LONGEST_INVOCATION, trust_env=False)
    document: Report = response.json()
    if response.is_success:
        return document
    problems = "; ".join(f"{error['field']} {error['message']}" for error in document.get("errors", ()))
    raise CannotRunError(problems or document.get("detail", response.text))


def as_table(report: Report) -> str:
    """One line per step: how many records it found, and how many of them were wrong and are repaired."""
    rows = [("step", "found", "repaired")]
    rows += [(name, tally["found"], tally["repaired"]) for name, tally in report.items() if isinstance(tally, dict)]
    lines = [f"{name:<10}{found:>8}{repaired:>10}" for name, found, repaired in rows]
    end = "complete" if report["complete"] else "not complete"
    return "\n".join([*lines, "", f"{end}: {report['repaired']} repaired, {report['failures']} failures"])
