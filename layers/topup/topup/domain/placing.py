"""Place an order, and recognize the request that placed it when it comes again."""

from dataclasses import replace
from datetime import datetime

from topup.domain import idempotency
from topup.domain.catalogue import Package
from topup.domain.errors import IdempotencyConflict
from topup.domain.orders import Order, Status
from topup.domain.wording import NO_WORDS, PayPage


def place(
    package: Package,
    *,
    payment_id: str,
    user_id: str,
    return_url: str,
    request_fingerprint: str,
    livemode: bool,
    now: datetime,
    page: PayPage = NO_WORDS,
) -> Order:
    """A new order for the package as it is sold now."""
    return Order(
        payment_id=payment_id,
        user_id=user_id,
        package_id=package.id,
        package_name=package.name,
        package_names=package.names,
        credits_purchased=package.credits,
        amount_minor=package.price_minor,
        currency=package.currency,
        livemode=livemode,
        return_url=return_url,
        page=page,
        valid_months=package.valid_months,
        request_fingerprint=request_fingerprint,
        created_at=now,
    )


def check_same_request(existing: Order, requested: Order) -> None:
    """Raise IdempotencyConflict when the key of one order is used to request another.

    So is the key of an order that has been erased since: what is paid for it goes to the pseudonym.
    """
    if existing.user_id != requested.user_id:
        raise IdempotencyConflict("This Idempotency-Key was used before; use a new key for a new payment")
    idempotency.check_same_request(existing.request_fingerprint, requested.request_fingerprint)


def check_same_mode(existing: Order, *, livemode: bool) -> None:
    """Raise IdempotencyConflict when a key of one mode of Stripe's is used in the other: no order changes its mode."""
    if existing.livemode is not livemode:
        mode = "live" if existing.livemode else "test"
        raise IdempotencyConflict(
            f"This Idempotency-Key was used for a payment in Stripe's {mode} mode; use a new key for a new payment"
        )


def reopened(order: Order, now: datetime) -> Order:
    """The order with another attempt to open its checkout: the first ended before the buyer was sent to it."""
    again = replace(order, attempt=order.attempt + 1, opened_at=now, next_look_at=None)
    return replace(again, status=Status.PENDING, error_message=None, error_code=None)
