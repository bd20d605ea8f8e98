"""The chaos drill: AWS throttles, loses answers and delivers twice, under load; then everything must add up.

On a local stack of its own, or on a deployed one whose parameter Chaos is set.
"""

import json
import tempfile
import time
from collections import Counter
from collections.abc import Iterable, Set
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import boto3
import httpx

from local import ROOT
from local.client import Client, UnexpectedStatusError
from local.launcher import Stack, running
from ops import deployed, target, user_token
from ops.deployed import Deployment
from ops.errors import CannotRunError
from tools.drill.commands import Commands, make_home
from tools.drill.report import Report, Step, table
from tools.drill.traffic import Say
from tools.load import stats as reporting
from tools.load import workers
from tools.load.actors import Actors
from tools.load.expected import Expected
from tools.load.run import account_of, client_of, run
from tools.load.stats import Stats
from tools.load.workload import Size, plan
from topup.domain.errors import ConfigurationError
from topup.runtime import chaos
from topup.runtime.start import CHAOS

LOGS_COME_WITHIN = 60.0  # seconds, from a function's line to CloudWatch
LOGS_LOOKED_AT_EVERY = 2.0  # seconds
MOST_RUNS = 5  # of reconcile, which meets faults itself
Faults = Counter[tuple[str, str]]  # by kind, and by the request or function


def on_own_stack(faults: str, size: Size, say: Say) -> Report:
    """Start a local stack with these faults, and drill it; raises ConfigurationError for faults that do not exist."""
    asked = [kind for kind, share in chaos.shares(faults).items() if share]
    report = Report(f"Chaos on a local stack: {faults}")
    with tempfile.TemporaryDirectory(prefix="topup-drill-") as folder:
        home = Path(folder)
        make_home(home)
        with running(ROOT, home, **{CHAOS: faults}) as stack:
            with report.step("Load, with faults of AWS and Stripe; then all is reconciled, without faults") as step:
                _load(report, step, stack, size, say, asked)
            with report.step("Audit, also against Stripe") as step:
                _audit(report, step, Commands(home))
    return report


def _load(report: Report, step: Step, stack: Stack, size: Size, say: Say, asked: Iterable[str]) -> None:
    injected: Faults = Counter()

    def settle(client: Client) -> None:
        with suppress(UnexpectedStatusError):  # it may meet faults, too
            client.local.reconcile()
        client.local.call("PUT", "/parameters", {"Chaos": ""})
        injected.update(_faults_in(Path(stack.log).read_text(encoding="utf-8").splitlines()))

    figures, audited = run(stack, size, say, settle, lambda _stack: None)
    _tell_figures(step, figures["kinds"], figures["server_errors"], figures["seconds"])
    step.lines += ["```text", *reporting.listed(figures["counts"]).splitlines(), "```", ""]
    _judge(report, step, injected, asked)
    report.problems += figures["violations"]
    step.say(f"The tables: `{audited}`; balances and histories are compared with what was done.")


def _audit(report: Report, step: Step, commands: Commands, *stack: str) -> None:
    code, lines = commands.run(step, "audit", "--stripe", *stack)
    if code:
        report.problems += [f"the audit: {line}" for line in lines[:-1]]


def _judge(report: Report, step: Step, injected: Faults, asked: Iterable[str]) -> None:
    """Show what was injected. A run without one of the faults that were asked for has shown nothing about it."""
    step.say("Injected faults:")
    step.lines += table(["fault", "where", "times"], [[*key, number] for key, number in injected.most_common()])
    kinds = {kind for kind, _ in injected}
    report.problems += [f"no {kind} was injected: the run was too small" for kind in asked if kind not in kinds]


def _tell_figures(step: Step, kinds: Any, errors: Any, seconds: float) -> None:
    share = f"{errors['5xx']} of {errors['responses']} responses were 5xx ({errors['percent']} %)"
    step.say(f"{seconds:.0f} s of traffic from many clients at once: {share}. Each was sent again, with its key.")
    step.lines += ["", reporting.table(kinds), ""]


def _faults_in(lines: Iterable[str]) -> Faults:
    found: Faults = Counter()
    for line in lines:
        start = line.find("{")
        if chaos.MESSAGE in line and start >= 0:
            record = json.loads(line[start:])
            found[record["fault"], record["where"]] += 1
    return found


# ------------------------------------------------------------------------------------------------- a deployed stack


