"""A run of one plan: the product, its clients, AWS and Stripe, from the first step to the final checks."""

import hashlib
import json
import math
import os
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import partial
from types import SimpleNamespace
from typing import Any

from local.in_process.api import template
from local.in_process.environment import ENVIRONMENT, WEBHOOK_SECRET
from local.stripe_simulator import Behaviour, Simulator
from local.stripe_simulator.api import rest
from local.stripe_simulator.core import webhooks
from ops.imports import command as importing
from tests.simulation import convergence, determinism
from tests.simulation.actions import DAY, LONGEST_WINDOW
from tests.simulation.bank import Bank
from tests.simulation.catalogues import FILE, ON_SALE, with_tax_and_codes
from tests.simulation.clients import Clients
from tests.simulation.comparison import setbacks
from tests.simulation.database import Database
from tests.simulation.delivery import WebhookDelivery
from tests.simulation.endpoint import Endpoint
from tests.simulation.expiries import Expiries
from tests.simulation.faults import Fault, Faults
from tests.simulation.invocations import Invocations
from tests.simulation.listener import Listener
from tests.simulation.names import MOST_HOLDS, OTHER_URL, OUR_URL, RENAMED, STACK
from tests.simulation.plan import Plan
from tests.simulation.races import Races
from tests.simulation.rules import Violation
from tests.simulation.scheduler import Scheduler
from tests.simulation.service_responses import ServiceResponses
from tests.simulation.shadow import Shadow
from tests.simulation.stripe_account import StripeAccount
from tests.simulation.stripe_side import StripeSide
from tests.simulation.variations import Variation
from topup.domain import holds
from topup.domain.catalogue import Catalogue
from topup.runtime import config, telemetry
from topup.store import credits, expiry, past, waiting
from topup.stripe_gateway import client as stripe_client
from topup.stripe_gateway.translation import EVENT_TYPES

Json = dict[str, Any]

START = datetime(2026, 8, 30, 12, tzinfo=UTC)  # six months later is a shorter month
NEW_SECRET = "whsec_after_the_rotation"
# Writes of lots in a transaction, in most seeds: one lot that is used up, and another one. So a change of a few lots
# needs several transactions, and crashes happen between them. The others have the product's number.
FEW_LOT_WRITES = 3
FEW_ENTRIES = 4  # the ledger of a run is short, and yet it is searched for a moment as a long one is
MOST_OF_A_MONTH = 25 * DAY  # Stripe lists the events of thirty days
PERIOD = 2.5 * DAY  # of the runs by schedule, which look three days back
TEST_KEY, LIVE_KEY = "sk_test_1", "sk_live_1"
OTHER_SECRET = "whsec_of_another_product"

REPLACED: tuple[tuple[Any, str], ...] = (
    (waiting, "SHARDS"),
    (expiry, "SHARDS"),
    (credits, "LOT_WRITES"),
    (past, "FEW"),
    (holds, "MOST_OPEN"),
    (telemetry, "single_metric"),
    (importing, "PROGRESS_EVERY"),
    (config, "catalogue"),
    (rest, "json"),
    (webhooks, "json"),
)


@dataclass
class Outcome:
    """The result of a plan: the violation if there was one, and what happened during the run."""

    plan: Plan
    violation: str | None
    trace: str
    hits: Counter[str] = field(default_factory=Counter)
    commits: int = 0
    invocations: int = 0
    calls: dict[str, int] = field(default_factory=dict)  # to DynamoDB and to Stripe, before the final checks


