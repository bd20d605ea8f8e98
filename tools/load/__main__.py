"""`make load`: many buyers, spenders and administrators at once against a new local stack, with faults.

At the end it runs the audit and its own check: exit 1 if either finds that a credit was lost or made up.
The figures are this machine's, not Lambda's.
"""

import argparse
import json
import random
import sys
import time
from collections.abc import Callable, Sequence
from concurrent.futures import FIRST_COMPLETED, Future, ThreadPoolExecutor, wait
from contextlib import closing
from pathlib import Path
from typing import Any

import httpx

from local import discovery
from local.client import BrokenPromiseError, Client, document
from local.launcher import Stack, running
from ops import target
from ops.audit import Audit, audit, clock_of
from tools.load import drain
from tools.load import stats as reporting
from tools.load.actors import Actors, Job
from tools.load.client import PATIENCE, MeasuredSend, NoResponseError
from tools.load.expected import Account, Expected, taken_minor
from tools.load.faults import faults
from tools.load.stats import Stats
from tools.load.workload import Size, plan

PROGRESS_EVERY = 5.0  # seconds
DEFAULTS = Size(purchases=200, spends=2000, users=40, concurrency=16, seed=1, seconds=180)


def main(arguments: list[str], before_audit: Callable[[Stack], None] = lambda _stack: None) -> int:
    """`before_audit` is called when everything has been delivered and reconciled."""
    options = vars(_parser().parse_args(arguments))
    file: Path | None = options.pop("json")
    size, stats, expected = Size(**options), Stats(), Expected()
    limits = httpx.Limits(max_connections=size.concurrency + 2, max_keepalive_connections=size.concurrency + 2)
    with running() as stack, closing(httpx.Client(trust_env=False, timeout=PATIENCE, limits=limits)) as http:
        client = Client(stack.api_url, stack.stripe_url, stack.values, MeasuredSend(http, stats))
        figures = _traffic(client, size, stats, expected)
        try:
            drain.settle(client, stats, _say)
        except BrokenPromiseError as error:
            print(error, file=sys.stderr)
            return 1
        before_audit(stack)
        _say("auditing")
        audited = _audited(stack)
        figures["violations"] = [*audited.findings, *_violations(client, size, expected)]
    figures["counts"] = {of: dict(counted.most_common()) for of, counted in stats.counts.items()}
    _report(figures, audited)
    if file:
        file.write_text(json.dumps(figures, indent=2, ensure_ascii=False) + "\n", encoding="utf-8")
    return 1 if figures["violations"] else 0


def _traffic(client: Client, size: Size, stats: Stats, expected: Expected) -> dict[str, Any]:
    """Do the jobs, or as many as there is time for; what was measured."""
    jobs, began = plan(size, Actors(client, expected, stats)), time.monotonic()
    with faults(client.stripe, stats, size.seed):
        _run(jobs, size, expected)
    seconds = time.monotonic() - began
    return {
        "size": vars(size),
        "seconds": round(seconds, 1),
        "jobs_left": len(jobs),
        "webhooks_per_second": round(drain.count_webhooks(client, stats) / seconds, 1),
        "kinds": stats.summary(seconds),
    }


def _run(jobs: list[Job], size: Size, expected: Expected) -> None:
    """Take jobs off the list until it is empty or the time is up. Raises what a job has raised."""
    rng = random.Random(size.seed)  # noqa: S311 - no secret
    began = reported = time.monotonic()
    running_jobs: set[Future[Sequence[Job]]] = set()
    with ThreadPoolExecutor(size.concurrency) as pool:
        while True:
            while jobs and len(running_jobs) < size.concurrency and time.monotonic() - began < size.seconds:
                running_jobs.add(pool.submit(jobs.pop(0)))
            if not running_jobs:
                return
            done, running_jobs = wait(running_jobs, timeout=1, return_when=FIRST_COMPLETED)
            for job in done:
                try:
                    for following in job.result():
                        jobs.insert(rng.randint(0, len(jobs)), following)
                except NoResponseError as error:
                    expected.without_response.append(str(error))
            if time.monotonic() - reported > PROGRESS_EVERY:
                reported = time.monotonic()
                _say(f"{len(jobs)} jobs left after {reported - began:.0f} s")


def _audited(stack: Stack) -> Audit:
    """What `make audit` finds in the stack's tables."""
    found = discovery.of(stack)
    with target.tables(found.environment):
        return audit(clock_of(found))


def _violations(client: Client, size: Size, expected: Expected) -> list[str]:
    accounts = {}
    for user in size.user_ids:
        ledger = client.api.ledger(user, kind="transactions")
        spends = [(entry["id"], -entry["amount"]) for entry in ledger if entry["transaction_type"] == "spent"]
        accounts[user] = Account(document(client.api.credits(user, kind="credits"))["balance"], spends)
    return expected.violations(
        accounts, taken_minor(client.stripe.listed("/refunds"), client.stripe.listed("/disputes"))
    )


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
    parser.add_argument("--purchases", type=_positive, default=DEFAULTS.purchases)
    parser.add_argument("--spends", type=_positive, default=DEFAULTS.spends)
    parser.add_argument("--users", type=_positive, default=DEFAULTS.users)
    parser.add_argument("--concurrency", type=_positive, default=DEFAULTS.concurrency, help="clients at once")
    parser.add_argument("--seed", type=int, default=DEFAULTS.seed, help="the same seed plans the same jobs")
    parser.add_argument("--seconds", type=float, default=DEFAULTS.seconds, help="start no job after this time")
    parser.add_argument("--json", type=Path, metavar="FILE", help="also write the figures to this file")
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
        sys.exit("interrupted: running jobs were finished, nothing was checked")
