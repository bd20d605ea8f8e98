"""Requests to DynamoDB whose answer says less than it seems: a part of a batch, or of an attempt before."""

from datetime import timedelta
from types import SimpleNamespace
from typing import Any

import pytest
from botocore.exceptions import ClientError

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import a_cause
from topup.domain.errors import Busy
from topup.domain.line import WaitingSpend
from topup.runtime import config
from topup.store import batches, line, races

TABLE = "credits"


@pytest.fixture(autouse=True)
def world(monkeypatch: pytest.MonkeyPatch) -> None:
    """A table, and time that passes only where something is waited for."""
    monkeypatch.setattr(config, "settings", lambda: SimpleNamespace(credits_table=TABLE))
    clock = SimpleNamespace(seconds=0.0)
    clock.monotonic = lambda: clock.seconds
    clock.sleep = lambda seconds: setattr(clock, "seconds", clock.seconds + seconds)
    monkeypatch.setattr(races, "time", clock)


class Batches:
    """Answers each batch with its keys as items; `parts` of them are answered in part."""

    def __init__(self, parts: int = 0) -> None:
        self.parts, self.sizes = parts, list[int]()

    def batch_get_item(self, RequestItems: Any) -> Any:  # noqa: N803 - AWS's name
        keys = RequestItems[TABLE]["Keys"]
        assert RequestItems[TABLE]["ConsistentRead"] is True
        self.sizes.append(len(keys))
        if self.parts:
            self.parts -= 1
            return {"Responses": {TABLE: keys[1:]}, "UnprocessedKeys": {TABLE: {"Keys": keys[:1]}}}
        return {"Responses": {TABLE: keys}, "UnprocessedKeys": {}}


def test_many_items_are_read_a_hundred_at_once(monkeypatch: pytest.MonkeyPatch):
    client = Batches()
    monkeypatch.setattr(batches, "client", lambda: client)
    keys = [(USER_ID, f"LOT#{number}") for number in range(250)]

    assert batches.load_items(keys).keys() == {*keys}
    assert client.sizes == [100, 100, 50]


def test_what_was_answered_in_part_is_read_again_and_never_taken_for_all(monkeypatch: pytest.MonkeyPatch):
    client = Batches(parts=1)
    monkeypatch.setattr(batches, "client", lambda: client)
    keys = [(USER_ID, "LOT#1"), (USER_ID, "LOT#2")]

    assert batches.load_items(keys).keys() == {*keys}
    assert client.sizes == [2, 2]
    client.parts = 1_000
    with pytest.raises(Busy):
        batches.load_items(keys)


def waiting() -> WaitingSpend:
    return WaitingSpend(
        user_id=USER_ID,
        key="mine",
        amount=5,
        cause=a_cause(),
        request_fingerprint="fingerprint",
        received_at=NOW - timedelta(seconds=1),
    )


@pytest.mark.parametrize(
    ("metadata", "is_known"), [({}, True), ({"RetryAttempts": 0}, True), ({"RetryAttempts": 1}, False)]
)
def test_a_place_is_known_to_be_there_where_no_other_attempt_may_come_late(
    monkeypatch: pytest.MonkeyPatch, metadata: dict[str, int], is_known: bool
):
    client = SimpleNamespace(put_item=lambda **_: {"ResponseMetadata": metadata})
    monkeypatch.setattr(line, "client", lambda: client)

    assert line.join_line(waiting()) is is_known


@pytest.mark.parametrize("attempts_before", [0, 1])
def test_a_refusal_says_nothing_of_the_attempts_before_it(monkeypatch: pytest.MonkeyPatch, attempts_before: int):
    answer: Any = {"Error": {"Code": "AccessDeniedException"}, "ResponseMetadata": {"RetryAttempts": attempts_before}}

    def refuse(**_: Any) -> None:
        raise ClientError(answer, "PutItem")

    monkeypatch.setattr(line, "client", lambda: SimpleNamespace(put_item=refuse))
    if attempts_before:
        assert line.join_line(waiting()) is False
    else:
        with pytest.raises(ClientError):
            line.join_line(waiting())