def on_deployed(stack: str, size: Size, say: Say, transport: httpx.BaseTransport | None = None) -> Report:
    """Drill a deployed stack; raises CannotRunError where that must not be, or where no faults are set.

    No credits are bought, because nobody can pay at Stripe's own page: they are given. `transport` carries the requests
    to an API that is not to be had at its address.
    """
    found = deployed.find(stack)
    faults = allowed(found)
    report = Report(f"Chaos on {stack}: {faults}")
    with report.step("Load, with faults of AWS") as step:
        _load_deployed(report, step, found, size, say, transport)
    commands = Commands(ROOT)
    with report.step("Reconcile, until nothing is left") as step:
        if not any(commands.run(step, "reconcile", "--stack", stack)[0] == 0 for _ in range(MOST_RUNS)):
            report.problems.append(f"reconcile failed {MOST_RUNS} times")
    with report.step("Audit, also against Stripe") as step:
        _audit(report, step, commands, "--stack", stack)
    return report


def allowed(found: Deployment) -> str:
    """The faults that a stack has; raises CannotRunError where it has none, or where its money is real."""
    try:
        chaos.refuse_stage(found.stack, found.secrets_prefix)
    except ConfigurationError as error:
        raise CannotRunError(error.detail) from error
    if "_live_" in deployed.stripe_key(found.secrets_prefix):
        raise CannotRunError(f"stack {found.stack} has a live Stripe key: no drill may touch it")
    faults = found.environment.get(CHAOS, "")
    if not faults:
        raise CannotRunError(
            f'stack {found.stack} has no faults: make deploy STAGE=… SET="Chaos=throttle:0.05,timeout_after:0.02", '
            'and SET="Chaos=" when the drill is over'
        )
    return faults


def _load_deployed(
    report: Report, step: Step, found: Deployment, size: Size, say: Say, transport: httpx.BaseTransport | None
) -> None:
    stats, expected, began = Stats(), Expected(), datetime.now(UTC)
    with client_of(found.outputs["ApiUrl"], "", _values(found), size, stats, transport) as client:
        started = time.monotonic()
        workers.run(plan(size, Actors(client, expected, stats)), size, expected, say)
        seconds = time.monotonic() - started
        _tell_figures(step, stats.summary(seconds), stats.server_errors(), seconds)
        accounts = {user: account_of(client, user) for user in size.user_ids}
        report.problems += expected.violations(accounts, {})
    shares = chaos.shares(found.environment[CHAOS])
    asked = {kind for kind, share in shares.items() if share} - {chaos.DUPLICATE}  # no payment, perhaps no event twice
    say("waiting for the logs")
    _judge(report, step, _logged(found.stack, began, asked), sorted(asked))


def _logged(stack: str, began: datetime, asked: Set[str]) -> Faults:
    """What was injected, as soon as the logs tell of each kind that was asked for; their last lines may be missing."""
    deadline = time.monotonic() + LOGS_COME_WITHIN
    while True:
        injected = injected_since(stack, began)
        if asked <= {kind for kind, _ in injected} or time.monotonic() > deadline:
            return injected
        time.sleep(LOGS_LOOKED_AT_EVERY)


def _values(found: Deployment) -> dict[str, str]:
    """The settings and secrets by which the drill calls the API; no request of it needs the Stripe key."""
    stored = deployed.read_parameters(found.secrets_prefix, ("PROXY_API_KEY",))
    key = stored.get("PROXY_API_KEY", {}).get("Value", "")
    return {**user_token.of_deployed(found), "PROXY_API_KEY": key, "STRIPE_SECRET_KEY": ""}


def injected_since(stack: str, began: datetime) -> Faults:
    """What the functions of a deployed stack have logged of faults; raises CannotRunError."""
    found: Faults = Counter()
    with target.explained(f"the logs of stack {stack}"):
        logs: Any = boto3.client("logs")
        groups = logs.get_paginator("describe_log_groups").paginate(logGroupNamePrefix=f"/aws/lambda/{stack}/")
        for group in [group["logGroupName"] for page in groups for group in page["logGroups"]]:
            pages = logs.get_paginator("filter_log_events").paginate(
                logGroupName=group, startTime=int(began.timestamp() * 1000), filterPattern=f'"{chaos.MESSAGE}"'
            )
            found += _faults_in(event["message"] for page in pages for event in page["events"])
    return found
