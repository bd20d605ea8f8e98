"""The HTTP edge of every function: an API Gateway or function-URL event in, JSON or a problem (RFC 9457) out."""

import base64
import binascii
import json
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, wraps
from http import HTTPStatus
from typing import Any

from topup.api import problems
from topup.domain import errors
from topup.domain.errors import FieldError, TopupError, ValidationFailed
from topup.runtime import deadline, failures
from topup.runtime.failures import Failure
from topup.runtime.telemetry import count, count_misconfiguration, logger

LARGEST_BODY = 512 * 1024  # bytes; Stripe's events are tens of kilobytes, our own requests far less
LARGEST_PAGE = 100

# A response lists at most so many errors: all errors of a body could exceed the size of a response.
MOST_ERRORS = 20
LONGEST_USER_ID = 255  # characters (OpenID Connect Core, 2); it must fit in Stripe's metadata too
LONGEST_FIELD_NAME = 100  # characters; unknown fields and parameters may have names of any length

ANY = None  # of the query parameters: whatever the caller's address has


@dataclass(frozen=True)
class Request:
    """One request as API Gateway (payload 2.0) or a function URL hands it over."""

    event: Mapping[str, Any]

    @property
    def method(self) -> str:
        """The method, in capitals."""
        return str(self.event["requestContext"]["http"]["method"])

    @property
    def path(self) -> str:
        """The decoded path."""
        return str(self.event["rawPath"])

    @cached_property
    def headers(self) -> Mapping[str, str]:
        """Header values by lower-case name."""
        return {name.lower(): value for name, value in (self.event.get("headers") or {}).items()}

    @property
    def path_parameters(self) -> Mapping[str, str]:
        """The values of the route's {placeholders}."""
        return self.event.get("pathParameters") or {}

    @property
    def query(self) -> Mapping[str, str]:
        """The query string's parameters."""
        return self.event.get("queryStringParameters") or {}

    def check_query(self, known: Collection[str]) -> None:
        """Raise ValidationFailed for a parameter that is not known, or that is given twice.

        From the query as it was sent: the gateway joins parameters of one name with a comma.
        """
        sent = [part.partition("=")[0] for part in self.event.get("rawQueryString", "").split("&") if part]
        refused = [
            FieldError(
                name[:LONGEST_FIELD_NAME], "is given twice" if name in known else "is no parameter of this address"
            )
            for name in dict.fromkeys(sent)
            if name not in known or sent.count(name) > 1
        ]
        if refused:
            raise ValidationFailed(*refused[:MOST_ERRORS])

    @property
    def id(self) -> str:
        """The gateway's id of this request, which responses and logs carry."""
        return str(self.event.get("requestContext", {}).get("requestId", "-"))

    @cached_property
    def now(self) -> datetime:
        """When the gateway received it (UTC): the one `now` of everything that this request does."""
        received = self.event.get("requestContext", {}).get("timeEpoch")
        return datetime.fromtimestamp(received / 1000, UTC) if received else datetime.now(UTC)

    @cached_property
    def body(self) -> bytes:
        """The exact bytes that were sent; raises BodyTooLarge, or InvalidJson where the base64 is broken."""
        text = self.event.get("body") or ""
        try:
            body = base64.b64decode(text, validate=True) if self.event.get("isBase64Encoded") else text.encode()
        except (binascii.Error, ValueError):
            raise errors.InvalidJson("The body is not valid base64") from None
        if len(body) > LARGEST_BODY:
            raise errors.BodyTooLarge(f"The body has {len(body)} bytes; at most {LARGEST_BODY} are read")
        return body

    @property
    def idempotency_key(self) -> str | None:
        """The Idempotency-Key header, 1-255 printable ASCII characters but the comma; raises ValidationFailed."""
        key = self.headers.get("idempotency-key")
        if key is None:
            return None
        if not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
            raise ValidationFailed(FieldError("Idempotency-Key", "must be 1-255 printable ASCII characters"))
        if "," in key:  # the gateway joins headers of one name with a comma
            raise ValidationFailed(FieldError("Idempotency-Key", "must be sent once, and have no comma"))
        return key

    def require_idempotency_key(self) -> str:
        """The Idempotency-Key of a request that must not be made twice; raises ValidationFailed without one."""
        key = self.idempotency_key
        if key is None:
            raise ValidationFailed(FieldError("Idempotency-Key", "is required: a retry must not change credits twice"))
        return key

    @property
    def limit(self) -> int:
        """How many rows of a list to return: the `limit` parameter, 20 by default; raises ValidationFailed."""
        text = self.query.get("limit", "20")
        is_number = text.isascii() and text.isdecimal() and len(text) <= 3 and not text.startswith("0")
        if not is_number or not 1 <= int(text) <= LARGEST_PAGE:
            raise ValidationFailed(FieldError("limit", f"must be a whole number from 1 to {LARGEST_PAGE}"))
        return int(text)


