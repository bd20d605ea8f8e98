"""Find the route of an HTTP API that a request takes."""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from urllib.parse import unquote

from local.aws.template import Route


@dataclass(frozen=True)
class Match:
    route: Route
    parameters: Mapping[str, str]


def find_route(routes: Iterable[Route], method: str, path: str) -> Match | None:
    """The most specific route wins: literal segments, then {one}, then {greedy+}, then $default."""
    matches = []
    for route in routes:
        if route.method in (method, "ANY") and (found := _match(route.path, path)) is not None:
            parameters, specificity = found
            matches.append((specificity, route.method != "ANY", Match(route, parameters)))
    return max(matches, key=lambda entry: entry[:2])[2] if matches else None


def _match(pattern: str, path: str) -> tuple[dict[str, str], list[int]] | None:
    """The path's parameters, and how specific the match is, per segment."""
    if pattern == "$default":
        return {}, []
    wanted, given = pattern.split("/"), path.split("/")
    parameters: dict[str, str] = {}
    specificity: list[int] = []
    for index, segment in enumerate(wanted):
        if segment.endswith("+}"):
            rest = "/".join(given[index:])
            return ({**parameters, segment[1:-2]: unquote(rest)}, [*specificity, 0]) if rest else None
        if index >= len(given):
            return None
        if segment.startswith("{") and given[index]:
            parameters[segment[1:-1]] = unquote(given[index])
        elif segment != unquote(given[index]):
            return None
        specificity.append(1 if segment.startswith("{") else 2)
    return (parameters, specificity) if len(wanted) == len(given) else None
