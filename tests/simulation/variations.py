"""What differs between the worlds of two seeds: the size of pages, other endpoints, the mode, the time of a run."""

import random
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
    MANY_LOT_WRITES = "a transaction holds as many lots as the product allows"


def variations(rng: random.Random) -> dict[Variation, Any]:
    """The variations of a seed: pages of a few items in most seeds, the others in some."""
    drawn: dict[Variation, Any] = {}
    if rng.random() < 0.7:
        drawn[Variation.SMALL_PAGES] = rng.choice((1, 2, 3, 5))
    if rng.random() < 0.7:
        drawn[Variation.SMALL_LISTS] = rng.choice((1, 2, 3, 5))
    if rng.random() < 0.12:
        drawn[Variation.OTHER_ENDPOINT] = True
    if rng.random() < 0.2:
        drawn[Variation.LIVE_MODE] = True
    if rng.random() < 0.1:
        drawn[Variation.BY_SCHEDULE] = True
    if rng.random() < 0.07:  # it takes many runs
        # What Stripe made within one second has to be read within one run: with small pages that takes more requests.
        longer = 40.0 if Variation.SMALL_LISTS in drawn else 0.0
        drawn[Variation.SHORT_RUNS] = rng.choice((32.0, 34.0, 40.0)) + longer  # seconds
    if rng.random() < 0.2:
        drawn[Variation.MANY_LOT_WRITES] = True
    return drawn
