"""The only code that knows Stripe: its library, its words, its failures. Everything else speaks Topup's."""

import json
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import datetime
from functools import cache
from typing import Any

import stripe
from stripe import SignatureVerificationError, StripeClient, WebhookSignature

from topup import config, return_urls
from topup.domain import orders
from topup.domain.errors import Busy, InvalidEvent, InvalidJson, InvalidSignature, StripeFailed
from topup.domain.news import CheckoutExpired, News, PaymentDeclined, PaymentFailed, PaymentProcessing, PaymentReceived
from topup.domain.orders import Order
from topup.telemetry import count, logger

API_VERSION = "2026-10-28.endive"  # the one that the library was made for; the webhook endpoint must have it too
SIGNATURE_TOLERANCE = 300  # seconds, to either side

# Seconds. The API's caller waits at most 30 s, and Stripe's library would wait 80 for one answer: two tries with a
# pause, and the two writes around them, must fit.
CONNECT_TIMEOUT = 1
READ_TIMEOUT = 6
RETRIES = 1

Json = Mapping[str, Any]


# -------------------------------------------------------------------------------------------------------- webhooks


def verified_event(body: bytes, signature: str | None, now: datetime) -> Json:
    """The event in a webhook's exact bytes, if Stripe signed it; raises InvalidSignature, InvalidJson, InvalidEvent."""
    secrets = config.webhook_secrets()
    if not any(_is_signed(body, signature, secret) for secret in secrets) or not _is_recent(signature or "", now):
        count("InvalidSignature")
        raise InvalidSignature
    try:
        event = json.loads(body.decode())
    except (ValueError, RecursionError):
        raise InvalidJson("The event is not valid JSON") from None
    if not isinstance(event, dict) or not isinstance(event.get("type"), str):
        raise InvalidEvent
    return event


def _is_signed(body: bytes, signature: str | None, secret: str) -> bool:
    try:
        return bool(WebhookSignature.verify_header(body, signature, secret))
    except (SignatureVerificationError, UnicodeDecodeError, TypeError):
        # The library expects a body that is UTF-8 and a header that is ASCII, and says so in its own ways.
        return False


def _is_recent(signature: str, now: datetime) -> bool:
    """The library can only refuse what is too old, and by its own clock; a date far ahead is as wrong."""
    timestamps = [part.strip()[2:] for part in signature.split(",") if part.strip().startswith("t=")]
    return abs(int(timestamps[0]) - now.timestamp()) <= SIGNATURE_TOLERANCE


def news_of_event(event: Json) -> News | None:
    """What an event says of an order of ours; None for anything that does not concern us. Raises InvalidEvent.

    Source: Stripe API, event types and their objects.
    """
    try:
        subject = event["data"]["object"]
        if not _is_ours(subject):
            return None
        if bool(event["livemode"]) != config.is_livemode():
            count("LivemodeMismatch")
            logger.error("event of the other mode", event_id=event.get("id"), livemode=event["livemode"])
            return None
        return _news(event["type"], subject)
    except (KeyError, TypeError, AttributeError, ValueError) as error:
        logger.error("malformed event", event_id=str(event.get("id")), reason=type(error).__name__)
        raise InvalidEvent from error


def _is_ours(subject: Json) -> bool:
    """Whether this deployment opened the session: an account may serve other systems, and other stages of this one."""
    metadata = subject.get("metadata") or {}
    is_marked = metadata.get("topup_stack") == config.settings().stack_name
    return is_marked and orders.is_order_id(str(metadata.get("order_id")))


def _news(event_type: str, subject: Json) -> News | None:
    match event_type:
        case "checkout.session.completed" if subject["payment_status"] == "unpaid":
            return PaymentProcessing(**_session_of(subject))
        case "checkout.session.completed" | "checkout.session.async_payment_succeeded":
            return _received_by_session(subject)
        case "checkout.session.async_payment_failed":
            return PaymentFailed(**_session_of(subject))
        case "checkout.session.expired":
            return CheckoutExpired(**_session_of(subject))
        case "payment_intent.succeeded":
            return _received_by_intent(subject)
        case "payment_intent.payment_failed":
            return PaymentDeclined(reason=_failure_reason(subject), **_intent_of(subject))
        case _:
            return None


def _received_by_session(session: Json) -> PaymentReceived:
    return PaymentReceived(
        amount_minor=int(session["amount_total"]),
        currency=session["currency"].upper(),
        reference=session["client_reference_id"],
        **_session_of(session),
    )


