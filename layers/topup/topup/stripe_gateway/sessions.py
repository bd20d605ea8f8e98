"""Open a Checkout Session, and read its status."""

from dataclasses import dataclass
from typing import Any

from topup.domain import return_urls
from topup.domain.orders import Order
from topup.domain.updates import PaymentUpdate
from topup.runtime import config
from topup.stripe_gateway import translation
from topup.stripe_gateway.client import client, own_key, translate_errors


@dataclass(frozen=True)
class Session:
    """An open Checkout Session: its id, and the address where the buyer pays."""

    id: str
    url: str


def open_session(order: Order) -> Session:
    """Open the order's Checkout Session; the same order and attempt give the same one. Raises StripeFailed, Busy.

    Source: Stripe API, Checkout Session object, mode "payment".
    """
    with translate_errors():
        session = client().v1.checkout.sessions.create(
            session_params(order),  # type: ignore[arg-type]  # checked against Stripe's own types by a test
            {"idempotency_key": session_key(order)},
        )
    return Session(id=session.id, url=str(session.url))


def read_session(order: Order) -> PaymentUpdate | None:
    """The update that the order's session carries now; None while nothing has happened. Raises StripeFailed, Busy."""
    with translate_errors():
        session = client(retries=0).v1.checkout.sessions.retrieve(
            str(order.provider_order_id), {"expand": ["payment_intent"]}
        )
    return translation.session_update(session.to_dict())


def session_key(order: Order) -> str:
    """Stripe's idempotency key of the order's attempt."""
    return own_key(order.payment_id, order.attempt)


def session_params(order: Order) -> dict[str, Any]:
    """The session's parameters. Stripe copies the metadata to the payment intent only because it stands there too."""
    metadata = order_metadata(order) | {"attempt": str(order.attempt)}
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
        # A buyer who pays in another currency pays another amount than the order's.
        "adaptive_pricing": {"enabled": False},
        "success_url": return_urls.with_outcome(order.return_url, order.payment_id, "success"),
        "cancel_url": return_urls.with_outcome(order.return_url, order.payment_id, "cancelled"),
    }


def order_metadata(order: Order) -> dict[str, str]:
    """The metadata that ties an object of Stripe's to its order."""
    return {
        "order_id": order.payment_id,
        "user_id": order.user_id,
        "topup_stack": config.settings().stack_name,
    }
