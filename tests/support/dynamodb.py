"""DynamoDB in process: real botocore in front, an emulator behind its last hook, every request counted."""

import io
from collections.abc import Callable, Iterator
from typing import Any
from urllib.parse import urlsplit

from botocore.awsrequest import AWSPreparedRequest, AWSResponse
from botocore.compat import HTTPHeaders
from botocore.exceptions import ReadTimeoutError

Fault = Callable[[Callable[[], AWSResponse]], AWSResponse]


class _Raw(io.BytesIO):
    def stream(self, **_: Any) -> Iterator[bytes]:
        yield self.read()


class Emulator:
    """Answers a boto3 client's requests; `operations` lists them, `fail` makes the next one of a kind go wrong."""

    def __init__(self) -> None:
        from ministack.services import dynamodb  # noqa: PLC0415 - tests without DynamoDB need not wait for it

        self._service = dynamodb
        self._faults: list[tuple[str, Fault]] = []
        self.operations: list[str] = []
        self.capacity: float = 0.0

    def attach(self, client: Any) -> None:
        client.meta.events.register("before-send.dynamodb", self._send)

    def reset(self) -> None:
        self._service.reset()

    def fail(self, operation: str, fault: Fault) -> None:
        """Let `fault` answer the next request of this kind in the emulator's place."""
        self._faults.append((operation, fault))

    def _send(self, request: AWSPreparedRequest, **_: Any) -> AWSResponse:
        operation = str(_text(request.headers["X-Amz-Target"])).partition(".")[2]
        self.operations.append(operation)
        for waiting in self._faults:
            if waiting[0] == operation:
                self._faults.remove(waiting)
                return waiting[1](lambda: self._answer(request))
        return self._answer(request)

    def _answer(self, request: AWSPreparedRequest) -> AWSResponse:
        body = request.body if isinstance(request.body, bytes) else str(request.body or "").encode()
        headers = {name.lower(): _text(value) for name, value in request.headers.items()}
        pending = self._service.handle_request("POST", urlsplit(request.url).path, headers, body, {})
        try:
            pending.send(None)  # it never waits for anything, so it runs to its end at once
        except StopIteration as done:
            status, answer_headers, answer = done.value
            return AWSResponse(request.url, status, answer_headers, _Raw(_bytes(answer)))
        raise AssertionError("the emulator waited for something")


def lost_after(answer: Callable[[], AWSResponse]) -> AWSResponse:
    """The request was carried out, and its answer lost."""
    answer()
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def lost_before(answer: Callable[[], AWSResponse]) -> AWSResponse:
    """The request was lost: nothing was carried out."""
    raise ReadTimeoutError(endpoint_url="https://dynamodb")


def refused(code: str, status: int = 400) -> Fault:
    """The request is answered with an error of DynamoDB's."""

    def fault(answer: Callable[[], AWSResponse]) -> AWSResponse:
        body = f'{{"__type": "com.amazonaws.dynamodb.v20120810#{code}", "message": "{code}"}}'
        return AWSResponse("", status, HTTPHeaders(), _Raw(body.encode()))

    return fault


def crashed_after(answer: Callable[[], AWSResponse]) -> AWSResponse:
    """The request was carried out, and the function's process died."""
    answer()
    raise Crash


class Crash(BaseException):
    """A killed process: no `except Exception` sees it."""


def crashed_before(answer: Callable[[], AWSResponse]) -> AWSResponse:
    """The function's process died before the request was sent."""
    raise Crash


def _text(value: str | bytes) -> str:
    return value.decode() if isinstance(value, bytes) else value


def _bytes(value: str | bytes) -> bytes:
    return value.encode() if isinstance(value, str) else value
