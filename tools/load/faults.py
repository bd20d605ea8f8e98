"""What goes wrong meanwhile: Stripe's calls fail now and then, its webhooks come twice, in any order, or never."""

import random
import threading
from types import TracebackType

from tools.load.client import Caller
from tools.load.stats import Figures

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


class Weather:
    """`with Weather(…):` is bad inside the block, and fair after it."""

    def __init__(self, caller: Caller, figures: Figures, seed: int) -> None:
        self._caller = caller
        self._figures = figures
        self._rng = random.Random(seed)  # noqa: S311 - no secret
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._strike)

    def __enter__(self) -> None:
        self._caller.steer("PUT", "/webhooks", WEBHOOKS)
        self._thread.start()

    def __exit__(
        self, _type: type[BaseException] | None, _error: BaseException | None, _traceback: TracebackType | None
    ) -> None:
        self._over.set()
        self._thread.join()
        self._caller.steer("PUT", "/faults", {"next": []})
        self._caller.steer("PUT", "/webhooks", {})

    def _strike(self) -> None:
        """One fault after the other: the next is set once the last has struck, so that each is counted once."""
        waiting = ""
        while not self._over.wait(FAULT_EVERY):
            if self._caller.steer("GET", "/faults")["next"]:
                continue
            if waiting:
                self._figures.count("faults of Stripe", waiting)
            fault = self._rng.choice(FAULTS)
            waiting = f"{fault['do']} of {fault['method']} {fault['path']}"
            self._caller.steer("PUT", "/faults", {"next": [fault]})
