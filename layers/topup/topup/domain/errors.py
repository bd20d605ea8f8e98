"""What can go wrong, in Topup's words; `topup.http` alone says which HTTP status that is."""

from dataclasses import dataclass
from typing import ClassVar


class TopupError(Exception):
    """A failure that a caller is told about: `code` for programs, the message for people."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str = "") -> None:
        super().__init__(detail or self.title)
        self.detail = detail or self.title


class ConfigurationError(TopupError):
    """A setting is missing or unsafe; the message names it and the fix, and goes to the log, not to the caller."""

    code = "misconfigured"
    title = "The service is not configured"


# ------------------------------------------------------------------------------------------------ a caller's mistakes


class InvalidJson(TopupError):
    code = "invalid_json"
    title = "The body is not valid JSON"


class InvalidSignature(TopupError):
    code = "invalid_signature"
    title = "Invalid webhook signature"


class InvalidEvent(TopupError):
    """Signed by Stripe, yet not an event: nothing that another delivery could mend."""

    code = "invalid_event"
    title = "The body is not a Stripe event"


class Unauthorized(TopupError):
    code = "unauthorized"
    title = "Authentication is required"


class Forbidden(TopupError):
    code = "forbidden"
    title = "You may not do this"


class PaymentNotFound(TopupError):
    """Unknown, or another user's: the two must read alike."""

    code = "payment_not_found"
    title = "There is no such payment"


class IdempotencyConflict(TopupError):
    code = "idempotency_conflict"
    title = "This Idempotency-Key was used with another request"


class BodyTooLarge(TopupError):
    code = "body_too_large"
    title = "The body is too large"


class UnsupportedMediaType(TopupError):
    code = "unsupported_media_type"
    title = "The body must be application/json"


@dataclass(frozen=True)
class FieldError:
    """One field that was refused: its name (dotted where nested) and what it must be."""

    field: str
    message: str


class ValidationFailed(TopupError):
    code = "validation_failed"
    title = "The request has invalid fields"

    def __init__(self, *errors: FieldError) -> None:
        super().__init__("; ".join(f"{error.field}: {error.message}" for error in errors))
        self.errors = errors


# ------------------------------------------------------------------------------------------- others' failures, or ours


class StripeFailed(TopupError):
    """Stripe refused, failed or did not answer; the caller may retry with the same Idempotency-Key."""

    code = "stripe_error"
    title = "Stripe could not do this"

    def __init__(self, detail: str = "", *, is_final: bool = False) -> None:
        """`is_final`: Stripe did answer, nothing was done, and the same idempotency key would bring the same answer."""
        super().__init__(detail)
        self.is_final = is_final


class Busy(TopupError):
    """Too many at once, here or at Stripe; the same request will succeed a little later."""

    code = "busy"
    title = "Busy, please retry"
    retry_after = 2  # seconds


class OrderMissing(TopupError):
    """News of an order of ours that cannot be read (yet): Stripe must send it again."""

    code = "order_missing"
    title = "The order cannot be found yet"
