"""POST /api/payments/stripe/create: place an order and open its Stripe Checkout."""

from topup import checkouts, stripe_gateway
from topup.api import api_keys, auth, requests, responses
from topup.api.endpoint import Request, Response, endpoint
from topup.runtime.secret_values import Scope

stripe_gateway.load_sessions()
requests.checkout.load()


@endpoint()
def handler(request: Request) -> Response:
    api_keys.require(request, Scope.CHECKOUT)
    caller = auth.authenticate(request)
    body = requests.checkout(request)
    wanted = checkouts.CheckoutRequest(
        user_id=caller.user_id,
        package_id=body.package,
        amount=body.amount,
        return_url=body.return_url,
        locale=body.locale,
        email=caller.email,
        idempotency_key=request.idempotency_key,
    )
    order, is_new = checkouts.create(wanted, request.now)
    return Response(responses.checkout(order), is_replay=not is_new)
