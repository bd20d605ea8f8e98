"""TTL over an emulated table, with small functions made for these tests; and the local stack's controls."""

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
# Writes down what it gets, and reports the record that the file `poison` names as failed.
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
class Sandbox:
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
        """The batches that the function got."""
        path = self.root / "functions/consume/seen.jsonl"
        return [json.loads(line) for line in path.read_text().splitlines()] if path.exists() else []

    def run(self, story: Callable[[Reaper, httpx.AsyncClient], Awaitable[None]]) -> None:
        """Run the story with a running reaper."""

        async def run() -> None:
            async with self._reaper() as (reaper, client):
                await story(reaper, client)

        asyncio.run(run())

    @asynccontextmanager
    async def _reaper(self) -> AsyncIterator[tuple[Reaper, httpx.AsyncClient]]:
        reaper = Reaper(self.runtime, self.root / "failures")
        reaper._client = self.emulator.client
        app = Starlette(routes=Controls(self.runtime, reaper).routes())
        transport = httpx.ASGITransport(app)
        async with reaper, httpx.AsyncClient(transport=transport, base_url="http://localhost/_local") as client:
            yield reaper, client


@pytest.fixture
def sandbox(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Sandbox]:
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
        yield Sandbox(tmp_path, emulator, runtime.clock, shown, runtime)
    emulator.reset()
    dynamodb_client.client.cache_clear()


async def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + 10
    while not holds():
        assert time.monotonic() < deadline, "did not happen within 10 s"
        await asyncio.sleep(0.01)


def test_due_items_are_deleted_and_delivered_in_batches_through_the_filter(sandbox: Sandbox):
    sandbox.put("t1", "t2", "t3", "other")
    sandbox.put("later", due_in=3600)

    async def story(reaper: Reaper, _client: httpx.AsyncClient) -> None:
        await eventually(lambda: reaper.state()["delivered"] == 3)
        assert reaper.state() | {"scans": 0} == {
            "paused": False, "drop": False, "scans": 0,
            "deleted": 4, "dropped": 0, "waiting": 0, "delivered": 3, "given_up": 0,
        }  # fmt: skip

    sandbox.run(story)
    assert sandbox.left() == ["later"]
    assert sorted(one for batch in sandbox.seen() for one in batch) == ["t1", "t2", "t3"]
    assert [len(batch) for batch in sandbox.seen()] == [2, 1]


