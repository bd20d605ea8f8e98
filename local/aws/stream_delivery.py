"""Handing a stream's records to a function as Lambda's event source mapping does: batches, retries, bisection.

Rules: AWS Lambda, "Configuring partial batch response with DynamoDB and Lambda" and "Retain discarded records". Where a
function reports failures, Lambda goes on from the first of them: what follows it in the batch is handed over again.
"""

import asyncio
from collections.abc import Awaitable, Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from local.aws.functions import FunctionError, PayloadTooLargeError
from local.aws.stream_records import Record, sequence_number

Invoke = Callable[[dict[str, Any]], Awaitable[Any]]
GiveUp = Callable[[Sequence[Record], int], None]

FIRST_PAUSE = 0.1  # seconds; twice as long each time
LONGEST_PAUSE = 1.0
ENDLESS = -1


@dataclass(frozen=True)
class Rules:
    """What a mapping's properties say, with Lambda's defaults."""

    batch_size: int
    retries: int  # ENDLESS: until it works
    bisects: bool
    reports_failures: bool
    lanes: int  # batches of one shard under way at once

    @classmethod
    def of(cls, properties: Mapping[str, Any]) -> "Rules":
        return cls(
            batch_size=int(properties.get("BatchSize", 100)),
            retries=int(properties.get("MaximumRetryAttempts", ENDLESS)),
            bisects=bool(properties.get("BisectBatchOnFunctionError", False)),
            reports_failures="ReportBatchItemFailures" in properties.get("FunctionResponseTypes", ()),
            lanes=int(properties.get("ParallelizationFactor", 1)),
        )


async def deliver(
    records: Sequence[Record],
    rules: Rules,
    invoke: Invoke,
    give_up: GiveUp,
    pause: Callable[[float], Awaitable[None]] = asyncio.sleep,
) -> None:
    """Hand a batch over until it is done or its retries are used up; `give_up` gets what is left, and the calls made.

    A batch that is split starts no new count: the records of both halves have been tried as often as the whole.
    """
    await _Delivery(rules, invoke, give_up, pause).batch(records, failures=0)


@dataclass(frozen=True)
class _Delivery:
    rules: Rules
    invoke: Invoke
    give_up: GiveUp
    pause: Callable[[float], Awaitable[None]]

    async def batch(self, records: Sequence[Record], failures: int) -> None:
        calls = failures
        while True:
            calls += 1
            left = await self._left_of(records)
            if left is None and self.rules.bisects and len(records) > 1:
                await self.batch(records[: len(records) // 2], failures)
                await self.batch(records[len(records) // 2 :], failures)
                return
            left = records if left is None else left
            # What went through is done for good: to go on behind it is a split too, and no new try of the rest.
            failures += 0 if self.rules.bisects and len(left) < len(records) else 1
            if not left:
                return
            if failures > self.rules.retries != ENDLESS:
                self.give_up(left, calls)
                return
            await self.pause(min(LONGEST_PAUSE, FIRST_PAUSE * 2**failures))
            records = left

    async def _left_of(self, records: Sequence[Record]) -> Sequence[Record] | None:
        """What the function has not done of a batch; None when it failed as a whole."""
        try:
            answer = await self.invoke({"Records": list(records)})
        except (FunctionError, PayloadTooLargeError):
            return None
        return left_after(answer, records) if self.rules.reports_failures else ()


def left_after(answer: Any, records: Sequence[Record]) -> Sequence[Record]:
    """The records from the first reported failure on; all of them after an answer that nobody understands."""
    if not answer or (isinstance(answer, dict) and not answer.get("batchItemFailures")):
        return ()
    try:
        failed = {failure["itemIdentifier"] for failure in answer["batchItemFailures"]}
    except (KeyError, TypeError):
        return records
    positions = {sequence_number(record): place for place, record in enumerate(records)}
    if not failed <= positions.keys():
        return records
    return records[min(positions[number] for number in failed) :]
