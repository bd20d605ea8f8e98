"""`make load`: many buyers, spenders and administrators at once against a new local stack, with faults.

At the end it runs the audit and its own check: exit 1 if either finds that a credit was lost or made up.
The figures are this machine's, not Lambda's.
"""

import argparse
import json
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

from local.client import BrokenPromiseError
from local.launcher import Stack, running
from ops.audit import Audit
from tools.load import stats as reporting
from tools.load.run import run
from tools.load.workload import Size

DEFAULTS = Size(purchases=200, spends=2000, users=40, concurrency=16, seed=1, seconds=180)


def main(arguments: list[str], before_audit: Callable[[Stack], None] = lambda _stack: None) -> int:
    """`before_audit` is called when everything has been delivered and reconciled."""
    options = vars(_parser().parse_args(arguments))
    file: Path | None = options.pop("json")
    with running() as stack:
        try:
            figures, audited = run(stack, Size(**options), _say, lambda _client: None, before_audit)
        except BrokenPromiseError as error:
            print(error, file=sys.stderr)
            return 1
    _report(figures, audited)
    if file:
        file.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if figures["violations"] else 0


def _report(figures: dict[str, Any], audited: Audit) -> None:
    print(f"\n{figures['seconds']} s of traffic from {figures['size']['concurrency']} clients at once", end="")
    print(f"; {figures['jobs_left']} jobs were left when the time was up\n" if figures["jobs_left"] else "\n")
    print(reporting.table(figures["kinds"]))
    print(f"\n{reporting.listed(figures['counts'])}")
    print(f"webhook requests handled a second: {figures['webhooks_per_second']}")
    print(f"\naudit: {audited}")
    for finding in figures["violations"]:
        print(finding)
    print(f"{len(figures['violations'])} violations")


def _say(words: str) -> None:
    print(f"… {words}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.load", description="A bounded load run on this machine.")
    parser.add_argument("--purchases", type=positive, default=DEFAULTS.purchases)
    parser.add_argument("--spends", type=positive, default=DEFAULTS.spends)
    parser.add_argument("--users", type=positive, default=DEFAULTS.users)
    parser.add_argument("--concurrency", type=positive, default=DEFAULTS.concurrency, help="clients at once")
    parser.add_argument("--seed", type=int, default=DEFAULTS.seed, help="the same seed plans the same jobs")
    parser.add_argument("--seconds", type=float, default=DEFAULTS.seconds, help="start no job after this time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
    return parser


def positive(text: str) -> int:
    """A whole number from 1 on; raises ValueError."""
    number = int(text)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted: running jobs were finished, nothing was checked")
