"""Orders: what was asked for, frozen when it was placed, and how a payment update moves it forward."""

from collections.abc import Mapping
from dataclasses import dataclass, replace
from datetime import datetime
from enum import StrEnum

from topup.domain import credits
from topup.domain.credits import STRIPE, Cause, CreditChange, TransactionType, Wallet
from topup.domain.errors import Busy
from topup.domain.lots import Funding, Lot, Source
from topup.domain.times import months_later
from topup.domain.updates import (
    CheckoutAbandoned,
    CheckoutExpired,
    PaymentDeclined,
    PaymentFailed,
    PaymentProcessing,
    PaymentReceived,
    PaymentUpdate,
)

UNNAMED_FAILURE = "The payment failed."


class Status(StrEnum):
    """The status of an order. It only moves forward: see RANK."""

    PENDING = "pending"
    DECLINED = "declined"  # an attempt failed, another card may still pay; clients read it as failed
    PROCESSING = "processing"
    EXPIRED = "expired"
    FAILED = "failed"
    SUCCEEDED = "succeeded"
    UNKNOWN = "unknown"  # a newer version wrote a status that this one does not know: it is shown and left alone


# Updates arrive late, twice and out of order: an order never goes to a lower rank, nor to another status of the same.
RANK: Mapping[Status, int] = {
    Status.PENDING: 0,
    Status.DECLINED: 1,
    Status.PROCESSING: 2,
    Status.EXPIRED: 3,
    Status.FAILED: 3,
    Status.SUCCEEDED: 4,
    Status.UNKNOWN: 5,
}
# The buyer, or their bank, may still complete one of these; reconcile watches them until then.
UNFINISHED = frozenset({Status.PENDING, Status.DECLINED, Status.PROCESSING})


@dataclass(frozen=True, kw_only=True)
class Order:
    """One attempt to buy one package; price, currency and credits are frozen at creation.

    `provider_order_id` is Stripe's Checkout Session, `transaction_id` its payment intent, `attempt` counts the tries to
    open the session, `opened_at` is when the latest of them began (None: with the order), `synced_at` is when Stripe
    was last asked, `next_look_at` is when reconcile looks at it next (None: see `looks`), `quarantine_reason` is why
    its payment was refused (`rejected_intent`: that payment's intent).
    `refunded_minor` and `disputed_minor` are what refunds and disputes reverse now, `clawed_back` is how many credits
    that has taken; `credits_expire_at` is its lot's expiry, None where that never expires. `has_reversals` is whether
    any refund or dispute of it is recorded, also one that came to nothing.
    """

    payment_id: str
    user_id: str
    package_id: str
    package_name: str
    credits_purchased: int
    amount_minor: int
    currency: str
    livemode: bool
    return_url: str
    request_fingerprint: str
    created_at: datetime
    status: Status = Status.PENDING
    provider: str = "stripe"
    attempt: int = 1
    provider_order_id: str | None = None
    payment_url: str | None = None
    transaction_id: str | None = None
    error_message: str | None = None
    quarantine_reason: str | None = None
    rejected_intent: str | None = None
    synced_at: datetime | None = None
    opened_at: datetime | None = None
    next_look_at: datetime | None = None
    paid_at: datetime | None = None
    credits_expire_at: datetime | None = None
    refunded_minor: int = 0
    disputed_minor: int = 0
    clawed_back: int = 0
    has_reversals: bool = False

    @property
    def is_settled(self) -> bool:
        """Whether its credits have been granted."""
        return self.status is Status.SUCCEEDED

    @property
    def is_unfinished(self) -> bool:
        """Whether the buyer or Stripe may still change it."""
        return self.status in UNFINISHED

    @property
    def is_under_review(self) -> bool:
        """Whether a payment for it was quarantined: its buyer has paid something and must not pay again."""
        return self.quarantine_reason is not None and not self.is_settled

    @property
    def open_since(self) -> datetime:
        """When its checkout began: when it was placed, or opened anew after the first checkout ended unseen."""
        return self.opened_at or self.created_at

    @property
    def reversed_minor(self) -> int:
        """How much of its money is reversed: a refund and a dispute may be about the same money."""
        return min(self.amount_minor, self.refunded_minor + self.disputed_minor)

    @property
    def refundable_minor(self) -> int:
        """How much may still be refunded."""
        return max(0, self.amount_minor - self.refunded_minor)

    @property
    def credits_due_back(self) -> int:
        """How many of its credits must be gone: the reversed share, rounded down, which at the end is all of them."""
        return self.credits_purchased * self.reversed_minor // self.amount_minor


@dataclass(frozen=True, kw_only=True)
class Advance:
    """An order that changes and grants nothing: as it was read, and as it will be."""

    before: Order
    after: Order


@dataclass(frozen=True, kw_only=True)
class Settlement:
    """A paid order and the credits that it grants, in one transaction."""

    before: Order
    after: Order
    grant: CreditChange


Change = Advance | Settlement


