"""Make a failing plan smaller while it still fails: remove faults first, then variations, then steps."""

from collections.abc import Callable, Iterator
from dataclasses import replace

from tests.simulation.plan import Plan
from tests.simulation.world import simulate


def shrink(plan: Plan, log: Callable[[str], None] = lambda _: None) -> Plan:
    """The smallest plan found that still has a violation."""
    assert simulate(plan).violation, "this plan has no violation"
    while smaller := next((one for one in _smaller(plan) if simulate(one).violation), None):
        plan = smaller
        log(f"  {len(plan.faults)} kinds of faults, {len(plan.variations)} variations, {len(plan.steps)} steps")
    return plan


def _smaller(plan: Plan) -> Iterator[Plan]:
    for fault in plan.faults:
        yield replace(plan, faults={kind: rate for kind, rate in plan.faults.items() if kind is not fault})
    for variation in plan.variations:
        kept = {name: value for name, value in plan.variations.items() if name is not variation}
        yield replace(plan, variations=kept)
    for at in reversed(range(len(plan.steps))):
        yield replace(plan, steps=plan.steps[:at] + plan.steps[at + 1 :])
