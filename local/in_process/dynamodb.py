"""DynamoDB in this process: real botocore, with an engine in place of the network; every request is recorded."""

import io
import json
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any, Protocol

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError, SSLError

from local.in_process.policies import Policy, policy_of

Fault = Callable[[Callable[[], AWSResponse]], AWSResponse]


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class Engine(Protocol):
    """Executes requests."""

    def respond(self, target: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        """Status, headers and body; `target` is the X-Amz-Target header: the API's version and the operation."""

    def reset(self) -> None:
        """Delete all tables."""


class InProcess:
    """The local stack's emulator, called directly."""

    def __init__(self) -> None:
        from ministack.services import dynamodb, dynamodb_streams  # noqa: PLC0415 - only tests with DynamoDB wait for it

        self._service = dynamodb
        self._streams = dynamodb_streams

    def respond(self, target: str, body: bytes) -> tuple[int, Mapping[str, str], bytes]:
        service = self._streams if target.startswith("DynamoDBStreams_") else self._service
        pending = service.handle_request("POST", "/", {"x-amz-target": target}, body, {})
        try:
            pending.send(None)  # it never awaits, so it runs to its end at once
        except StopIteration as done:
            status, headers, content = done.value
            return status, headers, _bytes(content)
        raise AssertionError("Bug! the emulator awaits something")

    def reset(self) -> None:
        self._service.reset()


class Emulator:
    """Responds to a boto3 client's requests; `operations` lists them, `fail` makes the next one of a kind fail."""

    def __init__(self, engine: Engine | None = None) -> None:
        self._engine = engine or InProcess()
        self._faults: list[tuple[str, Fault]] = []
        self._policy: Policy | None = None
        self._countdown: tuple[int, Fault] | None = None
        self._always: dict[str, Fault] = {}
        self.operations: list[str] = []
        self.read_units = 0  # of consistent reads: the size of the responses, in steps of 4 KB
        self.client: Any = None
        self.orders_table = ""
        self.credits_table = ""

    def attach(self, client: Any) -> None:
        """Respond to this client's requests."""
        self.client = client
        client.meta.events.register("before-send.dynamodb", self._send)

    @contextmanager
    def acting_as(self, function: str) -> Iterator[None]:
        """Inside the block, refuse what the template's policy does not allow this function, as AWS would."""
        before, self._policy = self._policy, policy_of(function)
        try:
            yield
        finally:
            self._policy = before

    def reset(self) -> None:
        self._engine.reset()

    def fail(self, operation: str, fault: Fault) -> None:
        """The next request of this kind gets `fault`."""
        self._faults.append((operation, fault))

    def fail_always(self, operation: str, fault: Fault) -> None:
        """Every request of this kind gets `fault`, until the faults are cleared."""
        self._always[operation] = fault

    def clear_faults(self) -> None:
        """Remove the faults that no request has got yet."""
        self._faults.clear()
        self._always.clear()
        self._countdown = None

    def fail_at(self, number: int, fault: Fault) -> None:
        """The request with this number, counted from 1 for the next, gets `fault`, whatever its kind."""
        self._countdown = (number, fault)

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        operation = str(_text(request.headers["X-Amz-Target"])).partition(".")[2]
        self.operations.append(operation)
        sent = json.loads(body_of(request))
        if self._policy is not None:
            self._check_policy(operation, sent, self._policy)
            _check_consistency(operation, sent)
        if self._countdown:
            number, planned = self._countdown
            self._countdown = (number - 1, planned) if number > 1 else None
            if number == 1:
                return planned(lambda: self._respond(request))
        for waiting in self._faults:
            if waiting[0] == operation:
                self._faults.remove(waiting)
                return waiting[1](lambda: self._respond(request))
        fault = self._always.get(operation)
        return fault(lambda: self._respond(request)) if fault else self._respond(request)

    def forward(self, request: AWSPreparedRequest) -> AWSResponse:
        """What the engine responds to a request of any client, whatever faults there are."""
        return self._respond(request)

    def _respond(self, request: AWSPreparedRequest) -> AWSResponse:
        status, headers, content = self._engine.respond(_text(request.headers["X-Amz-Target"]), body_of(request))
        self.read_units += -(-len(content) // 4096)
        return AWSResponse(request.url, status, headers, _Raw(content))  # type: ignore[arg-type] # any mapping will do

    def _check_policy(self, operation: str, body: Any, policy: Policy) -> None:
        logical_ids = {self.orders_table: "OrdersTable", self.credits_table: "CreditsTable"}
        for action, table, index in _actions(operation, body):
            resource = logical_ids[table] + (f"/index/{index}" if index else "")
            assert (f"dynamodb:{action}", resource) in policy, f"the template does not allow {action} on {resource}"


def _check_consistency(operation: str, body: Any) -> None:
    """A decision needs a consistent read. No decision depends on a scan, nor on an index, which has no such read."""
    if operation == "BatchGetItem":
        assert all(keys.get("ConsistentRead") for keys in body["RequestItems"].values()), "an inconsistent read"
    elif operation in ("GetItem", "Query") and "IndexName" not in body:
        assert body.get("ConsistentRead"), "an inconsistent read"


def _actions(operation: str, body: Any) -> Iterator[tuple[str, str, str | None]]:
    """The permissions that a request needs; a transaction needs one for each of its writes."""
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


def lost_after(execute: Callable[[], AWSResponse]) -> AWSResponse:
    """The request is executed, and its response lost."""
    execute()
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def lost_before(execute: Callable[[], AWSResponse]) -> AWSResponse:
    """The request is lost and not executed."""
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def overtaken_by(action: Callable[[], object]) -> Fault:
    """`action` happens between our decision and this request: the request is carried out after it."""

    def fault(answer: Callable[[], AWSResponse]) -> AWSResponse:
        action()
        return answer()

    return fault


def refused(code: str, status: int = 400, **details: Any) -> Fault:
    """The response is an error of DynamoDB's; the request is not executed."""
    error = {"__type": f"com.amazonaws.dynamodb.v20120810#{code}", "message": code, **details}
    return lambda _execute: a_response(error, status)


def a_response(body: Any, status: int = 200) -> AWSResponse:
    """A made-up response of DynamoDB."""
    return AWSResponse("", status, HTTPHeaders(), _Raw(json.dumps(body).encode()))


def a_page_instead(execute: Callable[[], AWSResponse]) -> AWSResponse:
    """A load balancer responds in DynamoDB's place, with a page for people; the request is not executed."""
    return AWSResponse("", 503, HTTPHeaders(), _Raw(b"<html>Service Unavailable</html>"))


def no_handshake(execute: Callable[[], AWSResponse]) -> AWSResponse:
    """The connection ends in the TLS handshake; the request is not sent."""
    raise SSLError(endpoint_url="https://dynamodb", error=OSError("EOF occurred in violation of protocol"))


def crashed_after(execute: Callable[[], AWSResponse]) -> AWSResponse:
    """The request is executed, and the function's process dies."""
    execute()
    raise Crash


class Crash(BaseException):
    """The process was killed; no `except Exception` catches it."""


def crashed_before(execute: Callable[[], AWSResponse]) -> AWSResponse:
    """The function's process dies before the request is sent."""
    raise Crash


def body_of(request: AWSPreparedRequest) -> bytes:
    """What a client sends."""
    return request.body if isinstance(request.body, bytes) else str(request.body or "").encode()


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
