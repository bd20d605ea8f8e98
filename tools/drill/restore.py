"""The restore drill: back up, go on, destroy, restore to the moment, adopt, reconcile the gap, audit.

Its steps are those of docs/runbook.md, "Restoring the tables", on a local stack of its own, with the same commands.
"""

import json
import tempfile
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from local import ROOT, environment
from local.aws import template
from local.client import Client, document
from local.launcher import Stack, running
from local.settings import Settings
from tools.drill.commands import Commands, make_home
from tools.drill.report import Report, Step, table
from tools.drill.tables import KINDS, NAMES, Tables
from tools.drill.traffic import Say, Traffic
from tools.load import drain
from tools.load.expected import Expected
from tools.load.run import client_of, violations
from tools.load.stats import Stats
from tools.load.workload import Size

THIRTY_DAYS = ("--window-hours", "720", "--all")
MOST_RUNS = 10
UNKNOWN = "OrderMissing"  # of an update whose order is not in the table

# What is restored, by the name of the drill.
WHAT = {"both": NAMES, "orders": ("Orders",), "credits": ("Credits",)}
TITLES = {
    "both": "Both tables, restored to one moment",
    "orders": "The orders table alone",
    "credits": "The credits table alone, which must never be done, and then both",
}


@dataclass
class Drill:
    """One stack, its tables and its traffic."""

    report: Report
    stack: Stack
    client: Client
    tables: Tables
    traffic: Traffic
    commands: Commands
    counts: dict[str, Any] = field(default_factory=dict)  # by the time at which they were counted

    def count(self, when: str) -> None:
        balances = sum(self.balance(user) for user in self.traffic.size.user_ids)
        self.counts[when] = {**self.tables.count(), "credits of all users": balances}

    def balance(self, user: str) -> int:
        return int(document(self.client.api.credits(user))["balance"])


def run(what: str, size: Size, say: Say) -> Report:
    """Run the drill of this name (see WHAT); what it found is among the report's problems."""
    report = Report(TITLES[what])
    with drilled(report, size, say) as drill:
        _before(drill)
        _gap(drill)
        _lose_and_restore(drill, WHAT[what])
        reconcile(drill)
        known = drill.traffic.expected.copy() if what == "orders" else drill.traffic.recoverable()
        if what == "credits":
            _must_be_noticed(drill)
            _lose_and_restore(drill, NAMES)
            reconcile(drill)
        _first_audit(drill, known)
        _repair_by_hand(drill, known, what)
        _last_audit(drill, known)
    return report


@contextmanager
def drilled(report: Report, size: Size, say: Say) -> Iterator[Drill]:
    stats = Stats()
    with tempfile.TemporaryDirectory(prefix="topup-drill-") as folder:
        home = Path(folder)
        make_home(home)
        with (
            running(ROOT, home) as stack,
            client_of(stack.api_url, stack.stripe_url, stack.values, size, stats) as client,
        ):
            declared = template.read(
                ROOT / "template.yaml", environment.parameters(Settings(ROOT, stack.values, ports={}))
            )
            traffic = Traffic(client, size, say, stats)
            yield Drill(report, stack, client, Tables(stack, declared), traffic, Commands(home))


def _before(drill: Drill) -> None:
    with drill.report.step("Customers buy, spend, hold and refund, up to the moment of the backup") as step:
        drill.traffic.before()
        drain.settle(drill.client, drill.traffic.stats, drill.traffic.say)
        drill.tables.back_up()
        drill.traffic.remember()
        drill.count("at the moment")
        step.say(f"Both tables are backed up at {drill.client.local.now():%Y-%m-%d %H:%M:%S} UTC of the stack's clock.")
        step.say(f"{len(drill.traffic.open_orders)} orders are unpaid, {len(drill.traffic.open_holds)} holds open.")


def _gap(drill: Drill) -> None:
    with drill.report.step("They go on: this is the gap") as step:
        traffic, moment = drill.traffic, drill.traffic.at_moment
        traffic.gap()
        drain.wait_for_deliveries(drill.client)
        drill.count("before the loss")
        paid = len(traffic.expected.purchases) - len(moment.purchases)
        step.say(f"- {paid} payments, {len(traffic.lost_orders())} of them of orders that were placed after the moment")
        step.say(f"- {len(traffic.reversed)} refunds in the Dashboard and disputes of older payments")
        step.say(f"- {len(traffic.expected.spends) - len(moment.spends)} spends and captures")
        step.say(f"- {len(traffic.expected.granted) - len(moment.granted)} grants")


def _lose_and_restore(drill: Drill, names: Sequence[str]) -> None:
    tables = drill.tables
    with drill.report.step("Stop what writes, and lose: " + " and ".join(tables.names[name] for name in names)) as step:
        drill.client.stripe.set_webhooks(paused=True)
        for name in names:
            tables.destroy(name)
        step.say("The webhook's endpoint is disabled, no service calls, and the tables are deleted.")
        if drill.traffic.pay_while_it_is_down():
            step.say("A buyer who had Stripe's page open pays meanwhile.")
    with drill.report.step("Restore to the moment, beside the lost tables, and make the streams") as step:
        for name in names:
            tables.restore(name)
            tables.give_stream(name)
            step.say(f"- `{tables.names[name]}`")
    with drill.report.step("Adopt: deploy with the restored tables' ARNs, then doctor") as step:
        parameters = tables.parameters()
        drill.client.local.call("PUT", "/parameters", parameters)
        step.say(f"The parameters {', '.join(parameters)} lead to them.")
        code, _ = drill.commands.run(step, "doctor")
        if code:
            tables.give_timer()
            step.say("What doctor misses is switched on: TTL.")
            code, _ = drill.commands.run(step, "doctor")
        if code:
            drill.report.problems.append("doctor still finds something wrong after the adoption")
        drill.count("after the restore")
    with drill.report.step("Open again: the webhook's endpoint is enabled, and what Stripe kept is delivered") as step:
        drill.client.stripe.set_webhooks()
        drain.wait_for_deliveries(drill.client)
        step.say("The API is open, too.")