def decide(
    order: Order, wallet: Wallet, update: PaymentUpdate, now: datetime, expire_after_months: int
) -> Change | None:
    """What the update changes; None if nothing. Raises Busy while this version does not know the order's status."""
    if order.status is Status.UNKNOWN:
        raise Busy("A newer version changed this payment; please retry")
    if isinstance(update, PaymentReceived):
        return _settle(order, wallet, update, now, expire_after_months)
    if isinstance(update, CheckoutAbandoned) and not update.is_about(
        order.attempt, order.opened_at, order.provider_order_id
    ):
        return None  # its request came again while reconcile looked at it
    return _advance(order, _after(order, update))


def _advance(before: Order, after: Order) -> Advance | None:
    return None if after == before else Advance(before=before, after=after)


def _settle(
    order: Order, wallet: Wallet, payment: PaymentReceived, now: datetime, expire_after_months: int
) -> Change | None:
    if reason := mismatch(order, payment):
        refused = replace(
            order,
            quarantine_reason=reason,
            rejected_intent=payment.transaction_id or order.rejected_intent,
            next_look_at=order.next_look_at if order.quarantine_reason else None,  # soon, to end its own session
        )
        return _advance(order, refused)
    if order.is_settled:
        return None
    lot = new_lot(order, now, expire_after_months)
    paid = replace(
        order,
        status=Status.SUCCEEDED,
        paid_at=now,
        credits_expire_at=lot.expires_at,
        provider_order_id=order.provider_order_id or payment.session_id,
        transaction_id=payment.transaction_id or order.transaction_id,
        error_message=None,
    )
    cause = Cause(
        transaction_type=TransactionType.PURCHASED,
        actor=STRIPE,
        description=f"Package {order.package_name}",
        payment_id=order.payment_id,
        package=order.package_id,
        money_minor=order.amount_minor,
        currency=order.currency,
    )
    granted = credits.grant(wallet, lot, cause, now)
    return Settlement(before=order, after=paid, grant=granted)


def new_lot(order: Order, now: datetime, expire_after_months: int) -> Lot:
    """The lot that a paid order grants; it expires on a whole second, so that every clock agrees when."""
    return Lot(
        lot_id=order.payment_id,
        user_id=order.user_id,
        source=Source.PURCHASE,
        funding=Funding.PAID,
        name=order.package_name,
        payment_id=order.payment_id,
        paid_minor=order.amount_minor,
        currency=order.currency,
        granted=order.credits_purchased,
        remaining=order.credits_purchased,
        expires_at=months_later(now.replace(microsecond=0), expire_after_months),
    )


def mismatch(order: Order, payment: PaymentReceived) -> str | None:
    """Why this payment cannot be this order's, in words for an administrator; None when everything agrees."""
    if order.rejected_intent and payment.transaction_id == order.rejected_intent:
        # Once refused, a payment stays refused, even when it is reported again without the field that differed.
        return order.quarantine_reason
    compared = {
        "amount_minor": (payment.amount_minor, order.amount_minor),
        "currency": (payment.currency, order.currency),
        "livemode": (payment.livemode, order.livemode),
        "attempt": (payment.attempt, order.attempt),
        "session": (payment.session_id, order.provider_order_id),
        "order": (payment.reference, order.payment_id),
        # Before it is settled, an order only knows the payment intent of an attempt that failed.
        "payment intent": (payment.transaction_id, order.transaction_id if order.is_settled else None),
    }
    wrong = [
        f"{name}: paid {paid}, ordered {ordered}"
        for name, (paid, ordered) in compared.items()
        # A payment intent names no session, and the session is unknown until create has stored it. What an older
        # version opened names no attempt.
        if paid != ordered and paid is not None and ordered is not None
    ]
    return "; ".join(wrong) or None


def _after(order: Order, update: PaymentUpdate) -> Order:
    if _is_of_another_attempt(order, update):
        return order  # no buyer was sent to that session
    match update:
        case PaymentProcessing():
            return _moved(order, Status.PROCESSING, update, order.error_message)
        case PaymentDeclined(reason=reason) if order.status in (Status.PROCESSING, Status.FAILED):
            # A delayed method's failure is reported by two events in any order: this one has the reason.
            return replace(order, error_message=reason)
        case PaymentDeclined(reason=reason) if order.status in (Status.PENDING, Status.DECLINED):
            return replace(_moved(order, Status.DECLINED, update, reason), error_message=reason)
        case PaymentFailed(reason=reason):
            return _moved(order, Status.FAILED, update, reason or order.error_message or UNNAMED_FAILURE)
        case CheckoutExpired() if order.status is Status.PENDING:
            return _moved(order, Status.EXPIRED, update, None)
        case CheckoutExpired() if order.status is Status.DECLINED:
            return _moved(order, Status.FAILED, update, order.error_message)
        case _:
            return order


def _is_of_another_attempt(order: Order, update: PaymentUpdate) -> bool:
    if update.attempt is not None and update.attempt != order.attempt:
        return True
    if update.session_id is None or order.provider_order_id is None:
        return False
    return update.session_id != order.provider_order_id


def _moved(order: Order, status: Status, update: PaymentUpdate, error_message: str | None) -> Order:
    if RANK[status] <= RANK[order.status]:
        return order
    return replace(
        order,
        status=status,
        error_message=error_message,
        transaction_id=order.transaction_id or update.transaction_id,
    )
