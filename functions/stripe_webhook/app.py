"""POST /api/payments/webhook/stripe, and any path of the function's own URL: events from Stripe.

2xx means that the effect is durable; anything else makes Stripe send the event again.
"""

from topup import stripe_gateway, webhooks
from topup.api.endpoint import Request, Response, endpoint


@endpoint
def handler(request: Request) -> Response:
    event = stripe_gateway.verified_event(request.body, request.headers.get("stripe-signature"), request.now)
    webhooks.handle(event, request.now)
    return Response({"received": True})