@dataclass(frozen=True)
class Response:
    """The response of a function: a JSON document, a text whose `content-type` is among the headers, or no body."""

    document: Mapping[str, Any] | str | None
    status: HTTPStatus = HTTPStatus.OK
    headers: Mapping[str, str] = field(default_factory=dict)
    is_replay: bool = False  # the same request has had this response before


Event = dict[str, Any]
GatewayResponse = dict[str, Any]
Handler = Callable[[Event, Any], GatewayResponse]


def endpoint(*, query: Collection[str] | None = ()) -> Callable[[Callable[[Request], Response]], Handler]:
    """Make a Lambda handler of a function from Request to Response; no exception ever leaves it.

    `query` names the query parameters that the function reads; a request with others is refused, unless it is ANY.
    """

    def decorate(handle: Callable[[Request], Response]) -> Handler:
        @wraps(handle)
        def handler(event: Event, context: Any) -> GatewayResponse:
            request = Request(event)
            logger.thread_safe_clear_keys()
            logger.thread_safe_append_keys(request_id=request.id, function_name=getattr(context, "function_name", "-"))
            try:
                with deadline.of(context):
                    if query is not ANY:
                        request.check_query(query)
                    return _to_gateway(handle(request), request)
            except Exception as error:
                return _problem(_as_told(error), request)

        return handler

    return decorate


def _as_told(error: Exception) -> TopupError:
    """What the caller is told of it."""
    if isinstance(error, TopupError):
        return error
    if failures.of(error) is not Failure.FINAL:
        logger.warning("AWS is busy", reason=failures.code_of(error))
        count("DynamoDBFailed")  # every other service's failures have become a TopupError
        return errors.Busy("The service is busy; please retry")
    logger.exception("unexpected failure")
    count("UnexpectedFailure")
    return TopupError("Something went wrong on our side")


def encode(document: Mapping[str, Any] | str) -> str:
    """The document as it is sent."""
    if isinstance(document, str):
        return document
    return json.dumps(document, ensure_ascii=False, separators=(",", ":"))


def _to_gateway(response: Response, request: Request, media_type: str = "application/json") -> GatewayResponse:
    headers = {
        # Balances and payments are one user's, and of this moment.
        "cache-control": "no-store",
        "x-content-type-options": "nosniff",
        "x-request-id": request.id,
    }
    if response.is_replay:
        headers["idempotent-replayed"] = "true"
    if response.document is None:
        return _gateway_response(response, headers, "")
    return _gateway_response(response, {"content-type": media_type, **headers}, encode(response.document))


def _gateway_response(response: Response, headers: Mapping[str, str], body: str) -> GatewayResponse:
    return {
        "statusCode": int(response.status),
        "headers": {**headers, **response.headers},
        "body": body,
        "isBase64Encoded": False,
    }


def _problem(error: TopupError, request: Request) -> GatewayResponse:
    """The problem document of an error; what is wrong on our side is logged."""
    status = problems.status_of(error)
    count_misconfiguration(error)
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("request failed", code=error.code, status=int(status), detail=error.detail)
    else:
        # Without the detail: it may quote what the caller sent.
        logger.info("request refused", code=error.code, status=int(status))
    response = Response(problems.document(error, request.id), status, problems.headers(error))
    return _to_gateway(response, request, problems.MEDIA_TYPE)
