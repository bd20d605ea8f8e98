"""Open a Checkout Session, and read its status."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from topup.domain import return_urls, wording
from topup.domain.documents import Documents
from topup.domain.errors import OrderUnsettled
from topup.domain.orders import Order
from topup.domain.updates import CheckoutExpired, PaymentReceived, PaymentUpdate, ReversalUpdate
from topup.runtime import config
from topup.stripe_gateway import parsing, translation
from topup.stripe_gateway.client import client, load, own_key, retrieved, translate_errors
from topup.stripe_gateway.listing import reversals_of
from topup.stripe_gateway.translation import Json

WITH_LATEST_CHARGE: Any = {"expand": ["latest_charge"]}
WITH_DOCUMENTS: Any = {"expand": ["payment_intent.latest_charge", "invoice"]}
WITH_CHARGE: Any = {"expand": ["payment_intent.latest_charge"]}


@dataclass(frozen=True)
class Session:
    """An open Checkout Session: its id, and the address where the buyer pays."""

    id: str
    url: str


def load_sessions() -> None:
    """Load what asks Stripe about sessions: for the start of a function that always does."""
    load(lambda stripe: stripe.v1.checkout.sessions)


def open_session(order: Order, email: str | None = None) -> Session:
    """Open the order's Checkout Session; the same order and attempt give the same one. Raises StripeFailed, Busy.

    `email` is the buyer's: the pay page shows it, and Stripe's receipt goes there.
    Source: Stripe API, Checkout Session object, mode "payment".
    """
    with translate_errors():
        session = client().v1.checkout.sessions.create(
            session_params(order, email),  # type: ignore[arg-type]  # checked against Stripe's own types by a test
            {"idempotency_key": session_key(order)},
        )
    return Session(id=session.id, url=str(session.url))


@dataclass(frozen=True, kw_only=True)
class SessionState:
    """A session as Stripe has it now.

    `is_open`: the buyer may still pay. `update`: what it says of the order's payment; None while nothing has happened.
    `reversals`: the refunds and disputes of that payment.
    """

    is_open: bool
    update: PaymentUpdate | None
    reversals: Sequence[ReversalUpdate] = ()


def read_session(order: Order) -> SessionState | None:
    """The order's session as it is now; None if Stripe does not know it. Raises StripeFailed, Busy.

    One Stripe call, and two more where the payment's charge has been refunded or disputed.
    """
    session_id = str(order.provider_order_id)
    session = retrieved(lambda stripe: stripe.v1.checkout.sessions.retrieve(session_id, WITH_CHARGE))
    return _state_of(session) if session else None


def end_session(order: Order) -> SessionState | None:
    """The order's session after expiring it, if it was open: nobody can pay it now. None if Stripe does not know it.

    Raises StripeFailed, Busy; also where the buyer pays at this very moment.
    """
    state = read_session(order)
    if state is None or not state.is_open:
        return state
    with translate_errors():
        ended = client(retries=0).v1.checkout.sessions.expire(str(order.provider_order_id), WITH_CHARGE)
    return _state_of(ended.to_dict())


def payment_of_intent(intent_id: str) -> PaymentReceived | None:
    """The payment of a payment intent as the Checkout Session that made it has it, with its price, tax and discount.

    None if no session of ours made it, or that session has expired. One Stripe call; raises StripeFailed, Busy, and
    OrderUnsettled where the session is not paid yet: nothing in Stripe's API says that the two change together.
    """
    params: Any = {"payment_intent": intent_id, "limit": 1, "expand": ["data.payment_intent"]}
    with translate_errors():
        found = [one.to_dict() for one in client(retries=0).v1.checkout.sessions.list(params).data]
    if not found or not translation.is_ours(found[0]):
        return None
    update = translation.session_update(found[0])
    if isinstance(update, PaymentReceived):
        return update
    if isinstance(update, CheckoutExpired):
        return None
    raise OrderUnsettled


def read_documents(order: Order) -> Documents:
    """The receipt and the invoice of a settled order; one Stripe call, and another where its session has not paid it.

    Raises StripeFailed, Busy.
    """
    session_id = str(order.provider_order_id)
    session = retrieved(lambda stripe: stripe.v1.checkout.sessions.retrieve(session_id, WITH_DOCUMENTS)) or {}
    intent = session.get("payment_intent") or {}
    if order.transaction_id not in (None, intent.get("id")):
        intent_id = order.transaction_id
        intent = retrieved(lambda stripe: stripe.v1.payment_intents.retrieve(intent_id, WITH_LATEST_CHARGE)) or {}
        session = {}
    return Documents(
        receipt_url=parsing.text_or_none((intent.get("latest_charge") or {}).get("receipt_url")),
        invoice_url=parsing.text_or_none((session.get("invoice") or {}).get("hosted_invoice_url")),
    )


def _state_of(session: Json) -> SessionState:
    intent = session.get("payment_intent") or {}
    charge = intent.get("latest_charge") or {}
    is_reversed = bool(charge.get("amount_refunded") or charge.get("refunded") or charge.get("disputed"))
    return SessionState(
        is_open=session["status"] == "open",
        update=translation.session_update(session),
        reversals=reversals_of(intent["id"]) if is_reversed else (),
    )


def session_key(order: Order) -> str:
    """Stripe's idempotency key of the order's attempt."""
    return own_key(order.payment_id, order.attempt)


def session_params(order: Order, email: str | None = None) -> dict[str, Any]:
    """The session's parameters. Stripe copies the metadata to the payment intent only because it stands there too."""
    metadata = order_metadata(order) | {"attempt": str(order.attempt)}
    return {
        **_chosen_params(order, email, metadata),
        "mode": "payment",
        "line_items": [{"quantity": 1, "price_data": _price_data(order)}],
        "client_reference_id": order.payment_id,
        "metadata": metadata,
        "payment_intent_data": {"metadata": metadata},
        "success_url": return_urls.with_outcome(order.return_url, order.payment_id, "success"),
        "cancel_url": return_urls.with_outcome(order.return_url, order.payment_id, "cancelled"),
    }


