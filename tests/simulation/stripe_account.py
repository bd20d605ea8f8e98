"""What happens in the Stripe account without Topup: other systems, other stacks, buyers who pay twice."""

import json
from typing import Any

import stripe

from local.stripe_simulator import Delivery, Refused, Simulator
from local.stripe_simulator.core.webhooks import headers_of
from local.stripe_simulator.in_process import InProcessStripe

Json = dict[str, Any]

CARD = "4242424242424242"
SHOP = "https://shop.example/"


class StripeAccount:
    """Other users of the account; their calls take no time and have no faults."""

    def __init__(self, simulator: Simulator, key: str) -> None:
        self._simulator = simulator
        self._key = key

    def post(self, path: str, **params: Any) -> Json:
        """One call of Stripe's API; raises stripe.StripeError."""
        client = stripe.StripeClient(self._key, http_client=InProcessStripe(self._simulator), max_network_retries=0)
        made: Json = json.loads(str(client.raw_request("post", path, **params).body))
        return made

    def open_again(self, session_id: str, share: float = 1.0) -> str:
        """Another session that says the same as one of ours: made by hand, or by an older version's retry.

        `share`: of the price.
        """
        session = self._simulator.session(session_id)
        price = {
            "currency": session["currency"],
            "unit_amount": int(session["amount_subtotal"] * share),
            "product_data": {"name": "the same again"},
        }
        made = self.post(
            "/v1/checkout/sessions",
            mode="payment",
            line_items=[{"quantity": 1, "price_data": price}],
            client_reference_id=session["client_reference_id"],
            metadata=session["metadata"],
            payment_intent_data={"metadata": session["metadata"]},
            success_url=SHOP,
        )
        return str(made["id"])

    def pay(self, session_id: str) -> str | None:
        """The buyer pays a session by card; its payment intent, None where it cannot be paid."""
        try:
            self._simulator.pay(session_id, card=CARD)
        except Refused:
            return None
        return str(self._simulator.session(session_id)["payment_intent"]["id"])

    def foreign_payment(self, amount: int, metadata: Json) -> str:
        """A paid payment intent of another system."""
        made = self.post(
            "/v1/payment_intents",
            amount=amount,
            currency="cny",
            confirm=True,
            payment_method="pm_card_visa",
            return_url=SHOP,
            metadata=metadata,
        )
        return str(made["id"])

    def refund(self, intent_id: str, amount: int, metadata: Json) -> Json | None:
        """A refund made by another system, with any metadata; None where Stripe refuses it."""
        try:
            return self.post("/v1/refunds", payment_intent=intent_id, amount=amount, metadata=metadata)
        except stripe.StripeError:
            return None

    def resend(self, object_id: str) -> None:
        """Stripe sends all events about one of its objects again."""
        for event_id, event in list(self._simulator._world.tables["event"].items()):
            if event["data"]["object"]["id"] == object_id:
                self._simulator.resend(event_id)

    def delivery_of(self, event: Json, endpoint_id: str, url: str) -> Delivery:
        """An event that Stripe sends to our endpoint, signed, without there being one in our account."""
        body = json.dumps(event).encode()
        secret = self._simulator._world.webhooks.secrets[endpoint_id]
        headers = headers_of(body, int(self._simulator.now().timestamp()), secret)
        return Delivery(event["id"], event["type"], endpoint_id, url, 1, True, headers, body)
