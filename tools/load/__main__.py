"""`make load`: many buyers, spenders and administrators at once against a local stack of its own, with accidents.

It ends with the audit and with the load's own bookkeeping: exit 1 if either finds that a credit was lost or made up.
The figures are this machine's, not Lambda's.
"""

import argparse
import json
import sys
import time
from collections.abc import Callable
from contextlib import closing
from pathlib import Path
from typing import Any

from local.launcher import Stack, running
from ops.audit import Audit
from tools.load import drain
from tools.load import stats as reporting
from tools.load.actors import People
from tools.load.client import Caller
from tools.load.drain import UnsettledError
from tools.load.expected import Books
from tools.load.faults import Weather
from tools.load.stats import Figures
from tools.load.workers import Crowd
from tools.load.workload import Size, plan, users_of

PROGRESS_EVERY = 5.0  # seconds
DEFAULTS = Size(purchases=200, spends=2000, users=40, concurrency=16, seed=1, seconds=180)


class Progress:
    """A line every few seconds, for whoever waits."""

    def __init__(self) -> None:
        self._began = time.monotonic()
        self._next = self._began + PROGRESS_EVERY

    def __call__(self, crowd: Crowd) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PROGRESS_EVERY
            self.say(f"{crowd.done} jobs done, {crowd.left} left")

    def say(self, words: str) -> None:
        print(f"… {time.monotonic() - self._began:4.0f} s  {words}", file=sys.stderr, flush=True)


def main(arguments: list[str], before_audit: Callable[[Stack], None] = lambda _stack: None) -> int:
    """`before_audit`: something else to happen once everything has come to rest."""
    options = _parser().parse_args(arguments)
    size = Size(**{name: value for name, value in vars(options).items() if name != "json"})
    with running() as stack:
        figures, books = Figures(), Books()
        with closing(Caller(stack, figures, size.concurrency)) as caller:
            return _load(caller, size, figures, books, options.json, before_audit)


def _load(
    caller: Caller, size: Size, figures: Figures, books: Books, file: Path | None, before_audit: Callable[[Stack], None]
) -> int:
    progress = Progress()
    seconds, left = _traffic(caller, size, figures, books, progress)
    measured = figures.summary(seconds)
    webhooks = drain.count_webhooks(caller, figures)
    try:
        drain.settle(caller, figures, progress.say)
    except UnsettledError as error:
        print(f"not settled: {error}", file=sys.stderr)
        return 1
    before_audit(caller.stack)
    progress.say("auditing")
    checked = drain.audited(caller)
    findings = [*checked.findings, *drain.violations_of(caller, books, users_of(size))]
    document = reporting.as_json(
        measured,
        figures.counts,
        size=vars(size),
        seconds=round(seconds, 1),
        jobs_left=left,
        webhooks_per_second=round(webhooks / seconds, 1),
        violations=findings,
    )
    _report(document, checked)
    if file:
        file.write_text(json.dumps(document, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if findings else 0


def _traffic(caller: Caller, size: Size, figures: Figures, books: Books, progress: Progress) -> tuple[float, int]:
    """All jobs, or those that the time was enough for; the seconds that it took, and how many are left."""
    crowd = Crowd(plan(size), size.seed, time.monotonic() + size.seconds)
    people = People(caller, books, figures, size.seed)
    began = time.monotonic()
    with Weather(caller, figures, size.seed):
        crowd.run(people.do, size.concurrency, progress)
    return time.monotonic() - began, crowd.left


def _report(document: dict[str, Any], checked: Audit) -> None:
    print(f"\n{document['seconds']} s of traffic from {document['size']['concurrency']} clients at once", end="")
    print(f"; {document['jobs_left']} jobs were left when the time was up\n" if document["jobs_left"] else "\n")
    print(reporting.table(document["kinds"]))
    print(f"\n{reporting.listed(document['counts'])}")
    print(f"webhooks answered a second: {document['webhooks_per_second']}")
    print(f"\naudit: {checked}")
    for finding in document["violations"]:
        print(finding)
    print(f"{len(document['violations'])} violations")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="python -m tools.load", description="A bounded load run on this machine.")
    parser.add_argument("--purchases", type=_positive, default=DEFAULTS.purchases)
    parser.add_argument("--spends", type=_positive, default=DEFAULTS.spends)
    parser.add_argument("--users", type=_positive, default=DEFAULTS.users)
    parser.add_argument("--concurrency", type=_positive, default=DEFAULTS.concurrency, help="clients at once")
    parser.add_argument("--seed", type=int, default=DEFAULTS.seed, help="the same seed plans the same jobs")
    parser.add_argument("--seconds", type=float, default=DEFAULTS.seconds, help="start no job after so long")
    parser.add_argument("--json", type=Path, metavar="FILE", help="write the figures there too")
    return parser


def _positive(text: str) -> int:
    number = int(text)
    if number < 1:
        raise ValueError
    return number


if __name__ == "__main__":
    try:
        sys.exit(main(sys.argv[1:]))
    except KeyboardInterrupt:
        sys.exit("interrupted: what was under way has ended, nothing was checked")
