"""Say what a refund would do, by the decisions of the refund itself, and change nothing."""

from datetime import datetime

from topup import payment_status, store
from topup.domain import idempotency, payments, refund_requests
from topup.domain.quotes import Quote
from topup.domain.refund_requests import RefundRequest


@store.retried
def quote(request: RefundRequest, now: datetime) -> Quote:
    """What the requested refund would do now; raises PaymentNotFound, NotRefundable, ValidationFailed, Busy."""
    payment = payment_status.find(request.payment_id)
    refund_id = idempotency.id_from_key(f"refund:{request.payment_id}", None)
    refund = refund_requests.requested_refund(payment.order, refund_id, request, now)
    settled = store.load_settled_payment(payment, now)
    change = payments.decide(settled, refund, now)
    assert change, "Bug! a new refund always changes something"
    return Quote(settled=settled, change=change, now=now)
