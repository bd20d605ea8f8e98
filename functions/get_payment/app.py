"""GET /api/payments/{payment_id}: the status of a payment, for its owner, administrators and support."""

from topup import payment_status, store
from topup.api import auth, queries, responses
from topup.api.endpoint import Request, Response, endpoint
from topup.api.staff_responses import StaffView
from topup.domain.errors import PaymentNotFound


@endpoint(query=("lang", "expand"))
def handler(request: Request) -> Response:
    caller = auth.authenticate(request)
    wants_receipt = queries.expands(request, "receipt")
    payment = payment_status.find(request.path_parameters["payment_id"])
    if payment.order.user_id != caller.user_id and not caller.may_read_all:
        raise PaymentNotFound
    payment = payment_status.sync_payment(payment, request.now)
    language = request.query.get("lang")
    staff = StaffView(store.load_own_lots([payment.order]), request.now) if caller.may_read_all else None
    body = responses.payment(payment.order, payment.reversals, staff=staff, language=language)
    if wants_receipt:
        body["receipt"] = responses.documents(payment_status.documents(payment.order))
    return Response(body)