def _received_by_intent(intent: Json) -> PaymentReceived:
    return PaymentReceived(
        amount_minor=int(intent["amount_received"]), currency=intent["currency"].upper(), **_intent_of(intent)
    )


def _session_of(session: Json) -> dict[str, Any]:
    intent = session.get("payment_intent")
    return {
        **_order_named_by(session),
        "session_id": session["id"],
        "transaction_id": intent["id"] if isinstance(intent, Mapping) else intent,
    }


def _intent_of(intent: Json) -> dict[str, Any]:
    return {**_order_named_by(intent), "transaction_id": intent["id"]}


def _order_named_by(subject: Json) -> dict[str, Any]:
    metadata = subject["metadata"]
    return {
        "payment_id": metadata["order_id"],
        "user_id": metadata["user_id"],
        "livemode": bool(subject["livemode"]),
    }


def _failure_reason(intent: Json) -> str:
    failure = intent.get("last_payment_error") or {}
    return str(failure.get("message") or failure.get("code") or orders.UNNAMED_FAILURE)


# ---------------------------------------------------------------------------------------------------- API requests


@dataclass(frozen=True)
class Session:
    """An open Checkout Session: its id, and the address where the buyer pays."""

    id: str
    url: str


def open_session(order: Order) -> Session:
    """Open the order's Checkout Session; the same order and attempt give the same one. Raises StripeFailed, Busy.

    Source: Stripe API, Checkout Session object, mode "payment".
    """
    with _failures_translated():
        session = _client().v1.checkout.sessions.create(
            _session_params(order),  # type: ignore[arg-type]  # checked against Stripe's own types by a test
            {"idempotency_key": f"{order.payment_id}-{order.attempt}"},
        )
    return Session(id=session.id, url=str(session.url))


def news_of_session(order: Order) -> News | None:
    """What Stripe says of the order's session now; None while nothing has happened. Raises StripeFailed, Busy."""
    with _failures_translated():
        session = _client(retries=0).v1.checkout.sessions.retrieve(
            str(order.provider_order_id), {"expand": ["payment_intent"]}
        )
    return _news_of_session(session.to_dict())


def _news_of_session(session: Json) -> News | None:
    intent = session.get("payment_intent") or {}
    match session["status"], session["payment_status"], intent.get("status"):
        case "expired", _, _:
            return CheckoutExpired(**_session_of(session))
        case "complete", "unpaid", "requires_payment_method" | "canceled":
            return PaymentFailed(reason=_failure_reason(intent), **_session_of(session))
        case "complete", "unpaid", _:
            return PaymentProcessing(**_session_of(session))
        case "complete", _, _:
            return _received_by_session(session)
        case "open", _, "requires_payment_method" if intent.get("last_payment_error"):
            return PaymentDeclined(reason=_failure_reason(intent), **_session_of(session))
        case _:
            return None


def _session_params(order: Order) -> dict[str, Any]:
    # Stripe copies metadata from one object to another in no other way than this.
    metadata = {
        "order_id": order.payment_id,
        "user_id": order.user_id,
        "topup_stack": config.settings().stack_name,
    }
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


def _client(retries: int = RETRIES) -> StripeClient:
    return _client_of(config.stripe_secret_key(), config.settings().stripe_api_base, retries)


@cache
def _client_of(key: str, api_base: str, retries: int) -> StripeClient:
    return StripeClient(
        key,
        stripe_version=API_VERSION,
        base_addresses={"api": api_base} if api_base else {},
        max_network_retries=retries,
        http_client=http_client(),
    )


def http_client() -> stripe.HTTPClient:
    """What carries requests to Stripe."""
    return stripe.RequestsClient(timeout=(CONNECT_TIMEOUT, READ_TIMEOUT))


@contextmanager
def _failures_translated() -> Iterator[None]:
    try:
        yield
    except stripe.RateLimitError as error:
        raise Busy("Stripe limits our requests; please retry") from error
    except stripe.APIConnectionError as error:
        logger.warning("Stripe did not answer", reason=type(error).__name__)
        raise StripeFailed("Stripe did not answer in time; retry with the same Idempotency-Key") from error
    except stripe.StripeError as error:
        if error.http_status == 409:  # the same request is being answered at this moment
            raise Busy("The same request is still under way; please retry") from error
        count("StripeError")
        logger.error("Stripe refused", status=error.http_status, code=error.code, stripe_request_id=error.request_id)
        raise StripeFailed("Stripe could not do this now; please retry", is_final=True) from error
