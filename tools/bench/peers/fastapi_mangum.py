"""FastAPI behind Mangum: routes, bodies and responses as pydantic models, the caller as a dependency."""

import os
from typing import Annotated, Any

import jwt
import shop  # type: ignore[import-not-found]
import stripe
from fastapi import Depends, FastAPI, Header, HTTPException, Request
from fastapi.concurrency import run_in_threadpool
from fastapi.security import HTTPAuthorizationCredentials, HTTPBearer
from mangum import Mangum
from pydantic import BaseModel

secrets = shop.secrets()
client = stripe.StripeClient(secrets["STRIPE_SECRET_KEY"], base_addresses={"api": os.environ["STRIPE_API_BASE"]})
app = FastAPI()
bearer = HTTPBearer()


class Lot(BaseModel):
    granted: int
    remaining: int


class Credits(BaseModel):
    user_id: str
    balance: int
    lots: list[Lot]


class Checkout(BaseModel):
    payment_id: str
    payment_url: str


class Spend(BaseModel):
    user_id: str
    amount: int
    description: str = ""


class Balance(BaseModel):
    balance: int


def user_of(token: Annotated[HTTPAuthorizationCredentials, Depends(bearer)]) -> str:
    try:
        return str(jwt.decode(token.credentials, secrets["JWT_SECRET"], algorithms=["HS256"])["sub"])
    except jwt.InvalidTokenError:
        raise HTTPException(401, "unauthorized") from None


User = Annotated[str, Depends(user_of)]


@app.post("/api/payments/webhook/stripe")
async def webhook(request: Request, stripe_signature: Annotated[str, Header()]) -> dict[str, bool]:
    body = await request.body()
    try:
        # tolerance: the event from events/ is old.
        event = stripe.Webhook.construct_event(body, stripe_signature, secrets["STRIPE_WEBHOOK_SECRET"], tolerance=None)  # type: ignore[arg-type]
    except (ValueError, stripe.SignatureVerificationError):
        raise HTTPException(400, "invalid event") from None
    await run_in_threadpool(shop.fulfil, event)
    return {"received": True}


@app.post("/api/payments/stripe/create", status_code=201)
def create(user_id: User) -> Checkout:
    order: dict[str, Any] = shop.place(user_id)
    session = client.v1.checkout.sessions.create(shop.session_of(order), {"idempotency_key": order["payment_id"]})
    return Checkout(payment_id=order["payment_id"], payment_url=str(session.url))


@app.get("/api/users/credits")
def credits_of(user_id: User) -> Credits:
    return Credits(**shop.credits_of(user_id))


@app.post("/api/users/credits/spend")
def spend(body: Spend, x_api_key: Annotated[str, Header()]) -> Balance:
    if x_api_key != secrets["PROXY_API_KEY"]:
        raise HTTPException(401, "unauthorized")
    balance = shop.spend(body.user_id, body.amount)
    if balance is None:
        raise HTTPException(409, "too few credits")
    return Balance(balance=balance)


handler = Mangum(app, lifespan="off")
