"""POST /api/payments/webhook/stripe, and any path of the function's own URL: news from Stripe.

2xx means that the effect is durable; anything else makes Stripe send the event again.
"""

from topup import payments, stripe_gateway
from topup.http import Request, Response, endpoint


@endpoint
def handler(request: Request) -> Response:
    event = stripe_gateway.verified_event(request.body, request.headers.get("stripe-signature"), request.now)
    news = stripe_gateway.news_of_event(event)
    if news is not None:
        payments.apply(news, request.now)
    return Response({"received": True})
