"""POST /api/payments/stripe/refund: give money back, and take the credits with it. For administrators.

202 while the outcome is not known: the webhook, `reconcile` or the same key completes the refund.
"""

from http import HTTPStatus

from topup import refunds, stripe_gateway
from topup.api import auth, refund_responses, requests
from topup.api.endpoint import Request, Response, endpoint
from topup.domain.refund_requests import RefundRequest
from topup.domain.reversals import ReversalStatus

stripe_gateway.load_refunds()
requests.refund.load()


@endpoint()
def handler(request: Request) -> Response:
    admin = auth.authenticate_admin(request)
    body = requests.refund(request)
    refund_request = RefundRequest(
        payment_id=body.payment_id,
        amount=body.amount,
        reason=body.reason,
        force=body.force,
        quote_token=body.quote_token,
        idempotency_key=request.idempotency_key,
        admin_id=admin.user_id,
    )
    result = refunds.refund(refund_request, request.now)
    is_known = result.refund.status not in (ReversalStatus.IN_FLIGHT, ReversalStatus.UNKNOWN)
    return Response(
        refund_responses.result(result.order, result.refund, is_recorded=result.is_recorded),
        HTTPStatus.OK if is_known else HTTPStatus.ACCEPTED,
        is_replay=result.is_replay,
    )
