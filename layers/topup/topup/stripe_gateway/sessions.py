"""Checkout Sessions: opening one, and asking what became of it."""

from dataclasses import dataclass
from typing import Any

from topup import config, return_urls
from topup.domain.news import News
from topup.domain.orders import Order
from topup.stripe_gateway import translation
from topup.stripe_gateway.client import client, failures_translated


@dataclass(frozen=True)
class Session:
    """An open Checkout Session: its id, and the address where the buyer pays."""

    id: str
    url: str


def open_session(order: Order) -> Session:
    """Open the order's Checkout Session; the same order and attempt give the same one. Raises StripeFailed, Busy.

    Source: Stripe API, Checkout Session object, mode "payment".
    """
    with failures_translated():
        session = client().v1.checkout.sessions.create(
            session_params(order),  # type: ignore[arg-type]  # checked against Stripe's own types by a test
            {"idempotency_key": f"{order.payment_id}-{order.attempt}"},
        )
    return Session(id=session.id, url=str(session.url))


def news_of_session(order: Order) -> News | None:
    """What Stripe says of the order's session now; None while nothing has happened. Raises StripeFailed, Busy."""
    with failures_translated():
        session = client(retries=0).v1.checkout.sessions.retrieve(
            str(order.provider_order_id), {"expand": ["payment_intent"]}
        )
    return translation.news_of_session(session.to_dict())


def session_params(order: Order) -> dict[str, Any]:
    """What to ask Stripe for. It copies metadata from one object to another in no other way than this."""
    metadata = order_metadata(order)
    return {
        "mode": "payment",
        "line_items": [
            {
                "quantity": 1,
                "price_data": {
                    "currency": order.currency.lower(),
                    "unit_amount": order.amount_minor,
                    "product_data": {"name": order.package_name},
                },
            }
        ],
        "client_reference_id": order.payment_id,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        # A buyer who paid in another currency would have paid another amount than the order's.
        "adaptive_pricing": {"enabled": False},
        "success_url": return_urls.with_outcome(order.return_url, order.payment_id, "success"),
        "cancel_url": return_urls.with_outcome(order.return_url, order.payment_id, "cancelled"),
    }


def order_metadata(order: Order) -> dict[str, str]:
    """How an object of Stripe's says whose it is."""
    return {
        "order_id": order.payment_id,
        "user_id": order.user_id,
        "topup_stack": config.settings().stack_name,
    }
