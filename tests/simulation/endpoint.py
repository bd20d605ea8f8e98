"""Our webhook endpoint at Stripe: disabled, deleted, or without some types of events for a while.

What happens in that time is no event that failed: Stripe never tries to deliver it.
"""

from fnmatch import fnmatchcase

from local.stripe_simulator import Simulator
from tests.simulation.names import OUR_URL
from tests.simulation.scheduler import Scheduler
from topup.stripe_gateway.translation import EVENT_TYPES

LACKS = {
    "lacks refunds": ("refund.*",),
    "lacks disputes": ("charge.dispute.*",),
    "lacks payments": ("checkout.*", "payment_intent.*"),
}


def _nothing(_name: str) -> None:
    """Replaced by the world."""


class Endpoint:
    """The endpoint that the operator has registered, and what the operator does to it."""

    def __init__(self, simulator: Simulator, scheduler: Scheduler) -> None:
        self._endpoints = simulator._world.webhooks.endpoints
        self._registered = next(one for one in self._endpoints.values() if one["url"] == OUR_URL)
        self._scheduler = scheduler
        self.hit = _nothing

    @property
    def id(self) -> str:
        return str(self._registered["id"])

    def lose(self, how: str, seconds: float) -> None:
        """Break it in one of the ways, for so long."""
        match how:
            case "disabled":
                self._registered["status"] = "disabled"
            case "deleted":
                self._endpoints.pop(self.id, None)
            case _:
                self._drop_types(LACKS[how])
        self.hit(f"the endpoint is missing: {how}")
        self._scheduler.start(self.restore, seconds)

    def _drop_types(self, patterns: tuple[str, ...]) -> None:
        self._registered["enabled_events"] = [
            name for name in EVENT_TYPES if not any(fnmatchcase(name, pattern) for pattern in patterns)
        ]

    def restore(self) -> None:
        """As it should be."""
        self._registered["status"] = "enabled"
        self._registered["enabled_events"] = list(EVENT_TYPES)
        self._endpoints[self.id] = self._registered
