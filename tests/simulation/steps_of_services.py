"""The steps of services: holds, batches and spends given back; how often each is drawn, and with what."""

import random
from collections.abc import Callable
from typing import Any

from tests.simulation.faults import Fault
from tests.simulation.grants import NEVER

Args = dict[str, Any]

OVERRUNS = ("available", "available", "refuse", "debt")
TTLS = (1, 2, 40, 900, 86_400)  # seconds
# From the hold's opening, or from its end: seconds, and a share of what it holds.
THEN = ("capture", "capture", "capture a part", "extend", "release", "capture at the end", "late capture")
AFTER = {"capture at the end": (-0.5, -0.05, 0.0, 0.0, 0.02, 0.3), "late capture": (3.0, 4000.0, 80_000.0, 90_000.0)}
SHARES = (0.1, 0.5, 1.0, 1.0, 1.7)


def _user(rng: random.Random) -> Args:
    return {"user": rng.choice((0, 0, 0, 1))}


def _then(rng: random.Random) -> list[Any]:
    what = rng.choice(THEN)
    return [what, rng.choice(AFTER.get(what, (0.0, 0.02, 0.05, 1.0, 30.0))), rng.choice(SHARES)]


def _hold(rng: random.Random) -> Args:
    return _user(rng) | {
        "share": rng.choice((0.01, 0.3, 0.3, 0.5, 1.0, 1.1)),  # of the user's credits
        "ttl": rng.choice(TTLS),
        "overrun": rng.choice(OVERRUNS),
        "tries": rng.randint(1, 4),
        "twice": rng.random() < 0.2,
        "then": [_then(rng) for _ in range(rng.randint(0, 3))],
    }


def _many_holds(rng: random.Random) -> Args:
    return _user(rng) | {"ttl": rng.choice((2, 900))}


def _taken_under_hold(rng: random.Random) -> Args:
    return {
        "which": rng.randrange(6),
        "share": rng.choice((0.3, 0.7, 1.0)),
        "overrun": rng.choice(OVERRUNS),
        "takes": rng.choice(("a dispute", "the Dashboard", "force", "what is free", "what is free")),
        "captures": rng.choice(SHARES),
    }


def _hold_under_debt(rng: random.Random) -> Args:
    return {"which": rng.randrange(6), "overrun": rng.choice(OVERRUNS)}


def _hold_beside_another(rng: random.Random) -> Args:
    return _user(rng) | {
        "overrun": rng.choice(OVERRUNS[1:]),
        "captures": rng.choice((1.0, 1.2, 2.0, 4.0)),
        "frees": rng.choice(("release", "release", "capture", "extend")),
    }


def _batch(rng: random.Random) -> Args:
    return _user(rng) | {
        "shares": [rng.choice((0.01, 0.1, 0.3, 0.6)) for _ in range(rng.randint(1, 5))],
        "tries": rng.randint(1, 4),
        "repeats": rng.choice((0, 0, 1, 2)),
        "after": rng.choice((0.0, 0.03, 60.0, 60.0)),
        "misuses": rng.random() < 0.4,
        "twice": rng.random() < 0.3,
    }


def _reverse(rng: random.Random) -> Args:
    return {
        "which": rng.randrange(12),
        "shares": [rng.choice((None, 0.2, 0.5, 0.5, 1.2)) for _ in range(rng.randint(1, 3))],
        "gap": rng.choice((0.0, 0.02, 0.03, 5.0)),
        "tries": rng.randint(1, 4),
        "twice": rng.random() < 0.3,
    }


def _give_back_to_many_lots(rng: random.Random) -> Args:
    return _user(rng) | {
        "lots": [rng.randint(1, 9) for _ in range(rng.randint(3, 6))],
        "share": rng.choice((0.5, 0.8, 1.0)),
        "parts": [rng.choice((None, 0.2, 0.5)) for _ in range(rng.randint(1, 3))],
    }


def _refund_while_reversing(rng: random.Random) -> Args:
    return {
        "which": rng.randrange(6),
        "share": rng.choice((0.3, 1.0)),
        "first": rng.choice((0.0, 0.1, 0.2)),
        "force": rng.random() < 0.5,
    }


def draw_owing(rng: random.Random) -> Args:
    """A user who owes beside what a hold reserves, before that ends."""
    return _user(rng) | {
        "lives": rng.choice((NEVER, 920.0, 1000.0, 5000.0)),
        "ends": rng.choice(("release", "capture", "by itself", "by itself")),
        "refunds": rng.choice((None, 0.3, 0.6, 1.0)),
    }


def draw_crowd(rng: random.Random) -> Args:
    """Many spends of one user at the same moment."""
    number = rng.randint(3, 9)
    operations = ("GetItem", "PutItem", "Query", "TransactWriteItems", "TransactWriteItems")
    faults = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.LATE_COMMIT, Fault.TIMEOUT_AFTER)
    calls_before = (0, 0, 1, 2, 3, 4, 5)
    return _user(rng) | {
        "shares": [rng.choice((0.01, 0.05, 0.1, 0.3, 0.6, 1.0)) for _ in range(number)],
        "gaps": [rng.choice((0.0, 0.0, 0.01, 0.03, 0.1)) for _ in range(number)],
        "tries": rng.randint(1, 4),
        "beside": rng.choice(("grant", "adjust", "hold", "nothing", "nothing")),
        "dies": [rng.choice(operations), rng.choice(faults), rng.choice(calls_before)] if rng.random() < 0.5 else None,
    }


STEPS_OF_SERVICES: dict[str, tuple[float, Callable[[random.Random], Args]]] = {
    "hold": (14, _hold),
    "many_holds": (1, _many_holds),
    "taken_under_hold": (5, _taken_under_hold),
    "hold_under_debt": (2, _hold_under_debt),
    "hold_beside_another": (5, _hold_beside_another),
    "batch": (6, _batch),
    "reverse": (7, _reverse),
    "give_back_to_many_lots": (4, _give_back_to_many_lots),
    "refund_while_reversing": (3, _refund_while_reversing),
}