class World:
    """All parts of a run."""

    def __init__(self, plan: Plan, log: Callable[[str], None] | None = None) -> None:
        self.plan = plan
        self.hits: Counter[str] = Counter()
        self.calls: dict[str, int] = {}
        self.shards = determinism.SHARDS
        self.is_by_schedule = Variation.BY_SCHEDULE in plan.variations
        self._hash = hashlib.sha256()
        self._log = log
        of = partial(determinism.stream, plan.seed)
        self.scheduler = Scheduler(START, of("scheduler"))
        self.invocations = Invocations()
        self.faults = Faults(plan.faults, of("faults"))
        self.database = Database(self.scheduler, self.invocations, self.faults, of("database"), of("half reads"))
        self.shadow = Shadow(self.database, self.scheduler, self.invocations)
        self.checker = ServiceResponses(self.shadow)
        self.clients = Clients(self.scheduler, self.invocations, self.faults, self.shadow, self.checker)
        self.simulator = Simulator(
            "http://stripe.test",
            now=lambda: self.scheduler.now,
            rng=of("stripe"),
            secret_key=key_of(plan),
        )
        self.simulator.add_webhook(OUR_URL, WEBHOOK_SECRET, EVENT_TYPES)
        self.stripe = StripeSide(self.simulator, self.scheduler, self.invocations, self.faults, of("stripe side"))
        self.endpoint = Endpoint(self.simulator, self.scheduler)
        self.account, self.bank = StripeAccount(self.simulator, key_of(plan)), Bank(self.simulator)
        self.expiries = Expiries(self.scheduler, self.database, self.clients, self.faults, of("expiries"))
        self.delivery = WebhookDelivery(self.simulator, self.scheduler, self.clients, self.faults, of("delivery"))
        self.actions = Races(self, of("actions"))
        self._rng = of("world")
        self._snapshots: list[tuple[float, Any]] = []  # backups of the orders, one before each step
        self.listener = Listener(self)
        self._connect(of)

    def _connect(self, of: Callable[[str], Any]) -> None:
        self.clients.use_skew(of("skew"))
        self.delivery.drop(self.plan.faults.get(Fault.WEBHOOK_NEVER_SENT, 0.0))
        self.shadow.on_sale.append(FILE)
        self.shadow.sessions = self.simulator._world.tables["checkout.session"]
        self.database.keeps_old = Fault.STALE_READ in self.plan.faults
        self._vary()
        self.database.written = self._written
        self.shadow.erased = self.checker.erased
        self.shadow.setbacks = partial(setbacks, self.simulator)
        self.database.traced = self.stripe.traced = self._traced
        parts = (self.shadow, self.checker, self.expiries, self.stripe, self.database, self.delivery, self.endpoint)
        for part in (*parts, self.shadow.lines):
            part.hit = self.hit

    def _vary(self) -> None:
        """Make the world as the plan's variations say."""
        varied = self.plan.variations
        self.database.page = varied.get(Variation.SMALL_PAGES)
        self.database.half_read = varied.get(Variation.HALF_READ, 0.0)
        self.stripe.page = varied.get(Variation.SMALL_LISTS)
        if Variation.OTHER_ENDPOINT in varied:
            self.simulator.add_webhook(OTHER_URL, OTHER_SECRET)
        if self.is_by_schedule:
            self.scheduler.start(self._run_by_schedule, PERIOD)
        for variation in varied:
            self.hit(variation)

    def hit(self, name: str) -> None:
        """Count something rare that has happened: a race or an operation."""
        self.hits[name] += 1

    # ------------------------------------------------------------------------------------------------- the run

    def run(self) -> None:
        """Run the plan from its first step to the final checks; raises Violation."""
        for step in self.plan.steps:
            self.scheduler.run_for(step.gap)
            self._traced(f"step {step.what} {step.args}", b"", b"")
            self.copy_orders()
            self.actions.do(step.what, step.args)
        self.finish_calls()
        self.calls = {"dynamodb": self.database.calls, "stripe": self.stripe.calls}
        convergence.converge(self)

    def finish_calls(self) -> None:
        """Let the running invocations finish."""
        self.scheduler.run_for(60.0)
        self.scheduler.run_while(lambda: bool(self.invocations.running))

    def pass_time(self, seconds: float, *, leap: bool = False) -> None:
        """Let days pass, with reconcile on its schedule; or let the clock leap, so that everything due runs late."""
        if leap and seconds <= 5 * DAY:
            self.scheduler.run_while(lambda: bool(self.invocations.running))
            self.scheduler.leap(seconds)
            self.hit("a leap of the clock")
            if seconds > DAY / 2:
                self.reconcile_surely(window_hours=LONGEST_WINDOW)
            return
        # One run stands for the hourly ones: whatever is lost in this time, a later run finds as well, within a month.
        before = min(2.9 * DAY, seconds * 0.9)
        self.scheduler.run_for(before)
        if seconds > DAY / 10:
            self.reconcile_surely()
        left = max(0.0, seconds - before)
        while left > MOST_OF_A_MONTH:
            began = self.scheduler.now
            self.scheduler.run_for(MOST_OF_A_MONTH)
            self.reconcile_surely()  # takes hours where it fails at first
            left -= (self.scheduler.now - began).total_seconds()
        self.scheduler.run_for(max(0.0, left))

    def reconcile(self, *, timeout: float = 300.0, **event: Any) -> Any:
        """One scheduled run; its report, or None if it died."""
        time = self.scheduler.now
        report = self.clients.invoke("reconcile", {"time": time.isoformat(), **event}, timeout=timeout, now=time)
        if report and not report["complete"]:
            self.hit("reconcile runs out of time")
        return report

    def hasty_reconcile(self, seconds: float, slowness: float) -> Any:
        """One run with so little time, each call to Stripe so slow."""
        self.stripe.slowness += slowness
        try:
            return self.reconcile(timeout=seconds)
        finally:
            self.stripe.slowness -= slowness

    def reconcile_surely(self, **event: Any) -> Any:
        """Repeat hourly runs until one is complete; the fourth one has no faults."""
        return self.run_now(lambda: self._reconcile_surely(**event))

    def _reconcile_surely(self, **event: Any) -> Any:
        window = {} if self.is_by_schedule else {"window_hours": LONGEST_WINDOW}
        for number in range(4):
            with self.faults.suspended(number == 3):
                report = self.reconcile(**{**window, **event})
            if report and report["complete"] and not report["failures"] and not report["stuck"]:
                break
            self.scheduler.pause(3600.0)
        return report

    def _run_by_schedule(self) -> None:
        """One run, and the next ones; in truth they come every quarter of an hour."""
        if self.is_by_schedule:
            self.scheduler.start(self._run_by_schedule, PERIOD)
            self._reconcile_surely()

    def run_now(self, run: Callable[[], Any]) -> Any:
        """Run something to its end, and everything that is due meanwhile; its result."""
        results: list[Any] = []
        self.scheduler.start(lambda: results.append(run()))
        self.scheduler.run_while(lambda: not results)
        return results[0]

    # ------------------------------------------------------------------------------------------------- operators

    def use_catalogue(self, edited: Catalogue, file: Json) -> None:
        """Sell what this catalogue has, as it was read from the file."""
        self.shadow.on_sale.append(file)
        on_sale = _on_sale(self.plan, edited)
        config.catalogue = lambda: on_sale  # type: ignore[assignment]

    def rotate_secret(self) -> None:
        """Stripe signs with a new secret; the functions get it now, or some time later."""
        sending = self.simulator._world.webhooks
        sending.secrets = dict.fromkeys(sending.secrets, NEW_SECRET)
        both = f"{NEW_SECRET},{WEBHOOK_SECRET}"
        self.scheduler.start(
            lambda: os.environ.update(STRIPE_WEBHOOK_SECRET=both), self._rng.choice((0.0, 20.0, 200.0))
        )

    def use_other_mode(self, seconds: float) -> None:
        """The functions have the key of the account's other mode, and call that one, for so long."""
        self.finish_calls()
        key = TEST_KEY if key_of(self.plan) == LIVE_KEY else LIVE_KEY
        other = Simulator("http://stripe.test", now=lambda: self.scheduler.now, rng=self._rng, secret_key=key)
        self.stripe.use(other)
        self.delivery.is_right_mode = False
        os.environ["STRIPE_SECRET_KEY"] = key
        self.hit("the key of the other mode")
        self.scheduler.start(lambda: self._use_key(self.plan), seconds)

    def _use_key(self, plan: Plan) -> None:
        self.stripe.use(self.simulator)
        self.delivery.is_right_mode = True
        os.environ["STRIPE_SECRET_KEY"] = key_of(plan)

    def rename_stack(self) -> None:
        """The stack is replaced by one with another name, for the same tables and the same endpoint."""
        os.environ.update(STACK_NAME=RENAMED, FORMER_STACK_NAMES=STACK)
        config.settings.cache_clear()
        self.hit("the stack has another name")

    def copy_orders(self) -> None:
        """Make a backup of the table of orders."""
        self._snapshots.append((self.scheduler.seconds, self.database.copy_of_orders()))

    def restore_orders(self, steps: int) -> None:
        """The table of orders alone is restored to one of its last backups, of a day ago at most."""
        self.finish_calls()
        recent = [copy for seconds, copy in self._snapshots if self.scheduler.seconds - seconds < DAY]
        if not recent:
            return
        self.database.restore_orders(recent[-min(steps, len(recent))])
        self.shadow.restored()
        self.listener.restored()
        # The operator lets reconcile walk through all that Stripe has, delivered or not.
        self.reconcile_surely(all=True, window_hours=LONGEST_WINDOW)
        self.hit("the table of orders is restored alone")

    def stop_faults(self) -> None:
        """End all faults."""
        self.faults.end()
        self.simulator.set_webhooks(Behaviour())
        self.delivery.down_until = 0.0
        self.endpoint.restore()
        self.stripe.planned.clear()
        self.database.forget_planned()
        self._use_key(self.plan)

    # ------------------------------------------------------------------------------------------------- callbacks

    def _written(self, touched: set[tuple[str, str]]) -> None:
        self.shadow.written(touched)
        self.expiries.written(touched)
        self.listener.written(touched)

    def _traced(self, what: str, sent: bytes, response: bytes | Json) -> None:
        invocation = self.invocations.current
        who = f"{invocation.function} {invocation.number}" if invocation else "-"
        # What was read follows from what was written before: that is only for the log.
        self._hash.update(f"{self.scheduler.micros} {who} {what}\n".encode() + sent)
        if isinstance(response, bytes):
            self._hash.update(response)
        if self._log:
            when = f"{self.scheduler.now:%Y-%m-%d %H:%M:%S.%f}"
            shown = response if isinstance(response, bytes) else json.dumps(response).encode()
            self._log(f"{when} {who:22} {what} {sent.decode()[:400]} → {shown.decode()[:200]}")

    @property
    def trace(self) -> str:
        """A hash of all calls of the run, in sixteen digits: equal for equal runs."""
        return self._hash.hexdigest()[:16]


