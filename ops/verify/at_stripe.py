"""What buyers do on Stripe's pay page and people in its Dashboard, by its API and with a test key."""

from collections.abc import Iterable
from typing import Any

import stripe

from topup.runtime import config
from topup.stripe_gateway.client import API_VERSION

# Stripe's test tokens: the cards 4242 4242 4242 4242, 4000 0000 0000 0002 and so on, as its API takes them.
ACCEPTED = "tok_visa"
DECLINED = "tok_chargeDeclined"
NEEDS_3D_SECURE = "tok_threeDSecure2Required"
DISPUTED = "tok_createDispute"
BUYER = {"email": "buyer@example.com", "name": "Test Buyer"}
RETRIES = 2

Json = dict[str, Any]


class AtStripe:
    """The account of the stack's key. Raises stripe.StripeError."""

    def __init__(self, carrier: stripe.HTTPClient) -> None:
        base = config.settings().stripe_api_base
        self._client = stripe.StripeClient(
            config.stripe_secret_key(),
            stripe_version=API_VERSION,
            base_addresses={"api": base} if base else {},
            max_network_retries=RETRIES,
            http_client=carrier,
        )

    def pay(self, session_id: str, token: str) -> None:
        """Pay on the session's page, with the requests that Stripe's own command-line tool makes as the buyer.

        Raises stripe.CardError where the card is declined. Nobody passes 3-D Secure: the payment waits for that.
        """
        card = {"type": "card", "card": {"token": token}, "billing_details": BUYER}
        page = self._ask("get", f"/v1/payment_pages/{session_id}")
        method = self._ask("post", "/v1/payment_methods", **card)
        amount = self.session(session_id)["amount_total"]
        confirmed = {"payment_method": method["id"], "expected_amount": amount}
        self._ask("post", f"/v1/payment_pages/{page['id']}/confirm", **confirmed)

    def session(self, session_id: str) -> Json:
        """With its payment intent, where there is one."""
        return self._ask("get", f"/v1/checkout/sessions/{session_id}", expand=["payment_intent"])

    def refund(self, intent_id: str) -> Json:
        """Of everything, as in the Dashboard: nothing in it is ours."""
        return self._ask("post", "/v1/refunds", payment_intent=intent_id)

    def event(self, event_type: str, object_id: str) -> Json | None:
        """The newest event of this type about this object, if there is one."""
        listed = self._ask("get", "/v1/events", type=event_type, limit=100)["data"]
        return next((event for event in listed if event["data"]["object"]["id"] == object_id), None)

    def resend(self, event_id: str, endpoint_id: str) -> None:
        """Let Stripe deliver an event again, as the button in its Dashboard and its command-line tool do."""
        self._ask("post", f"/v1/events/{event_id}/retry", webhook_endpoint=endpoint_id)

    def endpoints(self, urls: Iterable[str]) -> list[Json]:
        """The enabled webhook endpoints at these addresses."""
        wanted = {url.rstrip("/") for url in urls}
        listed = self._ask("get", "/v1/webhook_endpoints", limit=100)["data"]
        return [one for one in listed if one["status"] == "enabled" and one["url"].rstrip("/") in wanted]

    def switch(self, endpoint_id: str, *, on: bool) -> None:
        """Enable or disable a webhook endpoint."""
        self._ask("post", f"/v1/webhook_endpoints/{endpoint_id}", disabled=not on)

    def _ask(self, method: str, path: str, **params: Any) -> Json:
        answer: Json = self._client.raw_request(method, path, **params).data
        return answer
