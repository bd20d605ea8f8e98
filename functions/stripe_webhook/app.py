"""POST /api/payments/webhook/stripe, and any path of the function's own URL: events from Stripe.

2xx means that the effect is durable; anything else makes Stripe send the event again.
"""

from http import HTTPStatus
from typing import Any

from topup import stripe_gateway, webhooks
from topup.api.endpoint import ANY, Request, Response, endpoint
from topup.domain.errors import InvalidEvent, InvalidJson
from topup.runtime import start
from topup.runtime.telemetry import count


@start.at_least_once
def handler(event: dict[str, Any], context: Any) -> dict[str, Any]:
    response = receive(event, context)
    if response["statusCode"] >= HTTPStatus.INTERNAL_SERVER_ERROR:
        count("WebhookFailed")  # AWS counts failures of the API's route and of the function's own URL apart
    return response


@endpoint(query=ANY)
def receive(request: Request) -> Response:
    body, signature = request.body, request.headers.get("stripe-signature")
    try:
        event = stripe_gateway.verified_event(body, signature, request.now)
        webhooks.handle(event, request.now)
    except (InvalidJson, InvalidEvent):
        count("UnreadableEvent")
        raise
    return Response({"received": True})
