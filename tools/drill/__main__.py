"""`make drill` and `make chaos`: lose the tables and restore them, or let AWS fail under load; then check everything.

Exit 1 where a check finds something that docs/drills.md does not foresee, 2 where the drill cannot run.
"""

import argparse
import sys
import time
from argparse import Namespace
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

from local.client import BrokenPromiseError
from local.launcher import StackFailedError
from ops import region
from ops.errors import CannotRunError
from tools.drill import chaos, restore
from tools.drill.report import Report
from tools.load.__main__ import positive
from tools.load.workload import Size
from topup.domain.errors import ConfigurationError

SIZES = {
    "restore": Size(purchases=40, spends=200, users=10, concurrency=8, seed=1, seconds=120),
    "chaos": Size(purchases=80, spends=600, users=20, concurrency=8, seed=1, seconds=180),
}
FAULTS = "throttle:0.05,timeout_after:0.02,duplicate:0.1"


def main(arguments: list[str]) -> int:
    options = _parser().parse_args(arguments)
    reports: list[Report] = []
    try:
        for report in _reports(options, _size(options)):
            reports.append(report)
            print(f"\n{report.markdown()}", flush=True)
    except (BrokenPromiseError, StackFailedError) as error:
        print(f"the drill could not go on: {error}", file=sys.stderr)
        return 1
    except (CannotRunError, ConfigurationError) as error:
        print(f"cannot run the drill: {getattr(error, 'detail', error)}", file=sys.stderr)
        return 2
    finally:
        if options.out and reports:
            options.out.write_text(_page(reports), encoding="utf-8")
    return 1 if any(report.problems for report in reports) else 0


def _reports(options: Namespace, size: Size) -> Iterator[Report]:
    if options.drill == "restore":
        yield from (restore.run(what, size, _say) for what in options.what or restore.WHAT)
    elif options.stack:
        region.as_the_cli_reads_it()
        name = f"chaos-{int(time.time())}"  # other users than at the last time
        yield chaos.on_deployed(options.stack, replace(size, purchases=0, name=name), _say)
    else:
        yield chaos.on_own_stack(options.faults, size, _say)


def _size(options: Namespace) -> Size:
    given = {name: value for name, value in vars(options).items() if name in vars(SIZES["chaos"]) and value}
    return replace(SIZES[options.drill], **given)


def _page(reports: list[Report]) -> str:
    return "\n".join([f"# Drill of {reports[0].began:%Y-%m-%d}", "", *(report.markdown() for report in reports)])


def _say(words: str) -> None:
    print(f"… {words}", file=sys.stderr, flush=True)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.drill", description="Drills; docs/drills.md explains them.")
    drills = parser.add_subparsers(dest="drill", required=True)
    first = drills.add_parser("restore", help="lose the tables of a local stack, and restore them")
    first.add_argument("--what", action="append", choices=list(restore.WHAT), help="which tables (default: each way)")
    second = drills.add_parser("chaos", help="let AWS fail under load")
    second.add_argument("--stack", help="a deployed stack whose parameter Chaos is set (default: an own local stack)")
    second.add_argument("--faults", default=FAULTS, help=f"of the own local stack (default: {FAULTS})")
    for one in (first, second):
        one.add_argument("--out", type=Path, metavar="FILE", help="also write the report to this file")
        for name in ("purchases", "spends", "users", "concurrency", "seed"):
            one.add_argument(f"--{name}", type=positive)
        one.add_argument("--seconds", type=float, help="start no job after this time")
    return parser


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
