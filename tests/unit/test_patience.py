"""Whole tables are read at a pace that leaves users their share of the read units, and a page that fails again."""

import time
from typing import Any

import pytest
from botocore.exceptions import ClientError

from topup.store import patience

THROTTLED = ClientError({"Error": {"Code": "ThrottlingException", "Message": ""}}, "Query")
WRONG = ClientError({"Error": {"Code": "ValidationException", "Message": ""}}, "Query")
FIRST: Any = {"Items": [1, 2], "LastEvaluatedKey": {"record": "2"}, "ConsumedCapacity": {"CapacityUnits": 700.0}}
LAST: Any = {"Items": [3], "ConsumedCapacity": {"CapacityUnits": 500.0}}


class Table:
    """Answers a query or a scan with one page after another, each after a tenth of a second; errors are raised."""

    def __init__(self, *answers: Any) -> None:
        self.now, self.slept, self.asked = 100.0, list[float](), list[dict[str, Any]]()
        self._answers = iter(answers)

    def query(self, **request: Any) -> Any:
        self.asked.append(request)
        self.now += 0.1
        answer = next(self._answers)
        if isinstance(answer, Exception):
            raise answer
        return answer

    scan = query

    def sleep(self, seconds: float) -> None:
        self.slept.append(round(seconds, 6))
        self.now += seconds


def table(monkeypatch: pytest.MonkeyPatch, *answers: Any) -> Table:
    made = Table(*answers)
    monkeypatch.setattr(patience, "client", lambda: made)
    monkeypatch.setattr(time, "monotonic", lambda: made.now)
    monkeypatch.setattr(time, "sleep", made.sleep)
    return made


def test_one_page_takes_as_long_as_its_units_are_worth(monkeypatch: pytest.MonkeyPatch):
    read = table(monkeypatch, FIRST)

    assert patience.page("query", TableName="credits") == FIRST
    assert read.asked == [{"TableName": "credits", "ReturnConsumedCapacity": "TOTAL"}]
    assert read.slept == [0.6]  # 700 of 1,000 units a second, less the tenth that the page took


def test_a_page_that_cost_nothing_is_not_waited_for(monkeypatch: pytest.MonkeyPatch):
    read = table(monkeypatch, {"Items": []})

    patience.page("scan")

    assert read.slept == [0.0]


def test_all_pages_are_read_at_that_pace(monkeypatch: pytest.MonkeyPatch):
    read = table(monkeypatch, FIRST, LAST)

    assert [*patience.items("query", TableName="credits")] == [1, 2, 3]
    assert [one.get("ExclusiveStartKey") for one in read.asked] == [None, {"record": "2"}]
    assert all(one["ReturnConsumedCapacity"] == "TOTAL" for one in read.asked)
    assert read.slept == [0.6]  # nothing follows the last page


def test_a_failure_that_may_pass_is_tried_again_after_longer_and_longer_pauses(monkeypatch: pytest.MonkeyPatch):
    read = table(monkeypatch, THROTTLED, THROTTLED, LAST)

    assert [*patience.items("scan")] == [3]
    assert read.slept == [0.5, 1]


def test_a_failure_that_lasts_is_raised_after_the_last_pause(monkeypatch: pytest.MonkeyPatch):
    read = table(monkeypatch, *[THROTTLED] * 10)

    with pytest.raises(ClientError):
        patience.patiently(read.query)
    assert read.slept == [*patience.PAUSES]


def test_a_failure_that_stays_is_raised_at_once(monkeypatch: pytest.MonkeyPatch):
    read = table(monkeypatch, WRONG)

    with pytest.raises(ClientError):
        patience.patiently(read.query)
    assert read.slept == []
