"""Stripe's events for a payment of `builders.an_order`, and their signatures."""

import hashlib
import hmac
import itertools
import json
from typing import Any

from local.in_process.environment import STACK, WEBHOOK_SECRET
from topup.domain.orders import Order

_numbers = itertools.count(1)


def session(order: Order, **changes: Any) -> dict[str, Any]:
    """The Checkout Session of an order after its payment."""
    return {
        "id": order.provider_order_id or "cs_test_1",
        "object": "checkout.session",
        "mode": "payment",
        "status": "complete",
        "payment_status": "paid",
        "amount_subtotal": order.amount_minor,
        "amount_total": order.amount_minor,
        "currency": order.currency.lower(),
        "livemode": order.livemode,
        "client_reference_id": order.payment_id,
        "payment_intent": "pi_1",
        "metadata": metadata(order),
    } | changes


def intent(order: Order, **changes: Any) -> dict[str, Any]:
    """The payment intent of an order after its payment."""
    return {
        "id": "pi_1",
        "object": "payment_intent",
        "status": "succeeded",
        "amount": order.amount_minor,
        "amount_received": order.amount_minor,
        "currency": order.currency.lower(),
        "livemode": order.livemode,
        "last_payment_error": None,
        "metadata": metadata(order),
    } | changes


def declined_intent(order: Order, message: str = "Your card was declined.", **error: Any) -> dict[str, Any]:
    return intent(
        order,
        status="requires_payment_method",
        amount_received=0,
        last_payment_error={"type": "card_error", "code": "card_declined", "message": message, **error},
    )


def metadata(order: Order) -> dict[str, str]:
    return {"order_id": order.payment_id, "user_id": order.user_id, "topup_stack": STACK}


def event(event_type: str, subject: dict[str, Any], **changes: Any) -> dict[str, Any]:
    return {
        "id": f"evt_{next(_numbers)}",
        "object": "event",
        "api_version": "2026-10-28.endive",
        "created": 1772366400,
        "type": event_type,
        "livemode": subject["livemode"],
        "pending_webhooks": 1,
        "request": {"id": None, "idempotency_key": None},
        "data": {"object": subject},
    } | changes


def as_bytes(value: Any) -> bytes:
    """JSON as Stripe formats it."""
    return json.dumps(value, indent=2, ensure_ascii=False).encode()


def signature(body: bytes, timestamp: int, *secrets: str, scheme: str = "v1") -> str:
    """A Stripe-Signature header, with one signature for each secret (Stripe documentation, "Verify manually")."""
    digests = [
        hmac.new(secret.encode(), f"{timestamp}.".encode() + body, hashlib.sha256).hexdigest()
        for secret in secrets or (WEBHOOK_SECRET,)
    ]
    return ",".join([f"t={timestamp}", *(f"{scheme}={digest}" for digest in digests)])
