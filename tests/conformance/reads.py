"""The store's reads, over tables that chance fills with what lies on and beside the borders of what is asked for."""

import random
import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import groupby
from typing import Any

from tests.conformance.engines import Items, Player
from tests.conformance.outcomes import DONE, Outcome, outcome_of
from tests.conformance.requests import Item, Json, Place, Sample, index_keys_of, key_of, keys_of, place_of

STATES = 40  # of each shape
MOST_ITEMS = 9
PAGES = 2 * MOST_ITEMS  # more than any walk needs


@dataclass(frozen=True)
class Case:
    sample: Sample
    state: Items
    request: Json
    deletes: bool  # what a page ended with, before the next page is asked for

    name = ""

    @property
    def what(self) -> str:
        return self.sample.operation

    def play(self, player: Player) -> list[Outcome]:
        player.arrange(self.state)
        if self.sample.operation == "BatchGetItem":
            return [_sorted(*player.ask("BatchGetItem", self.request))]
        if self.sample.operation == "GetItem":
            answer = player.ask("GetItem", self.request)
            return [Outcome(outcome_of(answer, {}).error, found=answer[1].get("Item"))]
        return [self._walk(player)]

    def _walk(self, player: Player) -> Outcome:
        """All pages, each begun where this engine ended the one before."""
        request, pages = dict(self.request), []
        for _ in range(PAGES):
            status, answer = player.ask(self.sample.operation, request)
            if status != 200:
                return outcome_of((status, answer), {})
            pages.append(answer["Items"])
            if "LastEvaluatedKey" not in answer:
                break
            request["ExclusiveStartKey"] = answer["LastEvaluatedKey"]
            if self.deletes:
                names = keys_of(request["TableName"])
                key = {name: answer["LastEvaluatedKey"][name] for name in names}
                player.ask("DeleteItem", {"TableName": request["TableName"], "Key": key})
        items = [item for page in pages for item in page]
        return Outcome(DONE, found=self._in_order(items), pages=[len(page) for page in pages])

    def _in_order(self, items: list[Item]) -> Any:
        """Items in their order, as far as DynamoDB promises one."""
        table, index = self.request["TableName"], self.request.get("IndexName")
        if self.sample.operation == "Scan":  # partitions in any order, each in one piece
            pieces = [(name, list(piece)) for name, piece in groupby(items, lambda one: one[keys_of(table)[0]]["S"])]
            return sorted(pieces, key=lambda piece: piece[0])
        if index is None:
            return items
        sort = index_keys_of(table)[index][1]
        equals = [list(run) for _, run in groupby(items, lambda one: one[sort]["S"])]  # in any order
        return [sorted(map(_by_name, run), key=repr) for run in equals]


def cases_of(samples: Sequence[Sample]) -> Iterator[Case]:
    for sample in list({sample.shape: sample for sample in reversed(samples) if not sample.is_write}.values())[::-1]:
        chance = random.Random(sample.shape)
        for _ in range(STATES):
            request = {name: value for name, value in sample.request.items() if name != "ExclusiveStartKey"}
            if "Limit" in request:
                request["Limit"] = chance.choice([1, 2, 3, request["Limit"]])
            yield Case(sample, _state(sample, chance), request, "Limit" in request and chance.random() < 0.3)


def _state(sample: Sample, chance: random.Random) -> Items:
    if sample.operation == "Query":
        return _around(sample.request, sample.before, chance)
    found = [(table, item) for table, items in sample.before.items() for item in items]
    present = {place_of(table, item): item for table, item in found}
    if sample.operation == "Scan":
        table = sample.request["TableName"]
        spread = [(table, f"partition-{chance.randrange(4)}", f"record-{n}") for n in range(chance.randrange(12))]
        return present | {place: key_of(place) for place in spread}
    return {place: item for place, item in present.items() if chance.random() < 0.6}


def _around(query: Json, before: dict[str, list[Item]], chance: random.Random) -> Items:
    """Items of the partition that is asked for and of its neighbours, with sort keys at the borders and beyond."""
    table, index = query["TableName"], query.get("IndexName")
    partition, sort = index_keys_of(table)[index] if index else keys_of(table)
    values = {name: value["S"] for name, value in query["ExpressionAttributeValues"].items()}
    wanted = values.pop(re.findall(r"= (:\w+)", query["KeyConditionExpression"])[0])
    known = [item for item in before[table] if sort in item] or [{}]
    sorts = [text for border in values.values() for text in _near(border)]
    sorts += [item[sort]["S"] for item in known if item] or ["a", "b", "c"]
    items: dict[Place, Item] = {}
    for number in range(chance.randrange(MOST_ITEMS + 1)):
        item = dict(chance.choice(known))
        if index:
            item |= key_of((table, f"{chance.randrange(10)}-{number}", "ORDER"))
        item[partition] = {"S": chance.choice([wanted] * 8 + [f"{wanted}0", wanted[:-1]])}
        item[sort] = {"S": chance.choice(sorts)}
        if index and chance.random() < 0.2:  # an index knows only items that have both of its keys
            del item[chance.choice([partition, sort])]
        items[place_of(table, item)] = item
    return items


def _near(border: str) -> list[str]:
    """Texts just before, on and after a border; some where UTF-8 and UTF-16 disagree about the order."""
    after = border[:-1] + chr(ord(border[-1]) + 1)
    ends = ("!", "~", "é", "\ufffd", "\U0001f600")
    return [border, border, border[:-1], after, *(border + end for end in ends), *(border[:-1] + end for end in ends)]


def _sorted(status: int, answer: Json) -> Outcome:
    found = {table: sorted(map(_by_name, items), key=repr) for table, items in answer.get("Responses", {}).items()}
    return Outcome(outcome_of((status, answer), {}).error, found=[found, answer.get("UnprocessedKeys", {})])


def _by_name(item: Item) -> Item:
    """The item with its attributes in one order, so that equal ones read the same."""
    return {name: {"M": _by_name(value["M"])} if "M" in value else value for name, value in sorted(item.items())}
