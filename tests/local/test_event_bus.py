"""The local stack's event bus: what PutEvents takes is shown, newest first, and told as it comes."""

import asyncio
import json
from datetime import UTC, datetime
from typing import Any

import botocore.session
import httpx
import pytest
from starlette.applications import Starlette

from local.aws import event_bus
from local.aws.event_bus import EventBus

ENTRY = {
    "Source": "topup",
    "DetailType": "credits.spent",
    "Resources": ["1/eu-central-1/topup-prod"],
    "Time": datetime(2026, 3, 1, 12, tzinfo=UTC).timestamp(),
    "Detail": json.dumps({"id": "a", "sequence": 1}),
}


def call(bus: EventBus, *requests: tuple[str, str, dict[str, str], Any]) -> list[httpx.Response]:
    """The responses to (method, path, headers, JSON body), one after the other."""

    async def send() -> list[httpx.Response]:
        transport = httpx.ASGITransport(Starlette(routes=bus.routes()))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            return [
                await client.request(method, path, headers=headers, json=body)
                for method, path, headers, body in requests
            ]

    return asyncio.run(send())


def a_put(*details: dict[str, Any]) -> tuple[str, str, dict[str, str], Any]:
    entries = [ENTRY | {"Detail": json.dumps(detail)} for detail in details]
    return "POST", event_bus.PATH, {"x-amz-target": "AWSEvents.PutEvents"}, {"Entries": entries}


SHOWN: tuple[str, str, dict[str, str], Any] = ("GET", "/_local/events", {}, None)


def test_events_are_shown_newest_first_as_eventbridge_delivers_them():
    put, shown = call(EventBus(), a_put({"id": "a"}, {"id": "b"}), SHOWN)

    assert put.json()["FailedEntryCount"] == 0
    first, second = shown.json()["events"]
    assert [first["detail"], second["detail"]] == [{"id": "b"}, {"id": "a"}]
    assert [first["id"], second["id"]] == [one["EventId"] for one in reversed(put.json()["Entries"])]
    assert {name: first[name] for name in ("source", "detail-type", "time", "resources")} == {
        "source": "topup",
        "detail-type": "credits.spent",
        "time": "2026-03-01T12:00:00Z",
        "resources": ["1/eu-central-1/topup-prod"],
    }


def test_the_oldest_events_are_dropped(monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(event_bus, "KEPT", 2)

    *_, shown = call(EventBus(), a_put({"id": "a"}), a_put({"id": "b"}, {"id": "c"}), SHOWN)

    assert [event["detail"]["id"] for event in shown.json()["events"]] == ["c", "b"]


def test_another_operation_is_refused_by_name():
    [response] = call(EventBus(), ("POST", event_bus.PATH, {"x-amz-target": "AWSEvents.PutRule"}, {}))

    assert (response.status_code, response.json()["message"]) == (400, "the local stack has no PutRule")


def test_a_listener_is_told_of_each_event_as_it_comes():
    bus = EventBus()

    async def told() -> list[str]:
        stream = bus._follow()
        lines = [await anext(stream)]
        transport = httpx.ASGITransport(Starlette(routes=bus.routes()))
        async with httpx.AsyncClient(transport=transport, base_url="http://localhost") as client:
            method, path, headers, body = a_put({"id": "a"}, {"id": "b"})
            await client.request(method, path, headers=headers, json=body)
        lines += [await anext(stream), await anext(stream)]
        await stream.aclose()
        return lines

    greeting, first, second = asyncio.run(told())

    assert greeting.startswith(":")  # a comment, by which a client knows that it is connected
    assert first.startswith("id: a\nevent: credits.spent\ndata: {")
    assert second.endswith("\n\n")
    assert bus._listeners == set()


def test_the_sdk_calls_the_bus_at_its_path():
    client: Any = botocore.session.get_session().create_client(
        "events", "us-east-1", endpoint_url=f"http://localhost:8000{event_bus.PATH}"
    )
    seen: list[str] = []

    def stop(request: Any, **_: Any) -> None:
        seen.append(request.url)
        raise StopAsyncIteration

    client.meta.events.register("before-send.eventbridge", stop)
    with pytest.raises(StopAsyncIteration):
        client.put_events(Entries=[ENTRY])

    assert seen == [f"http://localhost:8000{event_bus.PATH}"]
