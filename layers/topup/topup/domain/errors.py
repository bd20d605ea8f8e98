"""What can go wrong, in Topup's words; only `topup.api.endpoint` knows the HTTP status of each."""

from dataclasses import dataclass
from decimal import Decimal
from enum import Enum, auto
from typing import ClassVar


class TopupError(Exception):
    """A failure that the caller sees: `code` for programs, the message for people."""

    code: ClassVar[str] = "internal_error"
    title: ClassVar[str] = "Internal error"

    def __init__(self, detail: str = "", **figures: int | str) -> None:
        """`figures` go into the problem document, for programs: the balance, the largest amount that would do."""
        super().__init__(detail or self.title)
        self.detail = detail or self.title
        self.figures = figures


class ConfigurationError(TopupError):
    """A setting is missing or unsafe; the message names it and the fix, and goes to the log, not to the caller."""

    code = "misconfigured"
    title = "The service is not configured"


# ------------------------------------------------------------------------------------------------ the caller's mistakes


class InvalidJson(TopupError):
    code = "invalid_json"
    title = "The body is not valid JSON"


class InvalidSignature(TopupError):
    code = "invalid_signature"
    title = "Invalid webhook signature"


class InvalidEvent(TopupError):
    """Signed by Stripe but not an event; a redelivery would not help."""

    code = "invalid_event"
    title = "The body is not a Stripe event"


class Credential(Enum):
    """What is wrong with what the caller has shown."""

    NO_TOKEN = auto()
    BAD_TOKEN = auto()
    NO_KEY = auto()  # no key of a service, or a wrong one: no user's token would help


class Unauthorized(TopupError):
    code = "unauthorized"
    title = "Authentication is required"

    def __init__(self, detail: str = "", credential: Credential = Credential.BAD_TOKEN) -> None:
        super().__init__(detail)
        self.credential = credential


class Forbidden(TopupError):
    code = "forbidden"
    title = "You may not do this"


class NoSuchAddress(TopupError):
    """No route of the API has this path."""

    code = "no_such_address"
    title = "There is nothing at this address"


class MethodNotAllowed(TopupError):
    """The path has routes of other methods: those that are `allowed`."""

    code = "method_not_allowed"
    title = "This address does not have this method"

    def __init__(self, *allowed: str) -> None:
        super().__init__(f"This address has {', '.join(allowed)}")
        self.allowed = allowed


class PaymentNotFound(TopupError):
    """Unknown, or another user's: the response must be the same for both."""

    code = "payment_not_found"
    title = "There is no such payment"


class IdempotencyConflict(TopupError):
    code = "idempotency_conflict"
    title = "This Idempotency-Key was used with another request"


class InsufficientCredits(TopupError):
    code = "insufficient_credits"
    title = "The user has too few credits"

    def __init__(self, balance: int, held: int, available: int) -> None:
        super().__init__(f"The user has {available} credits to spend", balance=balance, held=held, available=available)


class TooManyHolds(TopupError):
    code = "too_many_holds"
    title = "The user has too many open holds"


class HoldNotFound(TopupError):
    code = "hold_not_found"
    title = "There is no such hold"


class HoldEnded(TopupError):
    """The hold has ended; `state` says how, as its own answer does."""

    code = "hold_ended"
    title = "The hold has ended"


class SpendNotFound(TopupError):
    code = "spend_not_found"
    title = "There is no such spend"


class SpendReversed(TopupError):
    """More would be given back than the spend has taken."""

    code = "spend_reversed"
    title = "Less than this is left of the spend"


class AlreadyGranted(TopupError):
    """A campaign gives each user its credits once."""

    code = "already_granted"
    title = "The user has had this campaign's credits"


class NotCancellable(TopupError):
    """The buyer has paid: the money is here or on its way."""

    code = "not_cancellable"
    title = "This payment cannot be cancelled any more"


class NotReleasable(TopupError):
    """The payment waits for no decision, or not for this one."""

    code = "not_releasable"
    title = "This payment cannot be released so"


class NotRefundable(TopupError):
    code = "not_refundable"
    title = "This payment cannot be refunded"


class CreditsSpent(TopupError):
    """A refund would leave the user owing credits; `largest` is what would not, in major units of the currency."""

    code = "credits_spent"
    title = "The credits have been spent already"

    def __init__(self, largest: str) -> None:
        most = f"at most {largest}" if Decimal(largest) else "nothing"
        super().__init__(
            f"The user has spent these credits: {most} can be refunded without debt (or use force)",
            largest_refundable=largest,
        )


class QuoteStale(TopupError):
    """The refund would do something else than what its quote says."""

    code = "quote_stale"
    title = "This quote is no longer true: ask for a new one"


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


class Refusal(Enum):
    """What Stripe's refusal says of what was asked for."""

    OF_ACCESS = auto()  # nothing: our key may not ask (yet, or any more)
    OF_FIGURES = auto()  # other refunds or disputes of the payment have taken the money
    OF_REQUEST = auto()  # it cannot be done


class StripeFailed(TopupError):
    """Stripe refused, failed or did not answer; the caller may retry with the same Idempotency-Key."""

    code = "stripe_error"
    title = "Stripe could not do this"

    def __init__(
        self,
        detail: str = "",
        *,
        is_final: bool = False,
        refusal: Refusal | None = None,
        stripe_code: str | None = None,
    ) -> None:
        """`is_final`: Stripe has answered, and would give the same answer to the same idempotency key.

        `refusal`: Stripe refused, so this request did nothing. `stripe_code`: Stripe's own word for what is wrong.
        """
        super().__init__(detail)
        self.stripe_code = stripe_code
        self.is_final = is_final
        self.refusal = refusal


class Busy(TopupError):
    """Too many requests at once, here or at Stripe; the same request will succeed a little later."""

    code = "busy"
    title = "Busy, please retry"
    retry_after = 2  # seconds


class OrderUnsettled(TopupError):
    """An update that cannot be applied before Stripe has reported the payment, or all of it: it must be sent again."""

    code = "order_unsettled"
    title = "The payment is not settled yet"


class OrderMissing(TopupError):
    """An update of one of our orders that cannot be read yet: Stripe must send it again."""

    code = "order_missing"
    title = "The order cannot be found yet"
