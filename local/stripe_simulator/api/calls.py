"""Routes, and the calls that their handlers receive."""

from collections.abc import Callable
from dataclasses import dataclass

from local.stripe_simulator.api.schema import Hash
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects.base import Json


@dataclass(frozen=True)
class Call:
    """params: checked. id: the one in the path, or "". version: the Stripe-Version header, if any."""

    world: World
    params: Json
    path: str
    id: str = ""
    version: str | None = None


@dataclass(frozen=True)
class Route:
    method: str
    path: str  # `{id}` stands for one segment
    parameters: Hash
    handle: Callable[[Call], Json]

    def match(self, method: str, path: str) -> str | None:
        """The id in the path ("" if the route has none); None if the route does not match."""
        if method != self.method:
            return None
        wanted, got = self.path.split("/"), path.split("/")
        if len(wanted) != len(got):
            return None
        object_id = ""
        for want, segment in zip(wanted, got, strict=True):
            if want == "{id}" and segment:
                object_id = segment
            elif want != segment:
                return None
        return object_id
