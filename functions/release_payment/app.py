"""POST /api/admin/payments/{payment_id}/release: end a quarantine: grant what was paid for, or give the money back.

202 while it is not known whether the money went back: `reconcile` or the same request completes it.
"""

from http import HTTPStatus

from topup import releases, store, stripe_gateway
from topup.api import auth, requests, responses
from topup.api.endpoint import Request, Response, endpoint
from topup.api.staff_responses import StaffView
from topup.domain.orders import ReleaseAction

stripe_gateway.load_money()
requests.release.load()


@endpoint()
def handler(request: Request) -> Response:
    admin = auth.authenticate_admin(request)
    body = requests.release(request)
    wanted = releases.ReleaseRequest(
        payment_id=request.path_parameters["payment_id"],
        action=ReleaseAction(body.action),
        reason=body.reason,
        actor=f"admin:{admin.user_id}",
        intent=body.payment_intent,
    )
    result = releases.release(wanted, request.now)
    order, reversals = result.payment.order, result.payment.reversals
    payment = responses.payment(order, reversals, staff=StaffView(store.load_own_lots([order]), request.now))
    return Response(payment, HTTPStatus.OK if result.is_known else HTTPStatus.ACCEPTED, is_replay=result.is_replay)
