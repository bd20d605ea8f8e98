"""`make reconcile`: run the reconcile function now and show its report. Exit 1 if something could not be mended."""

import argparse
import json
import sys
from pathlib import Path
from typing import Any

import httpx

from local import ROOT
from ops import target
from ops.target import LONGEST_INVOCATION, TargetError


def reconcile_locally(api: str, asked: dict[str, int]) -> dict[str, Any]:
    """The report of the local stack's run; raises TargetError."""
    answer = httpx.post(f"{api}/_local/reconcile", json=asked, timeout=LONGEST_INVOCATION, trust_env=False)
    document: dict[str, Any] = answer.json()
    if answer.is_success:
        return document
    problems = "; ".join(f"{error['field']} {error['message']}" for error in document.get("errors", ()))
    raise TargetError(problems or document.get("detail", answer.text))


def main(arguments: list[str], root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="make reconcile", description="Finds what was lost, and repairs it.")
    parser.add_argument("--stack", help="a deployed stack's name, instead of the local stack that runs")
    parser.add_argument("--window-hours", type=int, help="how far back to look for events (72; at most 720)")
    parser.add_argument("--sweep-after-hours", type=int, help="how long ago a lot must have expired (48; 0 for all)")
    options = vars(parser.parse_args(arguments))
    stack = options.pop("stack")
    asked = {name: hours for name, hours in options.items() if hours is not None}
    try:
        if stack:
            report = target.invoke_deployed(stack, "ReconcileFunction", asked)
        else:
            report = reconcile_locally(target.local_stack(root).api, asked)
    except (TargetError, httpx.HTTPError) as error:
        print(f"cannot reconcile: {error}", file=sys.stderr)
        return 2
    print(json.dumps(report, indent=2))
    if not report["complete"]:
        print("it ran out of time: run it again for the rest", file=sys.stderr)
    return 0 if report["complete"] and not report["failures"] else 1


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
