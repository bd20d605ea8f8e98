"""The store's reads, over tables with random items on and beside the bounds of each request."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tests.conformance.engines import EngineUnderTest, Items
from tests.conformance.outcomes import DONE, Outcome, outcome_of
from tests.conformance.requests import Item, Json, Place, Sample, index_keys_of, key_of, keys_of, place_of

STATES = 40  # for each shape
MOST_ITEMS = 9
PAGES = 2 * MOST_ITEMS  # more than any query needs


@dataclass(frozen=True)
class Case:
    sample: Sample
    state: Items
    request: Json
    deletes: bool  # the last item of each page, before the next page is requested

    name = ""

    @property
    def what(self) -> str:
        return self.sample.operation

    def run(self, engine: EngineUnderTest) -> list[Outcome]:
        engine.arrange(self.state)
        if self.sample.operation == "BatchGetItem":
            return [_sorted(*engine.send("BatchGetItem", self.request))]
        if self.sample.operation == "GetItem":
            response = engine.send("GetItem", self.request)
            return [Outcome(outcome_of(response, {}).error, found=response[1].get("Item"))]
        return [self._walk(engine)]

    def _walk(self, engine: EngineUnderTest) -> Outcome:
        """Read all pages; each starts where this engine ended the one before."""
        request, pages = dict(self.request), []
        for _ in range(PAGES):
            status, response = engine.send(self.sample.operation, request)
            if status != 200:
                return outcome_of((status, response), {})
            pages.append(response["Items"])
            if "LastEvaluatedKey" not in response:
                break
            request["ExclusiveStartKey"] = response["LastEvaluatedKey"]
            if self.deletes:
                names = keys_of(request["TableName"])
                key = {name: response["LastEvaluatedKey"][name] for name in names}
                engine.send("DeleteItem", {"TableName": request["TableName"], "Key": key})
        items = [item for page in pages for item in page]
        return Outcome(DONE, found=self._in_order(items), pages=[len(page) for page in pages])

    def _in_order(self, items: list[Item]) -> Any:
        """The items in their order, as far as DynamoDB promises one."""
        table, index = self.request["TableName"], self.request.get("IndexName")
        if self.sample.operation == "Scan":  # partitions in any order, but each in one piece
            pieces = [(name, list(piece)) for name, piece in groupby(items, lambda one: one[keys_of(table)[0]]["S"])]
            return sorted(pieces, key=lambda piece: piece[0])
        if index is None:
            return items
        sort = index_keys_of(table)[index][1]
        equals = [list(run) for _, run in groupby(items, lambda one: one[sort]["S"])]  # in any order
        return [sorted(map(_by_name, run), key=repr) for run in equals]


def cases_of(samples: Sequence[Sample]) -> Iterator[Case]:
    for sample in list({sample.shape: sample for sample in reversed(samples) if not sample.is_write}.values())[::-1]:
        rng = random.Random(sample.shape)
        for _ in range(STATES):
            request = {name: value for name, value in sample.request.items() if name != "ExclusiveStartKey"}
            if "Limit" in request:
                request["Limit"] = rng.choice([1, 2, 3, request["Limit"]])
            yield Case(sample, _state(sample, rng), request, "Limit" in request and rng.random() < 0.3)


def _state(sample: Sample, rng: random.Random) -> Items:
    if sample.operation == "Query":
        return _around(sample.request, sample.before, rng)
    found = [(table, item) for table, items in sample.before.items() for item in items]
    present = {place_of(table, item): item for table, item in found}
    if sample.operation == "Scan":
        table = sample.request["TableName"]
        spread = [(table, f"partition-{rng.randrange(4)}", f"record-{n}") for n in range(rng.randrange(12))]
        return present | {place: key_of(place) for place in spread}
    return {place: item for place, item in present.items() if rng.random() < 0.6}


def _around(query: Json, before: dict[str, list[Item]], rng: random.Random) -> Items:
    """Items in the requested partition and its neighbours, with sort keys on the bounds and beyond them."""
    table, index = query["TableName"], query.get("IndexName")
    partition, sort = index_keys_of(table)[index] if index else keys_of(table)
    values = {name: value["S"] for name, value in query["ExpressionAttributeValues"].items()}
    wanted = values.pop(re.findall(r"= (:\w+)", query["KeyConditionExpression"])[0])
    known = [item for item in before[table] if sort in item] or [{}]
    sorts = [text for bound in values.values() for text in _near(bound)]
    sorts += [item[sort]["S"] for item in known if item] or ["a", "b", "c"]
    items: dict[Place, Item] = {}
    for number in range(rng.randrange(MOST_ITEMS + 1)):
        item = dict(rng.choice(known))
        if index:
            item |= key_of((table, f"{rng.randrange(10)}-{number}", "ORDER"))
        item[partition] = {"S": rng.choice([wanted] * 8 + [f"{wanted}0", wanted[:-1] or "~"])}
        item[sort] = {"S": rng.choice(sorts)}
        if index and rng.random() < 0.2:  # an index has only items with both of its keys
            del item[rng.choice([partition, sort])]
        items[place_of(table, item)] = item
    return items


def _near(bound: str) -> list[str]:
    """Texts just before, on and after a bound; for some, UTF-8 and UTF-16 differ in the order."""
    after = bound[:-1] + chr(ord(bound[-1]) + 1)
    ends = ("!", "~", "é", "\ufffd", "\U0001f600")
    return [bound, bound, bound[:-1], after, *(bound + end for end in ends), *(bound[:-1] + end for end in ends)]


def _sorted(status: int, response: Json) -> Outcome:
    found = {table: sorted(map(_by_name, items), key=repr) for table, items in response.get("Responses", {}).items()}
    return Outcome(outcome_of((status, response), {}).error, found=[found, response.get("UnprocessedKeys", {})])


def _by_name(item: Item) -> Item:
    """The item with its attributes in a fixed order, so that equal items are written the same."""
    return {name: {"M": _by_name(value["M"])} if "M" in value else value for name, value in sorted(item.items())}
