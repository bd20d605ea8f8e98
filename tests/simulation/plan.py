"""The plan of a seed: its world, faults and steps, as data that can be saved, replayed and made smaller."""

import json
import random
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any

from tests.simulation.determinism import stream
from tests.simulation.faults import Fault, swarm
from tests.simulation.steps import STEPS, Args, draw_buy
from tests.simulation.steps_of_commands import draw_commands
from tests.simulation.steps_of_money import draw_released_again, draw_resumed_release
from tests.simulation.steps_of_services import draw_crowd, draw_owing
from tests.simulation.variations import Variation, variations

FEWEST, MOST = 2, 6  # steps
# The share of seeds that end with a crowd. It has a stream of its own: the steps before it are as without it.
CROWDS = 0.4
RELEASED_AGAIN = 0.04  # the share in which a refund of a refused payment comes back, likewise
RESUMED_RELEASE = 0.02  # the share in which a refund of a refused payment is carried on later, likewise
OWING = 0.04  # the share in which somebody owes beside what a hold reserves, likewise
A_LARGER_PAGE = 50  # items, where there are a hundred lots
# Half a year passes: with the runs of a schedule that would take long.
LONG_STEPS = ("at_expiry", "late_spends", "failure_after_expiry", "failures_across_expiry", "won_after_expiry")


@dataclass(frozen=True)
class Step:
    """An action, `gap` seconds after the step before; `what` is the name of a method of Races or Actions."""

    what: str
    gap: float
    args: Args


@dataclass(frozen=True)
class Plan:
    """All that a run needs: the same plan gives the same run, byte for byte."""

    seed: int
    faults: Mapping[Fault, float]
    steps: tuple[Step, ...]
    variations: Mapping[Variation, Any] = field(default_factory=dict)

    def to_json(self) -> str:
        return json.dumps(
            {
                "seed": self.seed,
                "variations": self.variations,
                "faults": self.faults,
                "steps": [asdict(step) for step in self.steps],
            }
        )

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        read = json.loads(text)
        rates = {Fault(name): rate for name, rate in read["faults"].items()}
        steps = tuple(Step(**step) for step in read["steps"])
        # Plans that were saved before there were variations have none.
        world = {Variation(name): value for name, value in read.get("variations", {}).items()}
        return cls(read["seed"], rates, steps, world)


def plan_of(seed: int) -> Plan:
    """The plan that a seed stands for."""
    rng = stream(seed, "plan")
    rates = swarm(rng)
    wanted = rng.randint(FEWEST, MOST)
    steps = [Step("buy", 0.0, draw_buy(rng) | {"pay": "card"})]
    steps += [_step(rng) for _ in range(wanted)]
    if (crowds := stream(seed, "crowds")).random() < CROWDS:
        steps.append(Step("crowd", 0.0, draw_crowd(crowds)))
    if (again := stream(seed, "released again")).random() < RELEASED_AGAIN:
        steps.append(Step("released_again", 0.0, draw_released_again(again)))
    if (resumed := stream(seed, "resumed release")).random() < RESUMED_RELEASE:
        steps.append(Step("resumed_release", 0.0, draw_resumed_release(resumed)))
    if (owing := stream(seed, "owing")).random() < OWING:
        steps.append(Step("owing_beside_a_hold", 0.0, draw_owing(owing)))
    steps += [Step(what, 0.0, args) for what, args in draw_commands(stream(seed, "commands"))]
    world = variations(stream(seed, "variations"))
    if Variation.SMALL_PAGES in world and any(step.what == "hundred_lots" for step in steps):
        world[Variation.SMALL_PAGES] = A_LARGER_PAGE
    if any(step.what in LONG_STEPS for step in steps):
        world.pop(Variation.BY_SCHEDULE, None)
    return Plan(seed, rates, tuple(steps), world)


def _step(rng: random.Random) -> Step:
    what = rng.choices(list(STEPS), [weight for weight, _ in STEPS.values()])[0]
    gap = rng.choice((0.0, 0.05, 0.5, 2.0, 2.0, 10.0, 60.0, 400.0))
    return Step(what, gap, STEPS[what][1](rng))
