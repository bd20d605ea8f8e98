"""DynamoDB for tests: real botocore in front, an engine behind its last hook, every request counted."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError

from local.in_process.policies import Policy, policy_of

Fault = Callable[[Callable[[], AWSResponse]], AWSResponse]


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class Engine(Protocol):
    """What carries requests out."""

    def respond(self, target: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body; `target` is the API's version and the operation, as a request's header has it."""

    def reset(self) -> None:
        """Forget all tables."""


class InProcess:
    """The emulator that the local stack uses, called rather than served."""

    def __init__(self) -> None:
        from ministack.services import dynamodb  # noqa: PLC0415 - tests without DynamoDB need not wait for it

        self._service = dynamodb

    def respond(self, target: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        pending = self._service.handle_request("POST", "/", {"x-amz-target": target}, body, {})
        try:
            pending.send(None)  # it never waits for anything, so it runs to its end at once
        except StopIteration as done:
            status, headers, answer = done.value
            return status, headers, _bytes(answer)
        raise AssertionError("the emulator waited for something")

    def reset(self) -> None:
        self._service.reset()


class Emulator:
    """Answers a boto3 client's requests; `operations` lists them, `fail` makes the next one of a kind go wrong."""

    def __init__(self, engine: Engine | None = None) -> None:
        self._engine = engine or InProcess()
        self._faults: list[tuple[str, Fault]] = []
        self._policy: Policy | None = None
        self._countdown: tuple[int, Fault] | None = None
        self.operations: list[str] = []
        self.read_units = 0  # consistent reads, by the size of what came back, in DynamoDB's steps of 4 KB
        self.client: Any = None
        self.orders_table = ""
        self.credits_table = ""

    def attach(self, client: Any) -> None:
        """Answer the client from now on."""
        self.client = client
        client.meta.events.register("before-send.dynamodb", self._send)

    @contextmanager
    def acting_as(self, function: str) -> Iterator[None]:
        """Refuse what the template's policy does not let this function do, as AWS would."""
        before, self._policy = self._policy, policy_of(function)
        try:
            yield
        finally:
            self._policy = before

    def reset(self) -> None:
        self._engine.reset()

    def fail(self, operation: str, fault: Fault) -> None:
        """Let `fault` answer the next request of this kind in the emulator's place."""
        self._faults.append((operation, fault))

    def clear_faults(self) -> None:
        """Forget the faults that are still waiting."""
        self._faults.clear()

    def fail_at(self, number: int, fault: Fault) -> None:
        """Let `fault` answer the request that is so many from now, whatever it is."""
        self._countdown = (number, fault)

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        operation = str(_text(request.headers["X-Amz-Target"])).partition(".")[2]
        self.operations.append(operation)
        sent = json.loads(_body(request))
        if self._policy is not None:
            self._check_policy(operation, sent, self._policy)
            _check_consistency(operation, sent)
        if self._countdown:
            number, fault = self._countdown
            self._countdown = (number - 1, fault) if number > 1 else None
            if number == 1:
                return fault(lambda: self._answer(request))
        for waiting in self._faults:
            if waiting[0] == operation:
                self._faults.remove(waiting)
                return waiting[1](lambda: self._answer(request))
        return self._answer(request)

    def _answer(self, request: AWSPreparedRequest) -> AWSResponse:
        status, headers, answer = self._engine.respond(_text(request.headers["X-Amz-Target"]), _body(request))
        self.read_units += -(-len(answer) // 4096)
        return AWSResponse(request.url, status, headers, _Raw(answer))  # type: ignore[arg-type] # any mapping will do

    def _check_policy(self, operation: str, body: Any, policy: Policy) -> None:
        logical_ids = {self.orders_table: "OrdersTable", self.credits_table: "CreditsTable"}
        for action, table, index in _actions(operation, body):
            resource = logical_ids[table] + (f"/index/{index}" if index else "")
            assert (f"dynamodb:{action}", resource) in policy, f"the template does not allow {action} on {resource}"


def _check_consistency(operation: str, body: Any) -> None:
    """What is decided on is read consistently; an index cannot be, and nothing is decided on one."""
    if operation == "BatchGetItem":
        assert all(keys.get("ConsistentRead") for keys in body["RequestItems"].values()), "an inconsistent read"
    elif operation in ("GetItem", "Query", "Scan") and "IndexName" not in body:
        assert body.get("ConsistentRead"), "an inconsistent read"


def _actions(operation: str, body: Any) -> Iterator[tuple[str, str, str | None]]:
    """What a request needs permission for: a transaction needs that of each of its writes."""
    if operation == "TransactWriteItems":
        names = {
            "Put": "PutItem",
            "Update": "UpdateItem",
            "Delete": "DeleteItem",
            "ConditionCheck": "ConditionCheckItem",
        }
        for write in body["TransactItems"]:
            [(kind, details)] = write.items()
            yield names[kind], details["TableName"], None
    elif operation == "BatchGetItem":
        for table in body["RequestItems"]:
            yield operation, table, None
    else:
        yield operation, body["TableName"], body.get("IndexName")


def lost_after(answer: Callable[[], AWSResponse]) -> AWSResponse:
    """The request was carried out, and its answer lost."""
    answer()
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def lost_before(answer: Callable[[], AWSResponse]) -> AWSResponse:
    """The request was lost: nothing was carried out."""
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def refused(code: str, status: int = 400, **details: Any) -> Fault:
    """The request is answered with an error of DynamoDB's."""
    error = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **details}
    return lambda _answer: a_response(error, status)


def a_response(body: Any, status: int = 200) -> AWSResponse:
    """An answer of DynamoDB's, made up."""
    return AWSResponse("", status, HTTPHeaders(), _Raw(json.dumps(body).encode()))


def crashed_after(answer: Callable[[], AWSResponse]) -> AWSResponse:
    """The request was carried out, and the function's process died."""
    answer()
    raise Crash


class Crash(BaseException):
    """A killed process: no `except Exception` sees it."""


def crashed_before(answer: Callable[[], AWSResponse]) -> AWSResponse:
    """The function's process died before the request was sent."""
    raise Crash


def _body(request: AWSPreparedRequest) -> bytes:
    return request.body if isinstance(request.body, bytes) else str(request.body or "").encode()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
