"""POST /api/payments/stripe/create: place an order and open its Stripe Checkout."""

from topup import checkouts
from topup.api import api_keys, auth, requests, responses
from topup.api.endpoint import Request, Response, endpoint


@endpoint
def handler(request: Request) -> Response:
    api_keys.require(request)
    caller = auth.authenticate(request)
    body = requests.read(request, requests.CheckoutBody)
    order = checkouts.create(caller.user_id, body.package, body.return_url, request.idempotency_key, request.now)
    return Response(responses.checkout(order))
