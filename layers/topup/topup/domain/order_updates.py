"""How a payment update moves an order forward, and what a paid one grants."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import datetime
from typing import Any

from topup.domain import credits, releases
from topup.domain.credits import STRIPE, Cause, TransactionType, Wallet
from topup.domain.errors import Busy
from topup.domain.lots import Funding, Lot, Source
from topup.domain.orders import Advance, Change, Order, RefusedPayment, Settlement, Status
from topup.domain.updates import (
    CheckoutAbandoned,
    CheckoutExpired,
    PaymentDeclined,
    PaymentFailed,
    PaymentProcessing,
    PaymentReceived,
    PaymentReleased,
    PaymentSuspected,
    PaymentUpdate,
)

UNNAMED_FAILURE = "The payment failed."

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


def decide(
    order: Order, wallet: Wallet, update: PaymentUpdate, now: datetime, expire_after_months: int
) -> Change | None:
    """What the update changes; None if nothing. Raises Busy while this version does not know the order's status."""
    if order.status is Status.UNKNOWN:
        raise Busy("A newer version changed this payment; please retry")
    if isinstance(update, PaymentSuspected):
        is_its_own = order.transaction_id in (None, update.transaction_id)
        is_new = is_its_own and order.fraud_warning is None
        return _advance(order, replace(order, fraud_warning=update.warning)) if is_new else None
    if isinstance(update, PaymentReleased):
        return _release(order, wallet, update, now, expire_after_months)
    if isinstance(update, PaymentReceived):
        return _settle(order, wallet, update, now, expire_after_months)
    if isinstance(update, CheckoutAbandoned) and not update.is_about(
        order.attempt, order.opened_at, order.provider_order_id
    ):
        return None  # its request came again while reconcile looked at it
    return _advance(order, _after(order, update))


def abandoned(order: Order) -> CheckoutAbandoned:
    """The update that ends an order which has no session, unless somebody opens one meanwhile."""
    return CheckoutAbandoned(
        payment_id=order.payment_id,
        user_id=order.user_id,
        livemode=order.livemode,
        read_attempt=order.attempt,
        read_opened_at=order.opened_at,
    )


def granted_before(settlement: Change, expires_at: datetime | None) -> Advance:
    """The settlement of an order whose credits exist already, in a lot with this expiry: it grants nothing."""
    # What it paid of the user's debt then, only its ledger entry knows.
    after = replace(settlement.after, credits_expire_at=expires_at, credits_to_debt=0)
    return Advance(before=settlement.before, after=after)


def _advance(before: Order, after: Order) -> Advance | None:
    return None if after == before else Advance(before=before, after=after)


def _settle(
    order: Order, wallet: Wallet, payment: PaymentReceived, now: datetime, expire_after_months: int
) -> Change | None:
    if _is_told_already(order, payment):
        return None
    if reason := mismatch(order, payment):
        return _advance(order, _refused(order, payment, reason))
    return None if order.is_settled else _settlement(order, wallet, payment, now, expire_after_months)


def _refused(order: Order, payment: PaymentReceived, reason: str) -> Order:
    """The order with a payment that cannot be its own; after those that wait for a decision already."""
    intent = payment.transaction_id
    if order.rejected_intent:
        further = (RefusedPayment(intent=intent, reason=reason),) if intent else ()
        return replace(order, refused_besides=(*order.refused_besides, *further))
    return replace(
        order,
        quarantine_reason=reason,
        rejected_intent=intent,
        next_look_at=order.next_look_at if order.quarantine_reason else None,  # soon, to end its own session
    )


def _release(
    order: Order, wallet: Wallet, payment: PaymentReleased, now: datetime, expire_after_months: int
) -> Settlement | None:
    """Settle a quarantined order with the payment that was refused; None if it has been decided over meanwhile."""
    is_waiting = order.rejected_intent == payment.transaction_id and not order.release_under_way
    if order.is_settled or order.quarantine_reason is None or not is_waiting:
        return None
    accepted = replace(
        releases.without_decided(order),
        credits_purchased=payment.credits,
        releases=(*order.releases, payment.release),
    )
    settlement = _settlement(accepted, wallet, payment, now, expire_after_months)
    return replace(settlement, before=order)


def _settlement(
    order: Order, wallet: Wallet, payment: PaymentReceived, now: datetime, expire_after_months: int
) -> Settlement:
    paid = _paid(order, payment, now)
    release = payment.release if isinstance(payment, PaymentReleased) else None
    cause = Cause(
        transaction_type=TransactionType.PURCHASED,
        actor=release.actor if release else STRIPE,
        reason=release.reason if release else None,
        description=f"Package {order.package_name}",
        payment_id=order.payment_id,
        package=order.package_id,
        money_minor=paid.charged_minor,
        tax_minor=paid.tax_minor,
        currency=order.currency,
    )
    lot = new_lot(paid, now, expire_after_months)
    granted = credits.grant(wallet, lot, cause, now)
    after = replace(paid, credits_expire_at=lot.expires_at, credits_to_debt=-granted.entry.debt_change)
    return Settlement(before=order, after=after, grant=granted)


def _paid(order: Order, payment: PaymentReceived, now: datetime) -> Order:
    """The order with what the payment says."""
    session_id = order.provider_order_id or payment.session_id
    return replace(
        order,
        status=Status.SUCCEEDED,
        paid_at=now,
        attempt=max(order.attempt, payment.attempt or order.attempt),
        provider_order_id=payment.session_id if _is_ahead(order, payment) else session_id,
        payment_url=_address_of_session(order),
        transaction_id=payment.transaction_id or order.transaction_id,
        error_message=None,
        error_code=None,
        paid_minor=payment.amount_minor,
        tax_minor=payment.tax_minor,
        discount_minor=payment.discount_minor,
    )


