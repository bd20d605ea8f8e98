"""The HTTP edge of every function: an API Gateway or function-URL event in, JSON or a problem (RFC 9457) out."""

import base64
import binascii
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property, wraps
from http import HTTPStatus
from typing import Any

from topup.domain import errors
from topup.domain.errors import FieldError, TopupError, ValidationFailed
from topup.domain.money import InvalidAmount
from topup.runtime import deadline, failures
from topup.runtime.failures import Failure
from topup.runtime.telemetry import count, logger

LARGEST_BODY = 512 * 1024  # bytes; Stripe's events are tens of kilobytes, our own requests far less
LARGEST_PAGE = 100

STATUS_OF: Mapping[type[TopupError], HTTPStatus] = {
    errors.InvalidJson: HTTPStatus.BAD_REQUEST,
    errors.InvalidSignature: HTTPStatus.BAD_REQUEST,
    errors.InvalidEvent: HTTPStatus.BAD_REQUEST,
    errors.Unauthorized: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.PaymentNotFound: HTTPStatus.NOT_FOUND,
    errors.IdempotencyConflict: HTTPStatus.CONFLICT,
    errors.InsufficientCredits: HTTPStatus.CONFLICT,
    errors.AlreadyGranted: HTTPStatus.CONFLICT,
    errors.NotRefundable: HTTPStatus.CONFLICT,
    errors.CreditsSpent: HTTPStatus.CONFLICT,
    errors.BodyTooLarge: HTTPStatus.REQUEST_ENTITY_TOO_LARGE,
    errors.UnsupportedMediaType: HTTPStatus.UNSUPPORTED_MEDIA_TYPE,
    errors.ValidationFailed: HTTPStatus.UNPROCESSABLE_ENTITY,
    InvalidAmount: HTTPStatus.UNPROCESSABLE_ENTITY,
    errors.ConfigurationError: HTTPStatus.INTERNAL_SERVER_ERROR,
    errors.StripeFailed: HTTPStatus.BAD_GATEWAY,
    errors.Busy: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.OrderMissing: HTTPStatus.SERVICE_UNAVAILABLE,
    errors.OrderUnsettled: HTTPStatus.SERVICE_UNAVAILABLE,
}


@dataclass(frozen=True)
class Request:
    """One request as API Gateway (payload 2.0) or a function URL hands it over."""

    event: Mapping[str, Any]

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
        """The Idempotency-Key header, 1-255 printable ASCII characters; raises ValidationFailed for another."""
        key = self.headers.get("idempotency-key")
        if key is not None and not (1 <= len(key) <= 255 and key.isascii() and key.isprintable()):
            raise ValidationFailed(FieldError("Idempotency-Key", "must be 1-255 printable ASCII characters"))
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
        is_number = text.isascii() and text.isdecimal() and len(text) <= 3
        if not is_number or not 1 <= int(text) <= LARGEST_PAGE:
            raise ValidationFailed(FieldError("limit", f"must be a whole number from 1 to {LARGEST_PAGE}"))
        return int(text)


@dataclass(frozen=True)
class Response:
    """The response of a function: a JSON document."""

    document: Mapping[str, Any]
    status: HTTPStatus = HTTPStatus.OK
    # Balances and payments are one user's, and of this moment.
    headers: Mapping[str, str] = field(default_factory=lambda: {"cache-control": "no-store"})


Event = dict[str, Any]
GatewayResponse = dict[str, Any]


def endpoint(handle: Callable[[Request], Response]) -> Callable[[Event, Any], GatewayResponse]:
    """Make a Lambda handler of a function from Request to Response; no exception ever leaves it."""

    @wraps(handle)
    def handler(event: Event, context: Any) -> GatewayResponse:
        request = Request(event)
        logger.thread_safe_clear_keys()
        logger.thread_safe_append_keys(request_id=request.id, function_name=getattr(context, "function_name", "-"))
        try:
            with deadline.of(context):
                return _to_gateway(handle(request))
        except TopupError as error:
            return _problem(error, request)
        except Exception as error:
            if failures.of(error) is not Failure.FINAL:
                logger.warning("AWS is busy", reason=failures.code_of(error))
                count("DynamoDBFailed")  # every other service's failures have become a TopupError
                return _problem(errors.Busy("The service is busy; please retry"), request)
            logger.exception("unexpected failure")
            count("UnexpectedFailure")
            return _problem(TopupError("Something went wrong on our side"), request)

    return handler


def _to_gateway(response: Response, content_type: str = "application/json") -> GatewayResponse:
    return {
        "statusCode": int(response.status),
        "headers": {"content-type": content_type, **response.headers},
        "body": json.dumps(response.document, ensure_ascii=False, separators=(",", ":")),
        "isBase64Encoded": False,
    }


def _problem(error: TopupError, request: Request) -> GatewayResponse:
    """The problem document of an error; what is wrong on our side is logged, not shown to the caller."""
    status = STATUS_OF.get(type(error), HTTPStatus.INTERNAL_SERVER_ERROR)
    if isinstance(error, errors.ConfigurationError):
        count("Misconfigured")
    if status >= HTTPStatus.INTERNAL_SERVER_ERROR:
        logger.error("request failed", code=error.code, status=int(status), detail=error.detail)
    else:
        # Without the detail: it may quote what the caller sent.
        logger.info("request refused", code=error.code, status=int(status))
    problem: dict[str, Any] = {
        "type": f"urn:topup:problem:{error.code}",
        "title": error.title,
        "status": int(status),
        "detail": error.title if status == HTTPStatus.INTERNAL_SERVER_ERROR else error.detail,
        "code": error.code,
        "request_id": request.id,
        **error.figures,
    }
    if isinstance(error, ValidationFailed):
        problem["errors"] = [{"field": refused.field, "message": refused.message} for refused in error.errors]
    return _to_gateway(Response(problem, status, _problem_headers(error)), "application/problem+json")


def _problem_headers(error: TopupError) -> dict[str, str]:
    headers = {"cache-control": "no-store"}
    if isinstance(error, errors.Busy):
        headers["retry-after"] = str(error.retry_after)
    if isinstance(error, errors.Unauthorized):
        headers["www-authenticate"] = "Bearer"
    return headers
