"""POST /api/payments/stripe/create: place an order and open its Stripe Checkout."""

from topup import api_keys, auth, bodies, checkouts, views
from topup.http import Request, Response, endpoint


@endpoint
def handler(request: Request) -> Response:
    api_keys.require(request)
    caller = auth.authenticate(request)
    body = bodies.read(request, bodies.CheckoutBody)
    order = checkouts.create(caller.user_id, body.package, body.return_url, request.idempotency_key, request.now)
    return Response(views.checkout(order))
