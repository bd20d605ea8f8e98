"""A simulated Stripe account with its own clock, used through the official client without a network."""

import random
from datetime import UTC, datetime, timedelta
from typing import Any

import stripe

from local.stripe_simulator import Delivery, Simulator
from local.stripe_simulator.in_process import InProcessStripe

BASE_URL = "http://localhost:12111"
SECRET_KEY = "sk_test_simulated"
WEBHOOK_URL = "http://localhost:8001/"
WEBHOOK_SECRET = "whsec_simulated"
START = datetime(2026, 11, 1, 12, 0, tzinfo=UTC)

SUCCEEDS = "4242424242424242"
INSUFFICIENT_FUNDS = "4000000000009995"
DECLINED = "4000000000000002"
THREE_D_SECURE = "4000002500003155"

ANY_AGE = 100 * 365 * 86_400

Json = dict[str, Any]


class Account:
    """The simulator, a client of its API, and the deliveries to its webhook."""

    def __init__(self, seed: int = 1, secret_key: str = SECRET_KEY) -> None:
        self.time = START
        self.simulator = Simulator(
            BASE_URL,
            now=lambda: self.time,
            rng=random.Random(seed),
            secret_key=secret_key,
            webhooks=[(WEBHOOK_URL, WEBHOOK_SECRET)],
        )
        self.client = self.client_with(secret_key)

    def client_with(self, key: str) -> stripe.StripeClient:
        return stripe.StripeClient(key, http_client=InProcessStripe(self.simulator))

    def wait(self, **duration: float) -> None:
        self.time += timedelta(**duration)

    def session(self, **params: Any) -> stripe.checkout.Session:
        return self.client.v1.checkout.sessions.create(session_params(**params))  # type: ignore[arg-type]

    def paid(self, **params: Any) -> stripe.PaymentIntent:
        """The payment intent of a new session, paid by card."""
        session = self.session(**params)
        paid = self.simulator.pay(session.id, card=SUCCEEDS)
        return self.client.v1.payment_intents.retrieve(paid["payment_intent"])

    def call(self, method: str, path: str, body: str = "", **headers: str) -> tuple[int, dict[str, str], bytes]:
        """A raw call, for requests that the client does not allow."""
        sent = {"Authorization": f"Bearer {SECRET_KEY}", **{n.replace("_", "-"): v for n, v in headers.items()}}
        return self.simulator.request(method, path, sent, body.encode())

    def deliver(self, status: int | None = 200) -> list[stripe.Event]:
        """Deliver everything that is due, responding with `status`; returns the events, their signatures verified."""
        delivered = self.simulator.due()
        for delivery in delivered:
            self.simulator.delivered(delivery, status)
        return [self.verified(delivery) for delivery in delivered]

    def verified(self, delivery: Delivery) -> stripe.Event:
        signature = delivery.headers["Stripe-Signature"]
        # The test sets the clock, so the signature's age is not checked here.
        event: stripe.Event = stripe.Webhook.construct_event(
            delivery.body, signature, WEBHOOK_SECRET, tolerance=ANY_AGE
        )
        return event

    def types(self) -> list[str]:
        return [event.type for event in self.deliver()]


def session_params(**changes: Any) -> Json:
    params: Json = {
        "mode": "payment",
        "line_items": [line_item()],
        "success_url": "https://shop.example/back?session={CHECKOUT_SESSION_ID}",
        "cancel_url": "https://shop.example/back?status=cancelled",
        "client_reference_id": "order-1",
        "metadata": {"order_id": "order-1"},
        "payment_intent_data": {"metadata": {"order_id": "order-1"}},
    }
    return {name: value for name, value in {**params, **changes}.items() if value is not None}


def line_item(amount: int = 10_000, currency: str = "cny", quantity: int = 1, **product: str) -> Json:
    return {
        "price_data": {"currency": currency, "unit_amount": amount, "product_data": {"name": "标准包", **product}},
        "quantity": quantity,
    }