def _chosen_params(order: Order, email: str | None, metadata: Mapping[str, str]) -> dict[str, Any]:
    """The parameters that follow from the catalogue's options and from the request; of most, Stripe has a default."""
    options = config.catalogue().checkout
    end = options.session_end(order.open_since)
    chosen = {
        "locale": order.page.locale,
        "customer_email": email if options.customer_email else None,
        "expires_at": int(end.timestamp()) if end else None,
        "automatic_tax": {"enabled": True} if options.automatic_tax else None,
        "tax_id_collection": {"enabled": True} if options.tax_id_collection else None,
        "billing_address_collection": options.billing_address if options.billing_address != "auto" else None,
        "invoice_creation": {"enabled": True, "invoice_data": {"metadata": metadata}} if options.invoices else None,
        "allow_promotion_codes": options.promotion_codes or None,
    }
    return {
        **{name: value for name, value in chosen.items() if value},
        # Always said: Stripe's own default is a setting in its dashboard.
        "adaptive_pricing": {"enabled": options.adaptive_pricing},
    }


def _price_data(order: Order) -> dict[str, Any]:
    tax_behavior = config.catalogue().checkout.tax_behavior
    return {
        "currency": order.currency.lower(),
        "unit_amount": order.amount_minor,
        "product_data": _product_data(order),
        **({"tax_behavior": tax_behavior} if tax_behavior else {}),
    }


def _product_data(order: Order) -> dict[str, str]:
    expires_at = order.credits_expiry(order.open_since, config.settings().expire_after_months)
    validity = wording.validity(expires_at, order.page.language)
    return {"name": order.page.product or order.package_name} | ({"description": validity} if validity else {})


def order_metadata(order: Order) -> dict[str, str]:
    """The metadata that ties an object of Stripe's to its order."""
    return {
        "order_id": order.payment_id,
        "user_id": order.user_id,
        "topup_stack": config.settings().stack_name,
    }
