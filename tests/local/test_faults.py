"""Requests to the API that fail on demand."""

import asyncio
from collections.abc import Callable, Iterator
from typing import Any

import httpx
import pytest
from starlette.applications import Starlette
from starlette.requests import Request
from starlette.responses import JSONResponse
from starlette.routing import Route
from starlette.types import Message

from local.faults import PATH, FaultyApi

SPEND = "/api/users/credits/spend"


class Api:
    """An API behind the faults, with a client of it."""

    def __init__(self) -> None:
        self.done = 0
        inner = Starlette(routes=[Route("/{path:path}", self.act, methods=["GET", "POST"])])
        faulty = FaultyApi(inner)
        self.app = Starlette(routes=faulty.routes())
        self.app.router.default = faulty

    async def act(self, _request: Request) -> JSONResponse:
        self.done += 1
        return JSONResponse({"done": self.done})

    def send(self, method: str, path: str, **more: Any) -> httpx.Response:
        async def send() -> httpx.Response:
            transport = httpx.ASGITransport(self.app)
            async with httpx.AsyncClient(transport=transport, base_url="http://api") as client:
                return await client.request(method, path, **more)

        return asyncio.run(send())

    def sent_until_the_client_leaves(self, path: str) -> list[Message]:
        """What the API sends to a client that gives up after its request."""
        received: Iterator[Message] = iter(
            [{"type": "http.request", "body": b"", "more_body": False}, {"type": "http.disconnect"}]
        )
        sent: list[Message] = []

        async def receive() -> Message:
            return next(received)

        async def send(message: Message) -> None:
            sent.append(message)

        scope = {"type": "http", "method": "POST", "path": path, "query_string": b"", "headers": []}
        asyncio.run(self.app(scope, receive, send))
        return sent

    def fault(self, **fault: str) -> httpx.Response:
        return self.send("PUT", PATH, json={"next": [fault]})


def statuses(api: Api, *requests: tuple[str, str]) -> list[int]:
    return [api.send(method, path).status_code for method, path in requests]


def test_only_the_next_matching_request_fails():
    api = Api()
    api.fault(path="/api/users/*", do="500", method="POST")

    assert statuses(api, ("GET", SPEND), ("POST", "/api/payments"), ("POST", SPEND), ("POST", SPEND)) == [
        200,
        200,
        500,
        200,
    ]
    assert api.done == 3


def test_busy_is_answered_as_the_functions_answer_it():
    api = Api()
    api.fault(path=SPEND, do="503")

    busy = api.send("POST", SPEND)

    assert (busy.status_code, busy.headers["retry-after"], busy.json()["code"]) == (503, "2", "busy")
    assert busy.headers["content-type"] == "application/problem+json"


@pytest.mark.parametrize(("status", "message"), [(429, "Too Many Requests"), (500, "Internal Server Error")])
def test_what_api_gateway_refuses_has_its_wording(status: int, message: str):
    api = Api()
    api.fault(path=SPEND, do=str(status))

    refused = api.send("POST", SPEND)

    assert (refused.status_code, refused.json()) == (status, {"message": message})


@pytest.mark.parametrize(("do", "done"), [("timeout_before", 0), ("timeout_after", 1)])
def test_a_lost_answer_leaves_the_effect_or_not(do: str, done: int):
    api = Api()
    api.fault(path=SPEND, do=do)

    assert api.sent_until_the_client_leaves(SPEND) == []
    assert api.done == done


def test_what_has_not_struck_yet_is_shown_and_replaced():
    api = Api()
    shown = [api.fault(path=SPEND, do="500").json(), api.fault(path="*", do="429").json(), api.send("GET", PATH).json()]

    assert [[fault["do"] for fault in one["next"]] for one in shown] == [["500"], ["429"], ["429"]]


@pytest.mark.parametrize(
    "spoil",
    [lambda f: f | {"do": "418"}, lambda f: f | {"path": "api"}, lambda f: f | {"when": 1}, lambda _: "500"],
    ids=["an unknown action", "no path", "an unknown field", "no object"],
)
def test_a_fault_that_means_nothing_is_refused(spoil: Callable[[Any], Any]):
    api = Api()

    refused = api.send("PUT", PATH, json={"next": [spoil({"path": SPEND, "do": "500"})]})

    assert refused.status_code == 422
    assert refused.json()["errors"][0]["field"].startswith("next.0")
    assert api.send("GET", PATH).json() == {"next": []}