def reconcile(drill: Drill) -> None:
    """Let reconcile bring back what Stripe knows of the gap, until a run finds nothing more to repair."""
    with drill.report.step("Reconcile the gap with Stripe") as step:
        for _ in range(MOST_RUNS):
            _, lines = drill.commands.run(step, "reconcile", *THIRTY_DAYS)
            if lines[-1] == "complete: 0 repaired, 0 failures":
                return
        drill.report.problems.append(f"after {MOST_RUNS} runs reconcile still repairs something, or fails")


def _must_be_noticed(drill: Drill) -> None:
    with drill.report.step("The audit must notice it: the runbook says never to do this") as step:
        code, lines = drill.commands.run(step, "audit", shown=False)
        step.say(f"It exits with {code}: `{lines[-1]}`. So both tables are restored together now.")
        if code != 1:
            drill.report.problems.append("the audit does not notice that the credits table alone was restored")


def _first_audit(drill: Drill, known: Expected) -> None:
    with drill.report.step("Audit, also against Stripe") as step:
        _audit(drill, step)
        _compare(drill, step, known)
        drill.count("after reconcile")


def _audit(drill: Drill, step: Step) -> None:
    """Only of payments whose orders were placed after the moment may it find anything: of each of them."""
    _, lines = drill.commands.run(step, "audit", "--stripe", shown=False)
    lost = drill.traffic.lost_orders()
    unnamed = dict(lost)
    for line in lines[:-1]:
        payment = line.removeprefix("payment ").partition(":")[0]
        if payment in lost and line.startswith("payment "):
            unnamed.pop(payment, None)
        else:
            drill.report.problems.append(f"the audit: {line}")
    drill.report.problems += [f"the audit does not name the lost order {payment}" for payment in unnamed]
    step.say(f"`{lines[-1]}`")
    named = len(lost) - len(unnamed)
    step.say(f"It names the {named} orders that were placed after the moment, which no table knows any more.")
    example = [line for line in lines if "there is no such payment here" in line][:1]
    step.lines += ["", *(f"> {line}" for line in example), ""]


def _compare(drill: Drill, step: Step, known: Expected) -> None:
    """A check that shares nothing with the audit: what everybody did, against what the API shows."""
    found = violations(drill.client, drill.traffic.size, known)
    drill.report.problems += found
    users = drill.traffic.size.users
    step.say(f"{users} balances and histories are compared with what was done: {len(found)} differences.")


def _repair_by_hand(drill: Drill, known: Expected, what: str) -> None:
    with drill.report.step("Repair by hand what Stripe does not know, by the runbook's table") as step:
        lost = drill.traffic.lost_orders()
        if what != "orders":
            _give_credits_of_lost_orders(drill, known, step)
            spends = drill.traffic.lost_spends()
            step.say(f"- {len(spends)} spends and captures were lost, which only the services know:")
            for user in sorted({user for user, _, _ in spends}):
                step.say(f"  - of {user}: {', '.join(str(amount) for of, _, amount in spends if of == user)}")
            refused = drill.traffic.repeat_requests(known)
            again = f"- Services and administrators sent {len(drill.traffic.requests)} requests again, with their keys."
            step.say(again)
            step.say(f"- {len(refused)} spends are lost for good{': ' + ', '.join(refused) if refused else ''}.")
        else:
            step.say(f"The credits of the {len(lost)} lost orders are there: nothing has to be given.")
        _, lines = drill.commands.run(step, "reconcile", "--json", shown=False)
        stuck = json.loads("\n".join(lines))["stuck"]
        drill.report.problems += [
            f"stuck: {one['id']} ({one['reason']})" for one in stuck if not one["reason"].startswith(UNKNOWN)
        ]
        if stuck:
            settled = [argument for one in stuck for argument in ("--settled", one["id"])]
            code, _ = drill.commands.run(step, "reconcile", *settled, shown=False)
            step.say(
                f"- {len(stuck)} updates of lost orders are settled: `make reconcile SETTLED=…` exits with {code}."
            )
            if code:
                drill.report.problems.append("reconcile does not end what was settled")


def _give_credits_of_lost_orders(drill: Drill, known: Expected, step: Step) -> None:
    """Stripe's metadata names the user of each."""
    intents = {one["id"]: one for one in drill.client.stripe.listed("/payment_intents")}
    for payment, purchase in drill.traffic.lost_orders().items():
        user = intents[purchase.intent]["metadata"]["user_id"]
        drill.traffic.actors(known).grant(f"lost-{payment}", user, purchase.credits)
        step.say(f"- {purchase.credits} credits for {user}, whose order {payment} is lost (`{purchase.intent}`).")


def _last_audit(drill: Drill, known: Expected) -> None:
    with drill.report.step("Audit again") as step:
        drain.wait_for_deliveries(drill.client)
        _audit(drill, step)
        _compare(drill, step, known)
        drill.count("at the end")
        kinds = [*KINDS, "credits of all users"]
        rows = [[when, *(counted[kind] for kind in kinds)] for when, counted in drill.counts.items()]
        step.lines += table(["", *kinds], rows)
