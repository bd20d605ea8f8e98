"""Stripe's lists: newest first, in pages."""

from collections.abc import Sequence

from local.stripe_simulator.core.errors import InvalidParameter, resource_missing
from local.stripe_simulator.objects.base import Json, list_object

DEFAULT_LIMIT = 10


def listed(oldest_first: Sequence[Json], params: Json, url: str) -> Json:
    newest_first = [one for one in reversed(oldest_first) if is_created_in(one, params.get("created"))]
    limit = params.get("limit", DEFAULT_LIMIT)
    if "starting_after" in params and "ending_before" in params:
        raise InvalidParameter("You can only use one of starting_after and ending_before.", param="starting_after")
    if "ending_before" in params:
        newer = newest_first[: index_of(newest_first, params["ending_before"])]
        return list_object(newer[-limit:], url, has_more=len(newer) > limit)
    if "starting_after" in params:
        newest_first = newest_first[index_of(newest_first, params["starting_after"]) + 1 :]
    return list_object(newest_first[:limit], url, has_more=len(newest_first) > limit)


def index_of(objects: Sequence[Json], object_id: str) -> int:
    for index, one in enumerate(objects):
        if one["id"] == object_id:
            return index
    raise resource_missing("object", object_id, "starting_after")


def is_created_in(one: Json, created: int | Json | None) -> bool:
    if created is None:
        return True
    at = one["created"]
    if isinstance(created, int):
        return bool(at == created)
    bounds = {"gt": at.__gt__, "gte": at.__ge__, "lt": at.__lt__, "lte": at.__le__}
    return all(bounds[name](limit) for name, limit in created.items())
