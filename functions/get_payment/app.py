"""GET /api/payments/{payment_id}: where a payment stands, for its owner and for administrators."""

from topup import auth, payments, views
from topup.domain.errors import PaymentNotFound
from topup.http import Request, Response, endpoint


@endpoint
def handler(request: Request) -> Response:
    caller = auth.authenticate(request)
    payment = payments.find(request.path_parameters["payment_id"])
    if payment.order.user_id != caller.user_id and not caller.is_admin:
        raise PaymentNotFound
    payment = payments.brought_up_to_date(payment, request.now)
    return Response(views.payment(payment.order, payment.reversals, to_admin=caller.is_admin))
