"""TTL played over an emulated table, with small functions of the tests' own; and the stack's own controls."""

import asyncio
import io
import json
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from contextlib import asynccontextmanager, closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette

from local.aws import ttl
from local.aws.functions import Functions
from local.aws.loader import Loader
from local.aws.project import Project, Runtime
from local.aws.ttl import Reaper
from local.clock import Clock
from local.controls import Controls
from local.in_process.dynamodb import Emulator
from local.logs import Console, HandlerLog
from topup.store import client as dynamodb_client

TEMPLATE = """
Globals: {Function: {Handler: app.handler, Timeout: 20}}
Resources:
  Things:
    Type: AWS::DynamoDB::Table
    Properties:
      BillingMode: PAY_PER_REQUEST
      AttributeDefinitions: [{AttributeName: id, AttributeType: S}]
      KeySchema: [{AttributeName: id, KeyType: HASH}]
      TimeToLiveSpecification: {AttributeName: ttl, Enabled: true}
      StreamSpecification: {StreamViewType: OLD_IMAGE}
  Consume:
    Type: AWS::Serverless::Function
    Properties:
      CodeUri: functions/consume/
      Events:
        Gone:
          Type: DynamoDB
          Properties:
            Stream: !GetAtt Things.StreamArn
            BatchSize: 2
            MaximumRetryAttempts: 1
            FunctionResponseTypes: [ReportBatchItemFailures]
            FilterCriteria: {Filters: [{Pattern: '{"dynamodb": {"Keys": {"id": {"S": [{"prefix": "t"}]}}}}'}]}
  Reconcile:
    Type: AWS::Serverless::Function
    Properties: {CodeUri: functions/reconcile/}
"""
# Keeps what it gets, and reports what the file `poison` names.
CONSUME = """
import json, pathlib
folder = pathlib.Path(__file__).parent

def handler(event, context):
    with (folder / "seen.jsonl").open("a") as seen:
        seen.write(json.dumps([one["dynamodb"]["Keys"]["id"]["S"] for one in event["Records"]]) + "\\n")
    poison = (folder / "poison").read_text() if (folder / "poison").exists() else None
    return {"batchItemFailures": [
        {"itemIdentifier": one["dynamodb"]["SequenceNumber"]}
        for one in event["Records"] if one["dynamodb"]["Keys"]["id"]["S"] == poison]}
"""
RECONCILE = """
def handler(event, context):
    if event.get("window_hours") == 13:
        raise RuntimeError("no")
    return event
"""


@dataclass
class Played:
    root: Path
    emulator: Emulator
    clock: Clock
    console: io.StringIO
    runtime: Runtime

    def put(self, *ids: str, due_in: int = -1) -> None:
        """due_in: seconds from now."""
        due = str(int(self.clock.now().timestamp()) + due_in)
        for name in ids:
            self.emulator.client.put_item(TableName="local-Things", Item={"id": {"S": name}, "ttl": {"N": due}})

    def left(self) -> list[str]:
        return sorted(item["id"]["S"] for item in self.emulator.client.scan(TableName="local-Things")["Items"])

    def seen(self) -> list[list[str]]:
        """The batches that the function was given."""
        path = self.root / "functions/consume/seen.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def play(self, story: Callable[[Reaper, httpx.AsyncClient], Awaitable[None]]) -> None:
        """Let the reaper run for as long as the story lasts."""

        async def played() -> None:
            async with self._reaper() as (reaper, client):
                await story(reaper, client)

        asyncio.run(played())

    @asynccontextmanager
    async def _reaper(self) -> AsyncIterator[tuple[Reaper, httpx.AsyncClient]]:
        reaper = Reaper(self.runtime, self.root / "failures")
        reaper._client = self.emulator.client
        app = Starlette(routes=Controls(self.runtime, reaper).routes())
        transport = httpx.ASGITransport(app)
        async with reaper, httpx.AsyncClient(transport=transport, base_url="http://localhost/_local") as client:
            yield reaper, client


@pytest.fixture
def played(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Played]:
    monkeypatch.setattr(ttl, "INTERVAL", 0.02)
    (tmp_path / "template.yaml").write_text(TEMPLATE)
    for name, source in (("consume", CONSUME), ("reconcile", RECONCILE)):
        (tmp_path / "functions" / name).mkdir(parents=True)
        (tmp_path / "functions" / name / "app.py").write_text(source)
    shown = io.StringIO()
    console = Console(shown)
    dynamodb_client.client.cache_clear()
    emulator = Emulator()
    emulator.attach(dynamodb_client.client())
    with closing(Loader(tmp_path)) as loader, closing(HandlerLog(tmp_path / "logs" / "app.log", console)) as log:
        project = Project(tmp_path, {}, loader, console)
        for table in project.template().tables:
            emulator.client.create_table(TableName=table.name, **table.definition)
        runtime = Runtime(project, Functions(tmp_path, loader, log), Clock(), console)
        yield Played(tmp_path, emulator, runtime.clock, shown, runtime)
    emulator.reset()
    dynamodb_client.client.cache_clear()


async def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        await asyncio.sleep(0.01)


