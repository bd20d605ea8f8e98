"""A failing plan, made smaller while it still fails: without faults that it does not need, then without steps."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.plan import Plan
from tests.simulation.world import simulate


def shrink(plan: Plan, told: Callable[[str], None] = lambda _: None) -> Plan:
    """The smallest plan found that still violates something."""
    assert simulate(plan).violation, "this plan violates nothing"
    while smaller := next((one for one in _smaller(plan) if simulate(one).violation), None):
        plan = smaller
        told(f"  {len(plan.faults)} kinds of faults, {len(plan.steps)} steps")
    return plan


def _smaller(plan: Plan) -> Iterator[Plan]:
    for fault in plan.faults:
        yield replace(plan, faults={kind: rate for kind, rate in plan.faults.items() if kind is not fault})
    for at in reversed(range(len(plan.steps))):
        yield replace(plan, steps=plan.steps[:at] + plan.steps[at + 1 :])