def _on_sale(plan: Plan, catalogue: Catalogue) -> Catalogue:
    behavior = plan.variations.get(Variation.TAX_AND_CODES)
    return with_tax_and_codes(catalogue, behavior) if behavior else catalogue


def key_of(plan: Plan) -> str:
    """The Stripe key of a run."""
    return LIVE_KEY if Variation.LIVE_MODE in plan.variations else TEST_KEY


def simulate(
    plan: Plan, log: Callable[[str], None] | None = None, inject: tuple[str, int, Fault] | None = None
) -> Outcome:
    """Run a plan; `inject`: one fault, and the side and the number of the call that has it."""
    with _environment(plan):
        world = World(plan, log)
        if inject:
            side, call, fault = inject
            (world.database if side == "dynamodb" else world.stripe).inject_at = (call, fault)
        with determinism.controlled(world.scheduler, plan.seed), world.database, _stripe(world.stripe):
            violation = None
            try:
                world.run()
            except Violation as found:
                violation = str(found)
            finally:
                world.stop_faults()
                world.scheduler.end()
    hits = world.hits + Counter(world.faults.hits)
    hits[Fault.WEBHOOK_NEVER_SENT] += sum(one["state"] == "dropped" for one in world.simulator.deliveries())
    return Outcome(plan, violation, world.trace, hits, world.shadow.commit, world.invocations.count, world.calls)


