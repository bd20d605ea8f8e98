"""What differs between the worlds of two seeds: the size of pages, other endpoints, the mode, the time of a run."""

import random
from collections.abc import Callable
from enum import StrEnum
from typing import Any


class Variation(StrEnum):
    """Something that holds for a whole run, by its name in plans and reports."""

    SMALL_PAGES = "DynamoDB's pages are small"
    SMALL_LISTS = "Stripe's lists have small pages"
    OTHER_ENDPOINT = "another product's endpoint never answers"
    LIVE_MODE = "live mode"
    BY_SCHEDULE = "reconcile runs by its schedule alone"
    SHORT_RUNS = "reconcile has little time at the end"
    TAX_AND_CODES = "the pay page takes promotion codes and adds tax"
    MANY_LOT_WRITES = "a transaction holds as many lots as the product allows"
    HALF_READ = "DynamoDB's reads of several items see changes by half"


def _is_so(_rng: random.Random) -> bool:
    return True


def _one_of(*values: Any) -> Callable[[random.Random], Any]:
    return lambda rng: rng.choice(values)


# How often each is drawn, and its value.
DRAWN: tuple[tuple[Variation, float, Callable[[random.Random], Any]], ...] = (
    (Variation.SMALL_PAGES, 0.7, _one_of(1, 2, 3, 5)),
    (Variation.SMALL_LISTS, 0.7, _one_of(1, 2, 3, 5)),
    (Variation.OTHER_ENDPOINT, 0.12, _is_so),
    (Variation.LIVE_MODE, 0.2, _is_so),
    (Variation.BY_SCHEDULE, 0.1, _is_so),
    (Variation.SHORT_RUNS, 0.07, _one_of(34.0, 36.0, 42.0)),  # seconds; seldom, since it takes many runs
    (Variation.MANY_LOT_WRITES, 0.2, _is_so),
    (Variation.TAX_AND_CODES, 0.25, _one_of("inclusive", "exclusive")),
    (Variation.HALF_READ, 0.5, _one_of(0.02, 0.1, 0.4)),  # the share of these reads that others may change meanwhile
)


def variations(rng: random.Random) -> dict[Variation, Any]:
    """The variations of a seed: pages of a few items in most seeds, the others in some."""
    drawn: dict[Variation, Any] = {}
    for variation, often, value in DRAWN:
        if rng.random() < often:
            drawn[variation] = value(rng)
    if Variation.SHORT_RUNS in drawn and Variation.SMALL_LISTS in drawn:
        # What Stripe made within one second has to be read within one run: with small pages that takes more requests.
        drawn[Variation.SHORT_RUNS] += 40.0
    return drawn
