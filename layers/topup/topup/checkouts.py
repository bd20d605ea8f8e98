"""Opening a checkout: the order first, then Stripe's session for it, then both tied together."""

import hashlib
import json
from datetime import datetime

from topup import config, return_urls, store, stripe_gateway
from topup.domain import orders
from topup.domain.catalogue import Package
from topup.domain.errors import Busy, FieldError, StripeFailed, ValidationFailed
from topup.domain.orders import Order
from topup.telemetry import count, logger


def create(user_id: str, package_id: str, return_url: str | None, idempotency_key: str | None, now: datetime) -> Order:
    """An order with an open Checkout Session; the same user, key and request give the same one.

    A crash at any point leaves an order that the same request completes. Raises ValidationFailed, IdempotencyConflict,
    StripeFailed, Busy.
    """
    payment_id, fingerprint = orders.order_id(user_id, idempotency_key), _fingerprint(package_id, return_url)
    try:
        asked = orders.place(
            _package(package_id),
            payment_id=payment_id,
            user_id=user_id,
            return_url=return_urls.checked(return_url, config.settings().frontend_origins),
            request_fingerprint=fingerprint,
            livemode=config.is_livemode(),
            now=now,
        )
    except ValidationFailed:
        # What was right when the key was first used is still answered, whatever is on sale by now.
        earlier = store.load_order(payment_id) if idempotency_key else None
        if earlier is None or earlier.request_fingerprint != fingerprint:
            raise
        asked = earlier
    order = store.place_order(asked)
    orders.check_same_request(order, asked)
    return order if order.payment_url else _open_session(_open(order))


def _open(order: Order) -> Order:
    """The order, ready for a session: one whose first session ended unseen gets another attempt."""
    if order.is_unfinished or order.is_settled:
        return order
    try:
        reopened = orders.reopened(order)
        store.reopen(order, reopened)
    except store.LostRace:
        raise Busy("The same request is under way; please retry") from None
    return reopened


def _open_session(order: Order) -> Order:
    try:
        session = stripe_gateway.open_session(order)
    except StripeFailed as error:
        if error.is_final:
            store.next_attempt(order)
        raise
    count("CheckoutOpened")
    logger.info("checkout opened", payment_id=order.payment_id, package=order.package_id)
    return store.attach_session(order, session.id, session.url)


def _package(package_id: str) -> Package:
    packages = config.catalogue().packages
    if package_id not in packages:
        raise ValidationFailed(FieldError("package", f"must be one of {', '.join(packages)}"))
    return packages[package_id]


def _fingerprint(package_id: str, return_url: str | None) -> str:
    """What makes two requests the same: what was asked for, not what became of it."""
    return hashlib.sha256(json.dumps([package_id, return_url]).encode()).hexdigest()
