"""The steps of operators' commands and of the daily report; how often a run has one, and with what.

They come last, and from a random stream of their own: the steps before them are as without them.
"""

import random
from collections.abc import Sequence
from typing import Any

from tests.simulation.faults import Fault

Args = dict[str, Any]

SHARES = {"import_credits": 0.1, "erase_person": 0.12, "daily_report": 0.12}
KILLS = (Fault.CRASH_BEFORE, Fault.CRASH_AFTER, Fault.CRASH_AFTER, Fault.TIMEOUT_AFTER, Fault.LATE_COMMIT)
# After so many calls a run dies.
OF_AN_IMPORT, OF_AN_ERASURE = (0, 1, 2, 3, 4, 6, 8, 11), (0, 4, 8, 10, 12, 14, 16, 18, 20, 22, 25)
OF_A_REPORT = (0, 1, 2, 4, 7, 12, 20)
AT_ONCE = (0.0, 0.02, 0.05, 0.1, 0.2, 0.3)  # seconds
DURING = (0.0, 0.1, 0.15, 0.2, 0.25, 0.3, 0.4, 0.5)  # from an erasure's begin on: it takes about half a second
# What the user and others do while the records move; and when they have moved.
BESIDE = ("spend", "spend", "grant", "buy", "hold", "crowd", "read", "dispute", "create again", "report", "import")
AFTERWARDS = ("buy", "grant", "spend", "dispute", "dashboard refund", "create again", "spend again", "report", "import")


def draw_commands(rng: random.Random) -> list[tuple[str, Args]]:
    """The steps that a run ends with: often none."""
    drawn = {"import_credits": _import, "erase_person": _erase, "daily_report": _report}
    return [(what, draw(rng)) for what, draw in drawn.items() if rng.random() < SHARES[what]]


def _kills(rng: random.Random, calls: Sequence[int]) -> list[list[Any]]:
    """How each of the first runs dies: after how many calls, and how."""
    return [[rng.choice(calls), rng.choice(KILLS)] for _ in range(rng.randint(0, 3))]


def draw_rows(rng: random.Random) -> list[list[Any]]:
    """Rows of a file: a user, credits, days until they expire, and what was paid, in hundredths."""
    return [
        [
            rng.choice((0, 0, 0, 1)),
            rng.choice((1, 3, 40, 700)),
            rng.choice((None, None, 2.0, 40.0)),
            *rng.choice(((0, None), (0, None), (250, "EUR"), (9000, "CNY"), (1, "CNY"))),
        ]
        for _ in range(rng.randint(1, 6))
    ]


def _import(rng: random.Random) -> Args:
    rows = draw_rows(rng)
    return {
        "rows": rows,
        "later": rng.randint(0, len(rows) - 1),  # so many rows are only in the file of the last run
        "kills": _kills(rng, OF_AN_IMPORT),
        "twice": rng.choice((None, None, *AT_ONCE)),
        "spends": rng.random() < 0.5,
        "differs": rng.random() < 0.3,
    }


def _erase(rng: random.Random) -> Args:
    return {
        "user": rng.choice((0, 0, 0, 1)),
        "days": rng.choice((0.0, 1.3, 1.3, 3.0)),  # until whatever is under way has ended
        "kills": _kills(rng, OF_AN_ERASURE),
        "twice": rng.choice((None, None, None, *AT_ONCE)),
        "beside": [[rng.choice(DURING), rng.choice(BESIDE)] for _ in range(rng.randint(0, 6))],
        "afterwards": [rng.choice(AFTERWARDS) for _ in range(rng.randint(0, 3))],
    }


def _report(rng: random.Random) -> Args:
    return {
        "kills": _kills(rng, OF_A_REPORT),
        "seconds": rng.choice((900.0, 900.0, 900.0, 60.3)),  # a run that has less time than it keeps in reserve
        "busy": [[rng.choice(AT_ONCE), rng.choice((0.01, 0.05, 0.3))] for _ in range(rng.randint(1, 5))],
    }
