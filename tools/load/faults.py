"""Faults during the run: calls to Stripe fail now and then; webhooks are repeated, reordered and lost."""

import random
import threading
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager

from local.client import Simulator
from tools.load.stats import Stats

WEBHOOKS = {"duplicates": 1, "shuffle": True, "delay_ms": 20, "drop": 0.02}
FAULT_EVERY = 1.0  # seconds
FAULTS = [
    {"path": path, "method": method, "do": do}
    for path, method in (
        ("/v1/checkout/sessions", "POST"),
        ("/v1/checkout/sessions", "POST"),
        ("/v1/checkout/sessions/*", "GET"),
        ("/v1/refunds", "POST"),
    )
    for do in ("timeout_before", "timeout_after", "500", "429")
]


@contextmanager
def faults(stripe: Simulator, stats: Stats, seed: int) -> Iterator[None]:
    """Faults strike inside the block, and none afterwards."""
    over = threading.Event()
    stripe.set_webhooks(**WEBHOOKS)
    with ThreadPoolExecutor(1) as pool:
        striking = pool.submit(_strike, stripe, stats, random.Random(seed), over)  # noqa: S311 - no secret
        try:
            yield
        finally:
            over.set()
            striking.result()
            stripe.set_faults()
            stripe.set_webhooks()


def _strike(stripe: Simulator, stats: Stats, rng: random.Random, over: threading.Event) -> None:
    """Set one fault after another: the next only when the last has struck, so that each is counted once."""
    waiting = ""
    while not over.wait(FAULT_EVERY):
        if stripe.faults():
            continue
        if waiting:
            stats.count("faults of Stripe", waiting)
        fault = rng.choice(FAULTS)
        waiting = f"{fault['do']} of {fault['method']} {fault['path']}"
        stripe.set_faults(fault)
