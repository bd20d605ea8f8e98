"""POST /api/payments/stripe/refund/quote: what a refund would do, for administrators and support. Changes nothing."""

from topup import refund_quotes
from topup.api import auth, refund_responses, requests
from topup.api.endpoint import Request, Response, endpoint
from topup.domain.refund_requests import RefundRequest

requests.quote.load()


@endpoint()
def handler(request: Request) -> Response:
    caller = auth.authenticate_staff(request)
    body = requests.quote(request)
    wanted = RefundRequest(payment_id=body.payment_id, amount=body.amount, admin_id=caller.user_id)
    return Response(refund_responses.quoted(refund_quotes.quote(wanted, request.now)))
