"""What may go wrong: one class for each `code` of a problem document, and for answers that have none."""

import inspect
from collections.abc import Mapping
from http import HTTPStatus
from typing import Any, ClassVar, get_origin

# What is wrong with the request itself. Others, such as of the X-API-Key, say nothing of what an earlier attempt did.
REFUSALS = frozenset({400, 404, 409, 413, 415, 422})


class TopupError(Exception):
    """The base of all errors of this package."""

    may_have_acted: bool = False
    """Whether the request may have changed something. If so, repeat it with the same key, never with another one."""
    is_temporary: bool = False
    """Whether the same request may succeed later without anybody doing anything."""
    is_refusal: bool = False
    """Whether the service has refused the request itself: the same request has not acted, in any attempt."""
    retry_after: float | None = None
    """How many seconds to wait before the request is repeated, if the service said so."""


class NoAnswer(TopupError):
    """The service did not answer, so that nobody knows whether the request has acted."""

    may_have_acted = True
    is_temporary = True


class UnexpectedAnswer(NoAnswer):
    """The answer is not what the contract says. It proves nothing: a proxy may have written it."""


class GatewayError(TopupError):
    """API Gateway answered by itself: there is no problem document."""

    def __init__(self, status: int, message: str) -> None:
        super().__init__(f"{status}: {message}")
        self.status = status
        self.may_have_acted = status >= HTTPStatus.INTERNAL_SERVER_ERROR
        self.is_temporary = self.may_have_acted or status == HTTPStatus.TOO_MANY_REQUESTS


class CapturePending(TopupError):
    """The outcome of a capture is not known yet, or its key was refused. The journal has it, and will send it again.

    Do not send it again yourself: `replay_captures` does. `__cause__` says what happened.
    """

    may_have_acted = True

    def __init__(self, key: str) -> None:
        super().__init__(f"The capture {key} waits in the journal")
        self.key = key


class ApiError(TopupError):
    """The service refused the request or failed, and says so in a problem document (RFC 9457).

    A `code` that this version does not know makes an ApiError itself.
    """

    code: str = ""
    status: int
    title: str
    detail: str
    request_id: str
    """It finds the log lines of the request."""
    problem: Mapping[str, Any]
    """The whole document."""

    fields: ClassVar[dict[str, type]] = {}
    """What only the documents of this code have."""
    by_code: ClassVar[dict[str, type["ApiError"]]] = {}

    def __init_subclass__(cls) -> None:
        hints: dict[str, Any] = inspect.get_annotations(cls)
        cls.fields = {name: get_origin(hint) or hint for name, hint in hints.items()}
        cls.by_code[cls.code] = cls

    def __init__(self, problem: Mapping[str, Any]) -> None:
        super().__init__(f"{problem['detail']} ({problem['code']}, request {problem['request_id']})")
        self.problem = problem
        for name in ("code", "status", "title", "detail", "request_id", *self.fields):
            setattr(self, name, problem[name])
        self.may_have_acted = self.status >= HTTPStatus.INTERNAL_SERVER_ERROR
        self.is_temporary = self.may_have_acted and self.code != Misconfigured.code
        self.is_refusal = self.status in REFUSALS and self.code != NoSuchAddress.code


# ------------------------------------------------------------------------------------------------- what the caller sent


class InvalidJson(ApiError):
    code = "invalid_json"


class UnsupportedMediaType(ApiError):
    code = "unsupported_media_type"


class BodyTooLarge(ApiError):
    code = "body_too_large"


class ValidationFailed(ApiError):
    code = "validation_failed"
    errors: list[dict[str, str]]
    """The `field` and the `message` of each mistake."""


class NoSuchAddress(ApiError):
    code = "no_such_address"


class MethodNotAllowed(ApiError):
    code = "method_not_allowed"


class IdempotencyConflict(ApiError):
    """The key was used with another request, which did what it asked for; this one did nothing."""

    code = "idempotency_conflict"


# ---------------------------------------------------------------------------------------------------- who the caller is


class Unauthorized(ApiError):
    code = "unauthorized"


class Forbidden(ApiError):
    code = "forbidden"


# ---------------------------------------------------------------------------------------------------- credits and holds


class InsufficientCredits(ApiError):
    code = "insufficient_credits"
    balance: int
    held: int
    available: int


class TooManyHolds(ApiError):
    code = "too_many_holds"


class HoldNotFound(ApiError):
    code = "hold_not_found"


class HoldEnded(ApiError):
    code = "hold_ended"
    state: str
    """How it ended: captured, released or expired."""
    captured: int
    shortfall: int


class SpendNotFound(ApiError):
    code = "spend_not_found"


class SpendReversed(ApiError):
    code = "spend_reversed"
    left: int
    """What has not been given back of the spend."""


class AlreadyGranted(ApiError):
    code = "already_granted"


# ------------------------------------------------------------------------------------------------- payments and refunds


class PaymentNotFound(ApiError):
    code = "payment_not_found"


class NotCancellable(ApiError):
    code = "not_cancellable"


class NotReleasable(ApiError):
    code = "not_releasable"


class NotRefundable(ApiError):
    code = "not_refundable"
    largest_refundable: str
    """In major units of the payment's currency."""


class CreditsSpent(ApiError):
    code = "credits_spent"
    largest_refundable: str
    """In major units: the largest refund that leaves no debt."""


class QuoteStale(ApiError):
    code = "quote_stale"


# ---------------------------------------------------------------------------------------------------------- the service


class Busy(ApiError):
    code = "busy"


class StripeFailed(ApiError):
    code = "stripe_error"


class InternalError(ApiError):
    code = "internal_error"


class Misconfigured(ApiError):
    """A setting of the stack is missing or wrong: a repeated request fails too, until its operator repairs that."""

    code = "misconfigured"
