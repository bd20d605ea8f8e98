"""Powertools' resolver for HTTP APIs, with its validation, parameters, logger and metrics."""

import os
from typing import Any

import jwt
import shop  # type: ignore[import-not-found]
import stripe
from aws_lambda_powertools import Logger, single_metric
from aws_lambda_powertools.event_handler import APIGatewayHttpResolver
from aws_lambda_powertools.event_handler.exceptions import BadRequestError, ServiceError, UnauthorizedError
from aws_lambda_powertools.metrics import MetricUnit
from aws_lambda_powertools.utilities import parameters
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import BaseModel

app = APIGatewayHttpResolver(enable_validation=True)
logger = Logger(service="shop")
names = shop.parameter_names()
values: dict[str, str] = parameters.get_parameters_by_name({name: {} for name in names.values()}, decrypt=True)
secrets = {secret: values[name] for secret, name in names.items()}
client = stripe.StripeClient(secrets["STRIPE_SECRET_KEY"], base_addresses={"api": os.environ["STRIPE_API_BASE"]})


class Lot(BaseModel):
    granted: int
    remaining: int


class Credits(BaseModel):
    user_id: str
    balance: int
    lots: list[Lot]


class Spend(BaseModel):
    user_id: str
    amount: int
    description: str = ""


class Balance(BaseModel):
    balance: int


@app.post("/api/payments/webhook/stripe")
def webhook() -> dict[str, bool]:
    body, signature = app.current_event.decoded_body or "", app.current_event.headers.get("stripe-signature", "")
    try:
        # tolerance: the event from events/ is old.
        event = stripe.Webhook.construct_event(body, signature, secrets["STRIPE_WEBHOOK_SECRET"], tolerance=None)  # type: ignore[arg-type]
    except (ValueError, stripe.SignatureVerificationError):
        raise BadRequestError("invalid event") from None
    shop.fulfil(event)
    with single_metric(name="EventHandled", unit=MetricUnit.Count, value=1, namespace="Shop"):
        pass
    logger.info("event handled", type=event["type"])
    return {"received": True}


@app.post("/api/payments/stripe/create")
def create() -> dict[str, Any]:
    order = shop.place(user_of())
    session = client.v1.checkout.sessions.create(shop.session_of(order), {"idempotency_key": order["payment_id"]})
    return {"payment_id": order["payment_id"], "payment_url": session.url}


@app.get("/api/users/credits")
def credits_of() -> Credits:
    return Credits(**shop.credits_of(user_of()))


@app.post("/api/users/credits/spend")
def spend(body: Spend) -> Balance:
    if app.current_event.headers.get("x-api-key") != secrets["PROXY_API_KEY"]:
        raise UnauthorizedError("unauthorized")
    balance = shop.spend(body.user_id, body.amount)
    if balance is None:
        raise ServiceError(409, "too few credits")
    return Balance(balance=balance)


def user_of() -> str:
    token = app.current_event.headers.get("authorization", "").removeprefix("Bearer ")
    try:
        return str(jwt.decode(token, secrets["JWT_SECRET"], algorithms=["HS256"])["sub"])
    except jwt.InvalidTokenError:
        raise UnauthorizedError("unauthorized") from None


@logger.inject_lambda_context
def handler(event: dict[str, Any], context: LambdaContext) -> dict[str, Any]:
    return app.resolve(event, context)
