"""The states of the items that a write is tried in: as the store met them, and many others."""

import base64
import random
import re
from collections.abc import Iterator

from tests.conformance.engines import Items
from tests.conformance.requests import (
    Item,
    Json,
    Part,
    Place,
    Sample,
    index_keys_of,
    key_of,
    keys_of,
    parts_of,
    place_of,
)

STATES_OF_A_TRANSACTION = 70  # of a single write, all are tried
HELD = 0.6  # the share of items in a transaction that fulfil their condition
EQUAL = r"([#\w]+) <?= (:\w+)"
ABSENT = r"attribute_not_exists\(([#\w]+)\)"
NOTHING: Item = {}
OF_OTHER_TYPES: tuple[Json, ...] = (
    {"S": "x"},
    {"S": ""},
    {"N": "0"},
    {"BOOL": True},
    {"BOOL": False},
    {"NULL": True},
    {"M": {}},
    {"M": {"a": {"N": "1"}}},
    {"L": []},
    {"SS": ["x"]},
    {"NS": ["1"]},
    {"B": base64.b64encode(b"x").decode()},
)


def states_of(sample: Sample) -> Iterator[Items]:
    """The states in which a sample's request is tried, always the same ones; first the one that it met."""
    parts, met, held = parts_of(sample.operation, sample.request), met_by(sample), held_by(sample)
    yield met
    yield held
    if len(parts) == 1:
        place = parts[0].place
        yield from (_present({place: item}) for item in _others(parts[0], met.get(place, NOTHING)))
        return
    rng = random.Random(sample.shape)
    others = {part.place: list(_others(part, met.get(part.place, NOTHING))) for part in parts}
    for _ in range(STATES_OF_A_TRANSACTION):
        yield _present(
            {
                place: held.get(place, NOTHING) if rng.random() < HELD else rng.choice(items)
                for place, items in others.items()
            }
        )


def met_by(sample: Sample) -> Items:
    """The items that were where the request writes."""
    places = [part.place for part in parts_of(sample.operation, sample.request)]
    found = {place_of(table, item): item for table, items in sample.before.items() for item in items}
    return {place: found[place] for place in places if place in found}


def held_by(sample: Sample) -> Items:
    """The same, changed so that every condition holds."""
    met = met_by(sample)
    parts = parts_of(sample.operation, sample.request)
    return _present({part.place: _holding(part, met.get(part.place, NOTHING)) for part in parts})


def _holding(part: Part, met: Item) -> Item:
    names = part.details.get("ExpressionAttributeNames", {})
    condition = part.details.get("ConditionExpression", "")
    equal = {names.get(name, name): part.values[value] for name, value in re.findall(EQUAL, condition)}
    absent = {names.get(name, name) for name in re.findall(ABSENT, condition)}
    if absent & set(key_of(part.place)):
        return NOTHING
    item = {**key_of(part.place), **met, **equal} if met or equal else met
    return {name: value for name, value in item.items() if name not in absent}


def _present(items: Items) -> Items:
    return {place: item for place, item in items.items() if item}


def _others(part: Part, met: Item) -> Iterator[Item]:
    """No item, an item with only its key, another item, and the item with each attribute that matters changed."""
    key = key_of(part.place)
    yield NOTHING
    yield key
    bases = [met or key]
    if "Item" in part.details:
        bases.append(part.details["Item"])
        yield part.details["Item"]
    for base in bases:
        for name in part.attributes or list(base)[-1:]:
            if name not in keys_of(part.place[0]):
                yield from _changed(part, base, name)


def _changed(part: Part, base: Item, name: str) -> Iterator[Item]:
    without = {other: value for other, value in base.items() if other != name}
    yield without
    compared = [part.values[value] for value in re.findall(r":\w+", part.expressions)]
    near = [other for value in [*([base[name]] if name in base else []), *compared] for other in _near(value)]
    for value in _distinct([*near, *OF_OTHER_TYPES]):
        if not _is_index_key(part.place, name) or value.get("S"):  # an index key is a text that is not empty
            yield {**without, name: value}


def _near(value: Json) -> Iterator[Json]:
    """The value, its neighbours, and values that look like it."""
    [(kind, content)] = value.items()
    yield value
    match kind:
        case "N":
            yield from ({"N": str(int(content) + step)} for step in (-1, 1))
            yield from ({"N": text} for text in (f"{content}.0", f"{content}.5", f"-{content.lstrip('-')}", "9" * 38))
            yield from ({"S": content}, {"NS": [content]})
        case "S":
            yield from ({"S": text} for text in (content + "!", content[:-1], content.swapcase(), "~", "é"))
            yield from ({"SS": [content or "x"]}, {"B": base64.b64encode(content.encode()).decode()})
        case "BOOL":
            yield from ({"BOOL": not content}, {"S": str(content).lower()}, {"N": "1"})


def _distinct(values: list[Json]) -> list[Json]:
    return list({repr(value): value for value in values}.values())


def _is_index_key(place: Place, name: str) -> bool:
    return any(name in names for names in index_keys_of(place[0]).values())
