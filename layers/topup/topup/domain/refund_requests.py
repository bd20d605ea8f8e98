"""What an administrator asks to be refunded, and whether the money and the credits allow it."""

from dataclasses import dataclass
from datetime import datetime
from decimal import Decimal

from topup.domain import idempotency, money
from topup.domain.errors import CreditsSpent, FieldError, NotRefundable, QuoteStale, ValidationFailed
from topup.domain.orders import Order
from topup.domain.quotes import Quote
from topup.domain.reversals import Kind, Reversal, ReversalStatus


@dataclass(frozen=True, kw_only=True)
class RefundRequest:
    """What an administrator asks for: `amount` in major units of the payment's currency, None for all that is left.

    `quote_token` is of the quote that they have seen: the refund must do what it says. `admin_id` is None for a refund
    that a fraud warning causes.
    """

    payment_id: str
    amount: Decimal | None
    reason: str | None = None
    force: bool = False
    quote_token: str | None = None
    idempotency_key: str | None = None
    admin_id: str | None

    @property
    def fingerprint(self) -> str:
        """What makes two requests the same. The token is none of it: it says when to refund, and not what."""
        amount = None if self.amount is None else str(self.amount.normalize())
        return idempotency.fingerprint(self.payment_id, amount, self.reason, self.force)


def requested_refund(order: Order, refund_id: str, request: RefundRequest, now: datetime) -> Reversal:
    """The requested refund; raises NotRefundable where the money does not allow it, and ValidationFailed."""
    if not order.is_settled:
        raise NotRefundable(f"Only a paid payment can be refunded; this one is {order.status.value}")
    refunded_minor = amount_minor(order, request.amount)
    check_refundable(order, refunded_minor)
    return Reversal(
        kind=Kind.REFUND,
        reversal_id=refund_id,
        payment_id=order.payment_id,
        amount_minor=refunded_minor,
        status=ReversalStatus.IN_FLIGHT,
        created_at=now,
        reason=request.reason,
        requested_by=request.admin_id,
        request_fingerprint=request.fingerprint,
        tried_at=now,
    )


def check_refundable(order: Order, amount_minor: int) -> None:
    """Raise NotRefundable where the bank or other refunds have so much of the money that this is not left."""
    if order.disputed_minor:
        raise NotRefundable("The payment is disputed: the bank decides over its money")
    if not order.charged_minor:
        raise NotRefundable("Nothing was paid for it, so there is nothing to refund")
    left = money.to_text(order.refundable_minor, order.currency)
    if order.refundable_minor == 0:
        raise NotRefundable("The payment has been refunded completely", largest_refundable=left)
    if amount_minor > order.refundable_minor:
        raise NotRefundable(f"At most {left} {order.currency} can still be refunded", largest_refundable=left)


def amount_minor(order: Order, amount: Decimal | None) -> int:
    """The amount in minor units, for None all that is left; raises ValidationFailed."""
    if amount is None:
        return order.refundable_minor
    try:
        return money.to_minor(amount, order.currency)
    except money.InvalidAmount as error:
        raise ValidationFailed(FieldError("amount", error.detail)) from None


def check_consequences(request: RefundRequest, quote: Quote) -> None:
    """Raise QuoteStale where the refund would do something else than the quote that was seen.

    Raise CreditsSpent where it would take credits that are spent, owed or held, and is not forced.
    """
    if request.quote_token is not None and request.quote_token != quote.token:
        raise QuoteStale
    if not request.force and not quote.is_covered:
        raise CreditsSpent(quote.largest_refundable)
