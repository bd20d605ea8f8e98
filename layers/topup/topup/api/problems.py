"""Problem documents (RFC 9457): the HTTP status, body and headers of each error."""

from collections.abc import Mapping
from http import HTTPStatus
from typing import Any

from topup.domain import errors
from topup.domain.errors import Credential, TopupError, ValidationFailed
from topup.domain.money import InvalidAmount

MEDIA_TYPE = "application/problem+json"

STATUS_OF: Mapping[type[TopupError], HTTPStatus] = {
    errors.InvalidJson: HTTPStatus.BAD_REQUEST,
    errors.InvalidSignature: HTTPStatus.BAD_REQUEST,
    errors.InvalidEvent: HTTPStatus.BAD_REQUEST,
    errors.Unauthorized: HTTPStatus.UNAUTHORIZED,
    errors.Forbidden: HTTPStatus.FORBIDDEN,
    errors.NoSuchAddress: HTTPStatus.NOT_FOUND,
    errors.PaymentNotFound: HTTPStatus.NOT_FOUND,
    errors.MethodNotAllowed: HTTPStatus.METHOD_NOT_ALLOWED,
    errors.IdempotencyConflict: HTTPStatus.CONFLICT,
    errors.InsufficientCredits: HTTPStatus.CONFLICT,
    errors.AlreadyGranted: HTTPStatus.CONFLICT,
    errors.TooManyHolds: HTTPStatus.CONFLICT,
    errors.HoldEnded: HTTPStatus.CONFLICT,
    errors.SpendReversed: HTTPStatus.CONFLICT,
    errors.HoldNotFound: HTTPStatus.NOT_FOUND,
    errors.SpendNotFound: HTTPStatus.NOT_FOUND,
    errors.NotCancellable: HTTPStatus.CONFLICT,
    errors.NotReleasable: HTTPStatus.CONFLICT,
    errors.NotRefundable: HTTPStatus.CONFLICT,
    errors.CreditsSpent: HTTPStatus.CONFLICT,
    errors.QuoteStale: HTTPStatus.CONFLICT,
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

# RFC 6750, 3: no error code where nothing was sent. A token is not asked for where a key is missing; its scheme is not
# registered, because none is for keys.
CHALLENGES: Mapping[Credential, str] = {
    Credential.NO_TOKEN: "Bearer",
    Credential.BAD_TOKEN: 'Bearer error="invalid_token"',
    Credential.NO_KEY: 'ApiKey header="X-API-Key"',
}
NOT_ENOUGH = 'Bearer error="insufficient_scope"'


def status_of(error: TopupError | type[TopupError]) -> HTTPStatus:
    """The HTTP status of an error; 500 for one that is not the caller's."""
    kind = error if isinstance(error, type) else type(error)
    return STATUS_OF.get(kind, HTTPStatus.INTERNAL_SERVER_ERROR)


def document(error: TopupError, request_id: str) -> dict[str, Any]:
    """The problem document of an error; what is wrong on our side is not shown to the caller."""
    status = status_of(error)
    problem: dict[str, Any] = {
        "type": f"urn:topup:problem:{error.code}",
        "title": error.title,
        "status": int(status),
        "detail": error.title if status == HTTPStatus.INTERNAL_SERVER_ERROR else error.detail,
        "code": error.code,
        "request_id": request_id,
        **error.figures,
    }
    if isinstance(error, ValidationFailed):
        problem["errors"] = [{"field": refused.field, "message": refused.message} for refused in error.errors]
    return problem


def headers(error: TopupError) -> dict[str, str]:
    """What the error's response says besides its document."""
    match error:
        case errors.Busy():
            return {"retry-after": str(error.retry_after)}
        case errors.Unauthorized():
            return {"www-authenticate": CHALLENGES[error.credential]}
        case errors.Forbidden():
            return {"www-authenticate": NOT_ENOUGH}
        case errors.MethodNotAllowed():
            return {"allow": ", ".join(error.allowed)}
    return {}
