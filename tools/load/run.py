"""One load run on a stack that runs: traffic with faults, then everything is delivered, reconciled and checked."""

import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import closing, contextmanager
from typing import Any

import httpx

from local import discovery
from local.client import Client, document
from local.launcher import Stack
from ops import target
from ops.audit import Audit, audit, clock_of
from tools.load import drain, workers
from tools.load.actors import Actors
from tools.load.client import PATIENCE, MeasuredSend
from tools.load.expected import Account, Expected, taken_minor
from tools.load.faults import faults
from tools.load.stats import Stats
from tools.load.workload import Size, plan

Figures = dict[str, Any]
Say = Callable[[str], None]


def run(
    stack: Stack, size: Size, say: Say, settle: Callable[[Client], None], before_audit: Callable[[Stack], None]
) -> tuple[Figures, Audit]:
    """The figures, with every violation, and the audit; raises BrokenPromiseError.

    `settle` is called when the traffic is over, `before_audit` when everything has been delivered and reconciled.
    """
    stats, expected = Stats(), Expected()
    with client_of(stack.api_url, stack.stripe_url, stack.values, size, stats) as client:
        figures = _traffic(client, size, stats, expected, say)
        settle(client)
        drain.settle(client, stats, say)
        before_audit(stack)
        say("auditing")
        audited = _audited(stack)
        figures["violations"] = [*audited.findings, *violations(client, size, expected)]
    figures["counts"] = {of: dict(counted.most_common()) for of, counted in stats.counts.items()}
    return figures, audited


@contextmanager
def client_of(
    api: str,
    stripe: str,
    values: Mapping[str, str],
    size: Size,
    stats: Stats,
    transport: httpx.BaseTransport | None = None,
) -> Iterator[Client]:
    """A client for so many threads, whose requests are measured; `values` are the stack's settings.

    `transport` carries the requests to the API where it is not to be had at its address.
    """
    limits = httpx.Limits(max_connections=size.concurrency + 2, max_keepalive_connections=size.concurrency + 2)
    mounts = {api: transport} if transport else None
    with closing(httpx.Client(trust_env=False, timeout=PATIENCE, limits=limits, mounts=mounts)) as http:
        yield Client(api, stripe, values, MeasuredSend(http, stats))


def _traffic(client: Client, size: Size, stats: Stats, expected: Expected, say: Say) -> Figures:
    """Do the jobs, or as many as there is time for; what was measured."""
    jobs, began = plan(size, Actors(client, expected, stats)), time.monotonic()
    with faults(client.stripe, stats, size.seed):
        workers.run(jobs, size, expected, say)
    seconds = time.monotonic() - began
    return {
        "size": vars(size),
        "seconds": round(seconds, 1),
        "jobs_left": len(jobs),
        "webhooks_per_second": round(drain.count_webhooks(client, stats) / seconds, 1),
        "kinds": stats.summary(seconds),
        "server_errors": stats.server_errors(),
    }


def _audited(stack: Stack) -> Audit:
    """What `make audit` finds in the stack's tables."""
    found = discovery.of(stack)
    with target.tables(found.environment):
        return audit(clock_of(found))


def violations(client: Client, size: Size, expected: Expected) -> list[str]:
    """What the API shows that does not follow from what was done."""
    accounts = {user: account_of(client, user) for user in size.user_ids}
    taken = taken_minor(client.stripe.listed("/refunds"), client.stripe.listed("/disputes"))
    return expected.violations(accounts, taken)


def account_of(client: Client, user: str) -> Account:
    """A user's balance and spends, as the API shows them."""
    ledger = client.api.ledger(user, kind="transactions")
    spends = [(entry["id"], -entry["amount"]) for entry in ledger if entry["transaction_type"] == "spent"]
    return Account(document(client.api.credits(user, kind="credits"))["balance"], spends)