def test_moving_the_clock_wakes_the_reaper(sandbox: Sandbox, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(ttl, "INTERVAL", 3600)
    sandbox.put("t1", due_in=86_400)

    async def story(reaper: Reaper, _client: httpx.AsyncClient) -> None:
        await eventually(lambda: reaper.state()["scans"] == 1)
        sandbox.clock.advance(86_401)
        await eventually(lambda: reaper.state()["delivered"] == 1)

    sandbox.run(story)


def test_an_item_whose_time_is_moved_after_the_scan_stays(sandbox: Sandbox):
    sandbox.put("t1")
    table = sandbox.runtime.project.template().tables[0]
    keys = ttl.due(sandbox.emulator.client, table, sandbox.clock.now())
    sandbox.put("t1", due_in=3600)

    assert keys == [{"id": {"S": "t1"}}]
    assert ttl.delete(sandbox.emulator.client, table, keys, sandbox.clock.now()) == []
    assert sandbox.left() == ["t1"]


def test_a_poison_record_is_kept_with_its_payload_and_the_stream_continues(sandbox: Sandbox):
    (sandbox.root / "functions/consume/poison").write_text("t1")
    sandbox.put("t1")

    async def story(reaper: Reaper, _client: httpx.AsyncClient) -> None:
        await eventually(lambda: reaper.state()["given_up"] == 1)
        sandbox.put("t2")
        await eventually(lambda: reaper.state()["delivered"] == 1)

    sandbox.run(story)
    (kept,) = (sandbox.root / "failures").glob("*.json")
    document = json.loads(kept.read_text())
    assert [one["dynamodb"]["Keys"]["id"]["S"] for one in json.loads(document["payload"])["Records"]] == ["t1"]
    assert document["requestContext"]["functionArn"] == "arn:aws:lambda:us-east-1:123456789012:function:consume"
    assert f"consume: gave up after 2 calls, records: 1, kept in {kept}" in sandbox.console.getvalue()
    assert sandbox.seen() == [["t1"], ["t1"], ["t2"]]


def test_a_paused_reaper_deletes_nothing_and_one_that_drops_publishes_nothing(sandbox: Sandbox):
    async def story(reaper: Reaper, client: httpx.AsyncClient) -> None:
        assert (await client.put("/reaper", json={"paused": True})).json()["paused"] is True
        sandbox.put("t1")
        scans = reaper.state()["scans"]
        await eventually(lambda: reaper.state()["scans"] > scans + 2)
        assert sandbox.left() == ["t1"]
        assert (await client.put("/reaper", json={"paused": False, "drop": True})).json()["drop"] is True
        await eventually(lambda: reaper.state()["dropped"] == 1)
        assert (await client.get("/reaper")).json()["delivered"] == 0

    sandbox.run(story)
    assert (sandbox.left(), sandbox.seen()) == ([], [])


def test_reconcile_gets_the_stacks_time_and_the_given_hours(sandbox: Sandbox):
    async def story(_reaper: Reaper, client: httpx.AsyncClient) -> None:
        sandbox.clock.advance(86_400)
        plain = (await client.post("/reconcile")).json()
        given = (await client.post("/reconcile", json={"window_hours": 7, "sweep_after_hours": 0})).json()
        assert plain["time"][:13] == sandbox.clock.now().isoformat()[:13]
        assert {name: given[name] for name in given if name != "time"} == {"window_hours": 7, "sweep_after_hours": 0}

    sandbox.run(story)


def test_a_reconcile_that_fails_is_a_502_that_says_where_to_look(sandbox: Sandbox):
    async def story(_reaper: Reaper, client: httpx.AsyncClient) -> None:
        response = await client.post("/reconcile", json={"window_hours": 13})
        assert response.status_code == 502
        assert "logs/app.log" in response.json()["detail"]

    sandbox.run(story)


@pytest.mark.parametrize(
    ("method", "path", "body", "field"),
    [
        ("POST", "/reconcile", b'{"window_hours": "1"}', "window_hours"),
        ("POST", "/reconcile", b'{"window_hours": 721}', "window_hours"),
        ("POST", "/reconcile", b'{"sweep_after_hours": true}', "sweep_after_hours"),
        ("POST", "/reconcile", b'{"all": 1}', "all"),
        ("POST", "/reconcile", b'{"settled": "evt_1"}', "settled"),
        ("POST", "/reconcile", b'{"settled": [1]}', "settled"),
        ("POST", "/reconcile", b'{"hours": 1}', "hours"),
        ("POST", "/reconcile", b"[]", "body"),
        ("PUT", "/reaper", b'{"paused": 1}', "paused"),
        ("PUT", "/reaper", b'{"stop": true}', "stop"),
        ("PUT", "/reaper", b"{", "body"),
    ],
)
def test_an_invalid_body_of_a_control_is_refused_by_field(
    sandbox: Sandbox, method: str, path: str, body: bytes, field: str
):
    async def story(_reaper: Reaper, client: httpx.AsyncClient) -> None:
        response = await client.request(method, path, content=body)
        assert response.status_code == 422
        assert [error["field"] for error in response.json()["errors"]] == [field]

    sandbox.run(story)


def test_the_reaper_survives_an_unreadable_template(sandbox: Sandbox):
    async def story(reaper: Reaper, _client: httpx.AsyncClient) -> None:
        (sandbox.root / "template.yaml").write_text("Resources: [")
        scans: Any = reaper.state()["scans"]
        await eventually(lambda: "template.yaml" in sandbox.console.getvalue() and reaper.state()["scans"] > scans)
        (sandbox.root / "template.yaml").write_text(TEMPLATE)
        sandbox.put("t1")
        await eventually(lambda: reaper.state()["delivered"] == 1)

    sandbox.run(story)
