"""A service that answers as a test says, and keeps what it was sent."""

import itertools
import json
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import httpx

from topup_client import Retries, Topup

URL = "https://topup.test"
HOLD_ID = "dcea3258-f813-5af6-886e-2f74be4e3f7e.dXNlci0x"
HOLD = {
    "hold_id": HOLD_ID,
    "user_id": "user-1",
    "amount": 200,
    "held": 200,
    "captured": 0,
    "shortfall": 0,
    "status": "open",
    "overrun": "available",
    "ends_at": "2026-11-26T08:15:00Z",
    "created_at": "2026-11-26T08:00:00Z",
    "description": "Summary",
    "metadata": {},
    "available_after": 300,
}
RECEIPT = HOLD | {
    "held": 0,
    "captured": 130,
    "status": "captured",
    "transaction_id": "6b0fba60-3a94-5b5b-b1a3-4f0cbbbf92b8",
    "amount_captured": 130,
    "balance_after": 370,
    "late": False,
}

Answer = httpx.Response | Exception


def ok(document: Any, status: int = 200, **headers: str) -> httpx.Response:
    return httpx.Response(status, json=document, headers=headers)


def problem(status: int, code: str, retry_after: str | None = None, **more: Any) -> httpx.Response:
    document = {
        "type": f"urn:topup:problem:{code}",
        "title": "No",
        "status": status,
        "detail": "It did not work",
        "code": code,
        "request_id": "r-1",
    }
    headers = {"content-type": "application/problem+json"} | ({"retry-after": retry_after} if retry_after else {})
    return httpx.Response(status, content=json.dumps(document | more), headers=headers)


def busy(retry_after: str | None = "3") -> httpx.Response:
    return problem(503, "busy", retry_after)


def gateway(status: int) -> httpx.Response:
    return httpx.Response(status, json={"message": "as API Gateway says it"})


class Service:
    """Answers requests one by one as scripted, by default with success; time passes when a client waits."""

    def __init__(self) -> None:
        self.requests: list[httpx.Request] = []
        self.waits: list[float] = []
        self.now = 1_000.0
        self.script: Iterator[Answer] = iter(())
        self.while_answering: Callable[[], None] = lambda: None

    def will(self, *answers: Answer, forever: Callable[[], Answer] | None = None) -> None:
        more = (forever() for _ in itertools.count()) if forever else iter(())
        self.script = itertools.chain(answers, more)

    def client(self, *, journal: Path | None = None, api_key: str = "key-of-the-service", attempts: int = 5) -> Topup:
        retries = Retries(attempts=attempts, sleep=self.sleep, jitter=lambda: 0.0)
        client = Topup(
            URL, api_key=api_key, journal=journal, retries=retries, transport=httpx.MockTransport(self.answer)
        )
        if client.journal is not None:
            client.journal.clock = lambda: self.now
        return client

    def sleep(self, seconds: float) -> None:
        self.waits.append(seconds)
        self.now += seconds

    def answer(self, request: httpx.Request) -> httpx.Response:
        self.requests.append(request)
        self.while_answering()
        answer = next(self.script, None) or self._success(request)
        if isinstance(answer, Exception):
            raise answer
        return answer

    def _success(self, request: httpx.Request) -> httpx.Response:
        match request.url.path.rpartition("/")[2]:
            case "holds":
                return ok(HOLD, 201)
            case "capture":
                taken = json.loads(request.content)["amount"]
                return ok(RECEIPT | {"amount_captured": taken, "captured": taken})
            case "extend":
                return ok(HOLD | {"ends_at": "2026-11-26T08:30:00Z"})
            case "release":
                return ok(HOLD | {"held": 0, "status": "released"})
            case "spend":
                spent = {"transaction_id": RECEIPT["transaction_id"], "amount": 25, "balance_after": 475}
                return ok(spent | {"available_after": 475})
        raise AssertionError(f"no answer to {request.url}")

    # ------------------------------------------------------------------------------------------------- what was sent

    @property
    def calls(self) -> list[str]:
        return [request.url.path.rpartition("/")[2] for request in self.requests]

    def keys(self, call: str = "") -> list[str | None]:
        return [request.headers.get("idempotency-key") for request in self.requests if request.url.path.endswith(call)]