def _address_of_session(order: Order) -> str | None:
    """The address of its pay page up to the `#`.

    Stripe's page needs the rest, two thirds of the address, only while it can be paid; an item that is more than 1 KB
    with it costs twice as much to write.
    """
    return order.payment_url and order.payment_url.partition("#")[0]


def is_price_unknown(order: Order, update: PaymentUpdate) -> bool:
    """Whether the update names only what arrived, and more may have made it than the price: tax, or a discount.

    A payment intent knows the sum alone: the Checkout Session that made it knows the parts.
    """
    if not isinstance(update, PaymentReceived) or update.subtotal_minor is not None:
        return False
    is_known = order.is_settled or update.transaction_id in (None, *order.refused_intents)
    return not is_known and (order.page.may_change_total or update.amount_minor != order.amount_minor)


def _is_told_already(order: Order, payment: PaymentReceived) -> bool:
    """Whether the order says all that it can about this payment, which Stripe reports by several events, in any order.

    The payment that settled it, whichever session names it, changes nothing more. Once refused, a payment stays
    refused, even when it is reported again without the field that differed.
    """
    if payment.transaction_id is None:
        return False
    if payment.transaction_id in order.refused_intents:
        return True
    return order.is_settled and payment.transaction_id == order.transaction_id


def new_lot(order: Order, now: datetime, expire_after_months: int) -> Lot:
    """The lot that a paid order grants; it expires on a whole second, so that every clock agrees when."""
    return Lot(
        lot_id=order.payment_id,
        user_id=order.user_id,
        source=Source.PURCHASE,
        funding=Funding.PAID if order.charged_minor else Funding.FREE,
        name=order.package_name,
        payment_id=order.payment_id,
        paid_minor=order.charged_minor,
        currency=order.currency,
        package=order.package_id,
        granted=order.credits_purchased,
        remaining=order.credits_purchased,
        expires_at=order.credits_expiry(now.replace(microsecond=0), expire_after_months),
    )


def mismatch(order: Order, payment: PaymentReceived) -> str | None:
    """Why this payment cannot be this order's, in words for an administrator; None when everything agrees."""
    is_ahead = _is_ahead(order, payment)
    compared = {
        **_compared_price(order, payment),
        "currency": (payment.currency, order.currency),
        "livemode": (payment.livemode, order.livemode),
        "attempt": (payment.attempt, payment.attempt if is_ahead else order.attempt),
        "session": (payment.session_id, None if is_ahead else order.provider_order_id),
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


def _compared_price(order: Order, payment: PaymentReceived) -> dict[str, tuple[int, int]]:
    """What was paid against what was ordered: the price, and a sum that follows from it, its tax and its discount."""
    if payment.subtotal_minor is None:
        return {"amount_minor": (payment.amount_minor, order.charged_minor)}
    without_tax = payment.subtotal_minor - payment.discount_minor
    # The price may contain the tax, or the tax is added to it.
    right = min(max(payment.amount_minor, without_tax), without_tax + payment.tax_minor)
    return {
        "subtotal_minor": (payment.subtotal_minor, order.amount_minor),
        "amount_minor": (payment.amount_minor, right),
    }


def _is_ahead(order: Order, payment: PaymentReceived) -> bool:
    """Whether the payment is of an attempt that the order does not know: its table is an older copy, put back.

    Each attempt is stored before its session is opened.
    """
    return payment.attempt is not None and payment.attempt > order.attempt


def _after(order: Order, update: PaymentUpdate) -> Order:
    if _is_of_another_attempt(order, update):
        return order  # no buyer was sent to that session
    match update:
        case PaymentProcessing():
            return _moved(order, Status.PROCESSING, update)
        case PaymentDeclined(reason=reason, code=code) if order.status in (Status.PROCESSING, Status.FAILED):
            # A delayed method's failure is reported by two events in any order: this one has the reason.
            return replace(order, error_message=reason, error_code=code)
        case PaymentDeclined(reason=reason, code=code) if order.status in (Status.PENDING, Status.DECLINED):
            return replace(_moved(order, Status.DECLINED, update), error_message=reason, error_code=code)
        case PaymentFailed(reason=reason, code=code):
            known = (reason, code) if reason else (order.error_message or UNNAMED_FAILURE, order.error_code)
            return _moved(order, Status.FAILED, update, error_message=known[0], error_code=known[1])
        case CheckoutExpired() if order.status is Status.PENDING:
            return _moved(order, Status.EXPIRED, update)
        case CheckoutExpired() if order.status is Status.DECLINED:
            return _moved(order, Status.FAILED, update)
        case _:
            return order


def _is_of_another_attempt(order: Order, update: PaymentUpdate) -> bool:
    if update.attempt is not None and update.attempt != order.attempt:
        return True
    if update.session_id is None or order.provider_order_id is None:
        return False
    return update.session_id != order.provider_order_id


def _moved(order: Order, status: Status, update: PaymentUpdate, **changes: Any) -> Order:
    if RANK[status] <= RANK[order.status]:
        return order
    return replace(order, status=status, transaction_id=order.transaction_id or update.transaction_id, **changes)
