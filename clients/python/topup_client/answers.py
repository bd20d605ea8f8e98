"""Read answers: a success, or the error that it stands for. Whatever the contract does not describe is no answer."""

import email.utils
import json
import re
import time
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

import httpx

from topup_client.errors import ApiError, GatewayError, NoAnswer, TopupError, UnexpectedAnswer
from topup_client.generated.models import CaptureReceipt

CAPTURE = re.compile(r"/api/users/credits/holds/(?P<hold_id>[^/]+)/capture$")
OF_EVERY_PROBLEM = {"type": str, "title": str, "status": int, "detail": str, "code": str, "request_id": str}
OF_A_CAPTURE = {"hold_id": str, "amount_captured": int, "captured": int, "shortfall": int, "balance_after": int}
# What the generated code raises for a document that lacks a field or has another type.
UNREADABLE = (AttributeError, KeyError, TypeError, ValueError)
GATEWAYS_OWN = frozenset({404, 413, 429, 431, 500, 503})


class AnswerTransport(httpx.BaseTransport):
    """Send a request once. Returns what the contract calls a success, read to its end; raises TopupError."""

    def __init__(self, inner: httpx.BaseTransport) -> None:
        self._inner = inner

    def handle_request(self, request: httpx.Request) -> httpx.Response:
        try:
            response = self._inner.handle_request(request)
            response.read()
        except httpx.RequestError as error:
            raise NoAnswer(f"{request.method} {request.url.path}: {error or type(error).__name__}") from error
        if failure := _failure(request, response):
            failure.retry_after = _retry_after(response)
            raise failure
        return response

    def close(self) -> None:
        self._inner.close()


def check_json(body: Any) -> None:
    """Raise TypeError or ValueError for a body that cannot be sent: that is the caller's mistake, and no answer."""
    json.dumps(body.to_dict(), allow_nan=False)


def capture_address(hold_id: str) -> str:
    return f"/api/users/credits/holds/{hold_id}/capture"


def hold_captured_by(request: httpx.Request) -> str | None:
    """The id of the hold that this request captures; None if it does something else."""
    found = CAPTURE.search(request.url.path)
    return found["hold_id"] if found else None


def _failure(request: httpx.Request, response: httpx.Response) -> TopupError | None:
    status, document = response.status_code, _document(response)
    if status == HTTPStatus.NOT_MODIFIED:
        return None
    match response.headers.get("content-type", "").partition(";")[0].strip().lower():
        case "application/json" if response.is_success and _is_understood(request, document):
            return None
        case "application/problem+json" if _is_problem(document, status):
            return ApiError.by_code.get(document["code"], ApiError)(document)
        case "application/json" if status in GATEWAYS_OWN and type(document.get("message")) is str:
            return GatewayError(status, document["message"])
    return UnexpectedAnswer(f"{status}, which the contract does not describe so: {response.text[:200]!r}")


def _document(response: httpx.Response) -> dict[str, Any]:
    """The body; {} if it is no JSON object, which no answer is."""
    try:
        document = response.json()
    except ValueError:
        return {}
    return document if isinstance(document, dict) else {}


def _is_problem(document: Mapping[str, Any], status: int) -> bool:
    own = ApiError.by_code.get(str(document.get("code")), ApiError).fields
    return _has(document, {**OF_EVERY_PROBLEM, **own}) and document["status"] == status >= HTTPStatus.BAD_REQUEST


def _is_understood(request: httpx.Request, document: Mapping[str, Any]) -> bool:
    """Whether it is an answer at all; of a capture, whether it is a receipt for a capture of this hold."""
    hold_id = hold_captured_by(request)
    if hold_id is None:
        return bool(document)
    if not _has(document, OF_A_CAPTURE) or document["hold_id"] != hold_id:
        return False
    try:
        CaptureReceipt.from_dict(document)
    except UNREADABLE:
        return False
    return True


def _has(document: Mapping[str, Any], fields: Mapping[str, type]) -> bool:
    # The exact type, because True is an int too.
    return all(type(document.get(name)) is wanted for name, wanted in fields.items())


def _retry_after(response: httpx.Response) -> float | None:
    """In seconds. The service sends a number; a proxy may send a date."""
    text = response.headers.get("retry-after", "")
    if text.isdecimal():
        return float(text)
    try:
        date = email.utils.parsedate_tz(text)
        return max(0.0, email.utils.mktime_tz(date) - time.time()) if date else None
    except (OverflowError, ValueError):
        return None
