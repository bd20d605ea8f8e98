"""POST /api/payments/stripe/refund: give money back, and take the credits with it. For administrators.

202 while Stripe's answer is not known: the refund is carried on by its webhook, by `reconcile`, or by a retry.
"""

from decimal import Decimal
from http import HTTPStatus

from topup import auth, bodies, refunds, views
from topup.domain.reversal_kinds import Standing
from topup.http import Request, Response, endpoint


@endpoint
def handler(request: Request) -> Response:
    admin = auth.authenticate_admin(request)
    body = bodies.read(request, bodies.RefundBody)
    asked = refunds.Asked(
        payment_id=body.payment_id,
        amount=None if body.amount is None else Decimal(body.amount),
        reason=body.reason,
        force=body.force,
        idempotency_key=request.idempotency_key,
        admin_id=admin.user_id,
    )
    refunded = refunds.refund(asked, request.now)
    is_known = refunded.refund.standing is not Standing.IN_FLIGHT
    return Response(views.refunded(refunded.order, refunded.refund), HTTPStatus.OK if is_known else HTTPStatus.ACCEPTED)
