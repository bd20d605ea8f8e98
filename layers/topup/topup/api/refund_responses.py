"""The response bodies of refunds; see `responses`."""

from typing import TYPE_CHECKING

from topup.api.responses import number
from topup.domain.orders import Order
from topup.domain.quotes import Quote
from topup.domain.reversals import Reversal, ReversalStatus

if TYPE_CHECKING:
    from topup.api import refund_schemas

REFUND_MESSAGES = {
    ReversalStatus.SUCCEEDED: "Refund processed successfully",
    ReversalStatus.PENDING: "Refund pending: Stripe has accepted it, and the bank has not confirmed it yet",
    ReversalStatus.IN_FLIGHT: "Refund in flight: its outcome is not known yet; it will be completed, do not repeat it",
    ReversalStatus.UNKNOWN: "Refund in flight: Stripe gives it a status that is not known here; do not repeat it",
}
# Nobody can say whether the refund was stored: it was the write that got no answer, and so did the reads after it.
UNRECORDED_REFUND = (
    "It is not known whether this refund has begun: do not repeat it, but look at the payment's refunds. If it is"
    " there, it will be completed. If it is not there after a minute, nothing has been refunded"
)


def result(order: Order, refund: Reversal, *, is_recorded: bool) -> "refund_schemas.RefundResult":
    """POST /api/payments/stripe/refund; `is_recorded`: the refund is known to be stored."""
    return {
        "success": refund.status in (ReversalStatus.PENDING, ReversalStatus.SUCCEEDED),
        "refund_id": refund.stripe_id or refund.reversal_id,
        "amount": number(refund.amount_minor, order.currency),
        "credits_refunded": refund.clawed_back,
        "message": REFUND_MESSAGES[refund.status] if is_recorded else UNRECORDED_REFUND,
    }


def quoted(quote: Quote) -> "refund_schemas.RefundQuote":
    """POST /api/payments/stripe/refund/quote."""
    return {
        "amount": number(quote.change.after.amount_minor, quote.settled.order.currency),
        "credits_refunded": quote.credits,
        "from_own_lot": quote.from_own_lot,
        "from_other_lots": quote.from_other_lots,
        "debt": quote.debt,
        "holds_uncovered": quote.held,
        "largest_refundable": quote.largest_refundable,
        "quote_token": quote.token,
    }
