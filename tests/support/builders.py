"""Domain values with default fields; a test names only the fields that it is about."""

from dataclasses import replace
from datetime import timedelta
from decimal import Decimal
from typing import Any

from local.in_process.environment import NOW, USER_ID
from topup.domain.catalogue import Package
from topup.domain.credits import Cause, TransactionType, Wallet
from topup.domain.holds import Hold, Overrun
from topup.domain.lots import Funding, Lot, Source
from topup.domain.orders import Order, Release, ReleaseAction
from topup.domain.times import months_later
from topup.domain.updates import PaymentReceived

PAYMENT_ID = "f47ac10b-58cc-4372-a567-0e02b2c3d479"
SESSION_ID = "cs_test_1"
INTENT_ID = "pi_1"
ORIGIN = "https://shop.example"


def a_package(**changes: Any) -> Package:
    package = Package(
        id="standard",
        name="标准包",
        names={"en": "Standard"},
        credits=1100,
        price_minor=10000,
        currency="CNY",
        unit_price=Decimal("0.091"),
    )
    return replace(package, **changes)


def an_order(**changes: Any) -> Order:
    """A pending order for the standard package, with its Checkout Session open."""
    order = Order(
        payment_id=PAYMENT_ID,
        user_id=USER_ID,
        package_id="standard",
        package_name="标准包",
        credits_purchased=1100,
        amount_minor=10000,
        currency="CNY",
        livemode=False,
        return_url=ORIGIN,
        request_fingerprint="fingerprint",
        created_at=NOW,
        provider_order_id=SESSION_ID,
        payment_url="https://checkout.stripe.com/c/pay/cs_test_1",
    )
    return replace(order, **changes)


def a_payment(**changes: Any) -> PaymentReceived:
    """The exact payment of `an_order`."""
    payment = PaymentReceived(
        payment_id=PAYMENT_ID,
        user_id=USER_ID,
        livemode=False,
        session_id=SESSION_ID,
        transaction_id=INTENT_ID,
        amount_minor=10000,
        currency="CNY",
        reference=PAYMENT_ID,
    )
    return replace(payment, **changes)


def a_wallet(**changes: Any) -> Wallet:
    return replace(Wallet(user_id=USER_ID), **changes)


def a_cause(**changes: Any) -> Cause:
    """A spend by a service."""
    cause = Cause(transaction_type=TransactionType.SPENT, actor="service:default", description="work")
    return replace(cause, **changes)


def a_lot(**changes: Any) -> Lot:
    lot = Lot(
        lot_id=PAYMENT_ID,
        user_id=USER_ID,
        source=Source.PURCHASE,
        funding=Funding.PAID,
        name="标准包",
        payment_id=PAYMENT_ID,
        paid_minor=10000,
        currency="CNY",
        package="standard",
        granted=1100,
        remaining=1100,
        expires_at=months_later(NOW, 6),
    )
    return replace(lot, **changes)


def a_hold(**changes: Any) -> Hold:
    """Ten credits for an hour, of which none is used."""
    hold = Hold(
        hold_id="hold",
        user_id=USER_ID,
        amount=10,
        ends_at=NOW + timedelta(hours=1),
        overrun=Overrun.AVAILABLE,
        actor="service:default",
        description="work",
        created_at=NOW,
    )
    return replace(hold, **changes)


def a_release(intent: str = INTENT_ID, **changes: Any) -> Release:
    """A decision to give the money of a refused payment back; it has gone back."""
    release = Release(
        action=ReleaseAction.REFUND,
        intent=intent,
        quarantine_reason="amount_minor",
        credits_ordered=1100,
        reason="wrong amount",
        actor="admin:a",
        released_at=NOW,
        is_done=True,
    )
    return replace(release, **changes)
