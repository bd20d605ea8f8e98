"""POST /api/payments/{payment_id}/cancel: end a payment that its buyer no longer wants.

If it was paid meanwhile, the answer is `succeeded`: the credits are there, and nothing was cancelled.
"""

from topup import cancellations, stripe_gateway
from topup.api import auth, responses
from topup.api.endpoint import Request, Response, endpoint

stripe_gateway.load_sessions()


@endpoint()
def handler(request: Request) -> Response:
    caller = auth.authenticate(request)
    payment, is_new = cancellations.cancel(request.path_parameters["payment_id"], caller.user_id, request.now)
    return Response(responses.payment(payment.order, payment.reversals), is_replay=not is_new)