def test_what_is_due_is_deleted_and_handed_over_in_batches_through_the_filter(played: Played):
    played.put("t1", "t2", "t3", "other")
    played.put("later", due_in=3600)

    async def story(reaper: Reaper, _client: httpx.AsyncClient) -> None:
        await eventually(lambda: reaper.state()["delivered"] == 3)
        assert reaper.state() | {"scans": 0} == {
            "paused": False, "drop": False, "scans": 0,
            "deleted": 4, "dropped": 0, "waiting": 0, "delivered": 3, "given_up": 0,
        }  # fmt: skip

    played.play(story)
    assert played.left() == ["later"]
    assert sorted(one for batch in played.seen() for one in batch) == ["t1", "t2", "t3"]
    assert [len(batch) for batch in played.seen()] == [2, 1]


def test_moving_the_clock_wakes_the_reaper(played: Played, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ttl, "INTERVAL", 3600)
    played.put("t1", due_in=86_400)

    async def story(reaper: Reaper, _client: httpx.AsyncClient) -> None:
        await eventually(lambda: reaper.state()["scans"] == 1)
        played.clock.advance(86_401)
        await eventually(lambda: reaper.state()["delivered"] == 1)

    played.play(story)


def test_an_item_that_got_a_later_time_meanwhile_stays(played: Played):
    played.put("t1")
    table = played.runtime.project.template().tables[0]
    keys = ttl.due(played.emulator.client, table, played.clock.now())
    played.put("t1", due_in=3600)

    assert keys == [{"id": {"S": "t1"}}]
    assert ttl.delete(played.emulator.client, table, keys, played.clock.now()) == []
    assert played.left() == ["t1"]


def test_a_poison_record_is_kept_with_its_payload_and_the_stream_goes_on(played: Played):
    (played.root / "functions/consume/poison").write_text("t1")
    played.put("t1")

    async def story(reaper: Reaper, _client: httpx.AsyncClient) -> None:
        await eventually(lambda: reaper.state()["given_up"] == 1)
        played.put("t2")
        await eventually(lambda: reaper.state()["delivered"] == 1)

    played.play(story)
    (kept,) = (played.root / "failures").glob("*.json")
    document = json.loads(kept.read_text())
    assert [one["dynamodb"]["Keys"]["id"]["S"] for one in json.loads(document["payload"])["Records"]] == ["t1"]
    assert document["requestContext"]["functionArn"] == "arn:aws:lambda:us-east-1:123456789012:function:consume"
    assert f"consume: gave up after 2 calls, records: 1, kept in {kept}" in played.console.getvalue()
    assert played.seen() == [["t1"], ["t1"], ["t2"]]


def test_a_paused_reaper_deletes_nothing_and_one_that_drops_tells_nobody(played: Played):
    async def story(reaper: Reaper, client: httpx.AsyncClient) -> None:
        assert (await client.put("/reaper", json={"paused": True})).json()["paused"] is True
        played.put("t1")
        scans = reaper.state()["scans"]
        await eventually(lambda: reaper.state()["scans"] > scans + 2)
        assert played.left() == ["t1"]
        assert (await client.put("/reaper", json={"paused": False, "drop": True})).json()["drop"] is True
        await eventually(lambda: reaper.state()["dropped"] == 1)
        assert (await client.get("/reaper")).json()["delivered"] == 0

    played.play(story)
    assert (played.left(), played.seen()) == ([], [])


def test_reconcile_runs_at_the_stacks_time_with_what_is_asked(played: Played):
    async def story(_reaper: Reaper, client: httpx.AsyncClient) -> None:
        played.clock.advance(86_400)
        plain = (await client.post("/reconcile")).json()
        asked = (await client.post("/reconcile", json={"window_hours": 7, "sweep_after_hours": 0})).json()
        assert plain["time"][:13] == played.clock.now().isoformat()[:13]
        assert {name: asked[name] for name in asked if name != "time"} == {"window_hours": 7, "sweep_after_hours": 0}

    played.play(story)


def test_a_reconcile_that_fails_is_a_502_that_says_where_to_look(played: Played):
    async def story(_reaper: Reaper, client: httpx.AsyncClient) -> None:
        answer = await client.post("/reconcile", json={"window_hours": 13})
        assert answer.status_code == 502
        assert "logs/app.log" in answer.json()["detail"]

    played.play(story)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/reconcile", b'{"window_hours": "1"}', "window_hours"),
        ("POST", "/reconcile", b'{"window_hours": 721}', "window_hours"),
        ("POST", "/reconcile", b'{"sweep_after_hours": true}', "sweep_after_hours"),
        ("POST", "/reconcile", b'{"hours": 1}', "hours"),
        ("POST", "/reconcile", b"[]", "body"),
        ("PUT", "/reaper", b'{"paused": 1}', "paused"),
        ("PUT", "/reaper", b'{"stop": true}', "stop"),
        ("PUT", "/reaper", b"{", "body"),
    ],
)
def test_a_body_that_a_control_does_not_take_is_refused_by_field(
    played: Played, method: str, path: str, body: bytes, field: str
):
    async def story(_reaper: Reaper, client: httpx.AsyncClient) -> None:
        answer = await client.request(method, path, content=body)
        assert answer.status_code == 422
        assert [error["field"] for error in answer.json()["errors"]] == [field]

    played.play(story)


def test_an_unreadable_template_stops_no_reaper(played: Played):
    async def story(reaper: Reaper, _client: httpx.AsyncClient) -> None:
        (played.root / "template.yaml").write_text("Resources: [")
        scans: Any = reaper.state()["scans"]
        await eventually(lambda: "template.yaml" in played.console.getvalue() and reaper.state()["scans"] > scans)
        (played.root / "template.yaml").write_text(TEMPLATE)
        played.put("t1")
        await eventually(lambda: reaper.state()["delivered"] == 1)

    played.play(story)
