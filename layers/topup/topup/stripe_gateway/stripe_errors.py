"""What an error of Stripe's library means for the flow that asked."""

from http import HTTPStatus

import stripe

from topup.domain.errors import Busy, Refusal, StripeFailed
from topup.runtime import failures
from topup.runtime.failures import Failure
from topup.runtime.telemetry import count, logger

# Stripe's words for a refund that does not fit to what is left of the payment (Stripe documentation, "Error codes").
_OF_FIGURES = {"amount_too_large", "charge_already_refunded", "charge_disputed"}


def translated(error: stripe.StripeError) -> Busy | StripeFailed:
    """The failure that a flow knows; what a person must see is logged and counted."""
    failure, status = failures.of(error), error.http_status
    if failure is Failure.RETRY:
        return Busy("Stripe limits our requests; please retry")
    if status == HTTPStatus.CONFLICT:
        return Busy("The same request is still under way; please retry")
    if failure is Failure.UNKNOWN and (status is None or status < HTTPStatus.BAD_REQUEST):
        logger.warning("Stripe did not answer", reason=type(error).__name__)
        return StripeFailed("Stripe did not answer in time; retry with the same Idempotency-Key")
    count("StripeError")
    logger.error("Stripe refused", status=status, code=error.code, stripe_request_id=error.request_id)
    # Stripe's codes are a fixed vocabulary; its messages may quote what was sent.
    reason = f" ({error.code})" if error.code else ""
    return StripeFailed(
        f"Stripe could not do this{reason}; please retry",
        is_final=True,
        refusal=_refusal(error),
        stripe_code=error.code,
    )


def _refusal(error: stripe.StripeError) -> Refusal | None:
    """What a refusal says of the request; None where Stripe may have done it, under this key or by another request."""
    if failures.of(error) is not Failure.FINAL or isinstance(error, stripe.IdempotencyError):
        return None
    if error.http_status in (HTTPStatus.UNAUTHORIZED, HTTPStatus.FORBIDDEN):
        return Refusal.OF_ACCESS
    # "Refund amount is greater than unrefunded amount on charge" comes without a code.
    is_amount_refused = error.code is None and getattr(error, "param", None) == "amount"
    return Refusal.OF_FIGURES if is_amount_refused or error.code in _OF_FIGURES else Refusal.OF_REQUEST
