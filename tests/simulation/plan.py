"""What a seed is about: its faults and its steps, as data that can be kept, replayed and made smaller."""

import json
import random
from collections.abc import Callable, Mapping
from dataclasses import asdict, dataclass
from functools import partial
from typing import Any

from tests.simulation.determinism import stream
from tests.simulation.faults import Fault, swarm

Args = dict[str, Any]

PACKAGES = ("trial", "standard", "value")
HOW_TO_PAY = ("card", "card", "card", "alipay", "wechat_pay", "declined first", "3-D Secure", "never")
FEWEST, MOST = 2, 5  # steps


@dataclass(frozen=True)
class Step:
    """Something that somebody does, `gap` seconds after the step before; `what` names a method of Deeds."""

    what: str
    gap: float
    args: Args


@dataclass(frozen=True)
class Plan:
    """All that a run needs: the same plan gives the same run, to the last byte."""

    seed: int
    faults: Mapping[Fault, float]
    steps: tuple[Step, ...]

    def to_json(self) -> str:
        return json.dumps({"seed": self.seed, "faults": self.faults, "steps": [asdict(step) for step in self.steps]})

    @classmethod
    def from_json(cls, text: str) -> "Plan":
        read = json.loads(text)
        rates = {Fault(name): rate for name, rate in read["faults"].items()}
        return cls(read["seed"], rates, tuple(Step(**step) for step in read["steps"]))


def plan_of(seed: int) -> Plan:
    """The history that a seed stands for."""
    chance = stream(seed, "plan")
    rates = swarm(chance)
    wanted = chance.randint(FEWEST, MOST)
    steps = [Step("buy", 0.0, _buy(chance) | {"pay": "card"})]
    steps += [_step(chance) for _ in range(wanted)]
    return Plan(seed, rates, tuple(steps))


def _step(chance: random.Random) -> Step:
    what = chance.choices(list(STEPS), [weight for weight, _ in STEPS.values()])[0]
    gap = chance.choice((0.0, 0.05, 0.5, 2.0, 2.0, 10.0, 60.0, 400.0))
    return Step(what, gap, STEPS[what][1](chance))


def _user(chance: random.Random) -> Args:
    return {"user": chance.choice((0, 0, 0, 1))}


def _buy(chance: random.Random) -> Args:
    return _user(chance) | {
        "package": chance.choice(PACKAGES),
        "pay": chance.choice(HOW_TO_PAY),
        "key": chance.random() < 0.7,
        "tries": chance.randint(1, 4),
        "after": chance.choice((0.1, 1.0, 5.0)),  # seconds that the buyer takes to pay
        "settles": chance.choice(("succeeded", "succeeded", "failed")),
        "settles_after": chance.choice((2.0, 3600.0, 90_000.0)),
        "reads": chance.randint(0, 2),
        "twice": chance.random() < 0.15,
    }


def _spend(chance: random.Random) -> Args:
    return _user(chance) | {
        "share": chance.choice((0.01, 0.3, 0.5, 1.0, 1.0, 1.1)),  # of the user's credits
        "tries": chance.randint(1, 4),
        "times": chance.choice((1, 1, 1, 3)),
        "twice": chance.random() < 0.15,
    }


def _refund(chance: random.Random) -> Args:
    return {
        "which": chance.randrange(6),
        "share": chance.choice((None, None, 0.1, 0.37, 0.5)),
        "force": chance.random() < 0.3,
        "key": chance.random() < 0.6,
        "tries": chance.randint(1, 4),
    }


def _dashboard_refund(chance: random.Random) -> Args:
    return {
        "which": chance.randrange(6),
        "share": chance.choice((None, 0.1, 0.37, 0.5)),
        "pending": chance.random() < 0.4,
    }


def _refund_outcome(chance: random.Random) -> Args:
    return {"which": chance.randrange(6), "does": chance.choice(("fails", "fails", "succeeds"))}


def _dispute(chance: random.Random) -> Args:
    return {
        "which": chance.randrange(6),
        "share": chance.choice((None, None, 0.4)),
        "inquiry": chance.random() < 0.2,
    }


def _dispute_outcome(chance: random.Random) -> Args:
    return {"which": chance.randrange(6), "status": chance.choice(("won", "won", "lost"))}


def _read(chance: random.Random) -> Args:
    return _user(chance) | {
        "which": chance.randrange(6),
        "what": chance.choice(("credits", "credits", "payment", "payment", "transactions", "payments", "packages")),
    }


def _which(chance: random.Random) -> Args:
    return {"which": chance.randrange(6)}


def _wait(chance: random.Random) -> Args:
    return {"days": chance.choice((0.02, 0.3, 1.1, 1.1, 5.0, 31.0)), "leap": chance.random() < 0.4}


def _nothing(_chance: random.Random) -> Args:
    return {}


def _away(chance: random.Random) -> Args:
    return {"seconds": chance.choice((30.0, 4000.0, 10_000.0))}


def _at_expiry(chance: random.Random) -> Args:
    moment = partial(chance.choice, (-0.5, -0.1, -0.02, 0.0, 0.0, 0.02, 0.1, 0.6))  # seconds from the expiry
    deed = partial(chance.choice, ("spend", "spend", "spend", "refund", "refund", "read", "dashboard refund", "buy"))
    return _user(chance) | {
        "deeds": [[moment(), deed()] for _ in range(chance.randint(1, 4))],
        "share": chance.choice((0.3, 1.0)),
    }


# How often a step comes, among the others, and what it is drawn with.
STEPS: dict[str, tuple[int, Callable[[random.Random], Args]]] = {
    "buy": (20, _buy),
    "spend": (22, _spend),
    "refund": (14, _refund),
    "dashboard_refund": (7, _dashboard_refund),
    "refund_outcome": (5, _refund_outcome),
    "dispute": (6, _dispute),
    "dispute_outcome": (4, _dispute_outcome),
    "read": (10, _read),
    "session_runs_out": (2, _which),
    "wait": (8, _wait),
    "away": (2, _away),
    "replay": (3, _nothing),
    "reconcile": (3, _nothing),
    "edit_catalogue": (1, _nothing),
    "rotate_secret": (1, _nothing),
    "at_expiry": (7, _at_expiry),
    "refund_while_spending": (4, _refund),
    "two_refunds": (4, _refund),
    "dispute_during_refund": (3, _refund),
    "refund_before_grant": (3, _buy),
    "failure_after_expiry": (1, _which),
    "late_spends": (2, _user),
}
