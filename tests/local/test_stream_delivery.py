"""Handing batches over as Lambda's event source mapping does."""

import asyncio
from collections.abc import Callable, Sequence
from typing import Any

import pytest

from local.aws.functions import FunctionError
from local.aws.stream_delivery import Rules, deliver, left_after
from local.aws.stream_records import Record

Function = Callable[[list[str]], Any]


def a_record(number: int) -> Record:
    return {"dynamodb": {"SequenceNumber": str(number)}}


def numbers(records: Sequence[Record]) -> list[str]:
    return [record["dynamodb"]["SequenceNumber"] for record in records]


class Played:
    """What one delivery did: the batches that the function saw, the pauses between, and what was given up."""

    def __init__(self, function: Function, count: int, **properties: Any) -> None:
        self.calls: list[list[str]] = []
        self.pauses: list[float] = []
        self.given_up: list[tuple[list[str], int]] = []
        self._function = function
        rules = Rules.of({"FunctionResponseTypes": ["ReportBatchItemFailures"], **properties})
        records = [a_record(number) for number in range(1, count + 1)]
        asyncio.run(deliver(records, rules, self._invoke, self._give_up, self._pause))

    async def _invoke(self, event: dict[str, Any]) -> Any:
        self.calls.append(numbers(event["Records"]))
        return self._function(self.calls[-1])

    def _give_up(self, records: Sequence[Record], calls: int) -> None:
        self.given_up.append((numbers(records), calls))

    async def _pause(self, seconds: float) -> None:
        self.pauses.append(seconds)


def reports(*poison: str) -> Function:
    return lambda batch: {"batchItemFailures": [{"itemIdentifier": one} for one in batch if one in poison]}


def raises_at(poison: str) -> Function:
    def function(batch: list[str]) -> Any:
        if poison in batch:
            raise FunctionError
        return {"batchItemFailures": []}

    return function


def test_a_batch_that_is_done_is_handed_over_once():
    played = Played(reports(), 3)

    assert played.calls == [["1", "2", "3"]]
    assert (played.pauses, played.given_up) == ([], [])


def test_after_a_reported_failure_lambda_goes_on_from_it_and_gives_up_with_what_is_left():
    played = Played(reports("2"), 3, MaximumRetryAttempts=2)

    assert played.calls == [["1", "2", "3"], ["2", "3"], ["2", "3"]]
    assert played.given_up == [(["2", "3"], 3)]


def test_a_failure_that_passes_is_retried_after_growing_pauses():
    left = iter([["1"], ["1"], ["1"], []])

    played = Played(lambda _batch: reports(*next(left))(["1"]), 1, MaximumRetryAttempts=10)

    assert len(played.calls) == 4
    assert played.pauses == [0.2, 0.4, 0.8]
    assert played.given_up == []


def test_where_the_function_raises_the_batch_is_halved_until_the_poison_is_alone():
    played = Played(raises_at("3"), 4, BisectBatchOnFunctionError=True, MaximumRetryAttempts=1)

    assert played.calls == [["1", "2", "3", "4"], ["1", "2"], ["3", "4"], ["3"], ["3"], ["4"]]
    assert played.given_up == [(["3"], 2)]


def test_without_bisection_the_whole_batch_is_retried_and_given_up():
    played = Played(raises_at("3"), 4, MaximumRetryAttempts=1)

    assert played.calls == [["1", "2", "3", "4"]] * 2
    assert played.given_up == [(["1", "2", "3", "4"], 2)]


def test_a_report_means_nothing_where_the_mapping_does_not_ask_for_it():
    played = Played(reports("1"), 1, FunctionResponseTypes=[])

    assert played.calls == [["1"]]


def test_without_a_limit_it_is_tried_until_it_works():
    tries = iter([["1"]] * 30 + [[]])

    played = Played(lambda _batch: reports(*next(tries))(["1"]), 1)

    assert len(played.calls) == 31
    assert max(played.pauses) == 1.0


@pytest.mark.parametrize("answer", [None, {}, {"batchItemFailures": []}, {"batchItemFailures": None}])
def test_an_empty_answer_is_success(answer: Any):
    assert left_after(answer, [a_record(1)]) == ()


@pytest.mark.parametrize(
    "answer",
    [
        "done",
        {"batchItemFailures": [{"itemIdentifier": ""}]},
        {"batchItemFailures": [{"itemIdentifier": None}]},
        {"batchItemFailures": [{"wrong": "1"}]},
        {"batchItemFailures": [{"itemIdentifier": "9"}]},
    ],
)
def test_an_answer_that_cannot_be_understood_fails_the_batch(answer: Any):
    records = [a_record(1), a_record(2)]

    assert left_after(answer, records) == records
