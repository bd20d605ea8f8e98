"""Read whole tables without hurry: a page that fails is read again, and no more is read than users leave over."""

import time
from collections.abc import Callable, Iterator
from concurrent.futures import FIRST_COMPLETED, ThreadPoolExecutor, wait
from typing import Any, TypeVar

from topup.runtime import failures
from topup.runtime.failures import Failure
from topup.store.client import client

# Seconds before a page that failed is read again. Together two minutes: what takes longer does not pass by itself.
PAUSES = (0.5, 1, 2, 4, 8, 15, 30, 30, 30)
# Read units a second, all partitions together. One partition has 3,000, and its users need some of them.
UNITS_PER_SECOND = 1_000

Page = dict[str, Any]
Result = TypeVar("Result")


def items(operation: str, **request: Any) -> Iterator[Any]:
    """All items of a `scan` or a `query`, page after page; raises botocore's error of a page that fails for minutes."""
    request |= {"ReturnConsumedCapacity": "TOTAL"}
    while True:
        started = time.monotonic()
        page = patiently(lambda: getattr(client(), operation)(**request))
        yield from page["Items"]
        if "LastEvaluatedKey" not in page:
            return
        request["ExclusiveStartKey"] = page["LastEvaluatedKey"]
        _keep_pace(page, time.monotonic() - started)


def scan(segments: int, **request: Any) -> Iterator[tuple[int, Any]]:
    """All items of a table, each with the segment that it is in: so many segments are read at once, one page of each.

    The items of one partition key come one after another among those of its segment.
    """
    if segments == 1:
        yield from ((0, item) for item in items("scan", **request))
        return
    request |= {"ReturnConsumedCapacity": "TOTAL", "TotalSegments": segments}
    client()  # made once, before the threads ask for it
    started, units = time.monotonic(), 0.0
    with ThreadPoolExecutor(segments) as pool:
        first = range(segments)
        reading = {pool.submit(_read, request | {"Segment": segment}): segment for segment in first}
        while reading:
            done, _ = wait(reading, return_when=FIRST_COMPLETED)
            for future in done:
                segment, page = reading.pop(future), future.result()
                units += _units(page)
                if "LastEvaluatedKey" in page:
                    time.sleep(max(0.0, units / UNITS_PER_SECOND - (time.monotonic() - started)))
                    start = {"Segment": segment, "ExclusiveStartKey": page["LastEvaluatedKey"]}
                    reading[pool.submit(_read, request | start)] = segment
                yield from ((segment, item) for item in page["Items"])


def _read(request: Page) -> Page:
    return patiently(lambda: dict(client().scan(**request)))


def patiently(do: Callable[[], Result]) -> Result:
    """What a read returns, or a write that may be repeated; after longer and longer pauses while a failure may pass."""
    for pause in PAUSES:
        try:
            return do()
        except Exception as error:
            if failures.of(error) is Failure.FINAL:
                raise
            time.sleep(pause)
    return do()


def page(operation: str, **request: Any) -> Page:
    """One page of a `scan` or a `query` at the same pace, but read only once; raises botocore's error, Busy."""
    started = time.monotonic()
    found: Page = dict(getattr(client(), operation)(**request, ReturnConsumedCapacity="TOTAL"))
    _keep_pace(found, time.monotonic() - started)
    return found


def _keep_pace(page: Page, took: float) -> None:
    time.sleep(max(0.0, _units(page) / UNITS_PER_SECOND - took))


def _units(page: Page) -> float:
    return float(page.get("ConsumedCapacity", {}).get("CapacityUnits", 0))