@contextmanager
def _environment(plan: Plan) -> Iterator[None]:
    """The environment of deployed functions, without logs and metrics; few index shards and small transactions."""
    kept = {name: os.environ.get(name) for name in (*ENVIRONMENT, *template().environment)}
    os.environ.update(template().environment | ENVIRONMENT | {"STRIPE_SECRET_KEY": key_of(plan)})
    before = [(owner, name, getattr(owner, name)) for owner, name in REPLACED]
    waiting.SHARDS = expiry.SHARDS = determinism.SHARDS
    holds.MOST_OPEN = MOST_HOLDS
    if Variation.MANY_LOT_WRITES not in plan.variations:
        credits.LOT_WRITES = FEW_LOT_WRITES
    past.FEW = FEW_ENTRIES
    # Stripe indents its JSON, which costs time to write and to read and changes nothing.
    rest.json = webhooks.json = SimpleNamespace(dumps=_compact)  # type: ignore[assignment, attr-defined]
    telemetry.single_metric = _no_metric  # type: ignore[assignment, attr-defined]
    importing.PROGRESS_EVERY = math.inf  # no line of progress
    level = telemetry.logger.log_level
    on_sale = _on_sale(plan, ON_SALE)
    config.catalogue = lambda: on_sale  # type: ignore[assignment]
    config.settings.cache_clear()
    telemetry.logger.setLevel("CRITICAL")
    try:
        yield
    finally:
        for owner, name, value in before:
            setattr(owner, name, value)
        telemetry.logger.setLevel(level)
        config.settings.cache_clear()
        for name, value in kept.items():
            if value is None:
                os.environ.pop(name, None)
            else:
                os.environ[name] = value


def _compact(value: Any, **_: Any) -> str:
    return json.dumps(value)


@contextmanager
def _no_metric(**_: Any) -> Iterator[Any]:
    yield SimpleNamespace(add_dimension=lambda *_: None)


@contextmanager
def _stripe(side: StripeSide) -> Iterator[None]:
    make = stripe_client.http_client
    stripe_client.http_client = lambda: side
    stripe_client._client_of.cache_clear()
    try:
        yield
    finally:
        stripe_client.http_client = make
        stripe_client._client_of.cache_clear()
