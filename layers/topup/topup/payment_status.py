"""Find a payment, and ask Stripe about it where its update is overdue."""

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import TYPE_CHECKING

from topup import fulfilment, store
from topup.domain import idempotency
from topup.domain.documents import Documents
from topup.domain.errors import PaymentNotFound
from topup.domain.orders import Order
from topup.domain.payments import Payment
from topup.domain.updates import PaymentUpdate, ReversalUpdate
from topup.fulfilment import Outcome
from topup.runtime.telemetry import count, count_misconfiguration, logger, pseudonym

if TYPE_CHECKING:
    from topup.stripe_gateway import SessionState

# The webhook usually beats the buyer's return; ask Stripe only when it has not come by then.
SYNC_AFTER = timedelta(seconds=5)
SYNC_INTERVAL = timedelta(seconds=5)


def find(payment_id: str) -> Payment:
    """The order as it is stored, with its refunds and disputes; raises PaymentNotFound."""
    payment = store.load_payment(payment_id) if idempotency.is_id(payment_id) else None
    if payment is None:
        raise PaymentNotFound
    return payment


def sync_payment(payment: Payment, now: datetime) -> Payment:
    """The payment after `sync_order`, with the refunds and disputes that belong to it."""
    order = sync_order(payment.order, now)
    if order.reversal_changes != payment.order.reversal_changes:
        # While we asked Stripe, its credits were granted and it was refunded: both must come from one read.
        return find(order.payment_id)
    return Payment(order, payment.reversals)


def sync_order(order: Order, now: datetime) -> Order:
    """The order, after asking Stripe where an update is overdue; Stripe is asked once per interval at most."""
    if not is_overdue(order, now):
        return order
    try:
        asked = ask(order, now) if store.claim_sync(order.payment_id, now, SYNC_INTERVAL) else order
    except Exception as error:
        # The stored status may be old, but it is true: better than an error because Stripe cannot be asked.
        logger.exception("status not synchronised", payment_id=order.payment_id, user=pseudonym(order.user_id))
        count("SyncFailed")
        count_misconfiguration(error)
        return order
    if asked is None:
        logger.error(
            "Stripe does not know the order's session", payment_id=order.payment_id, user=pseudonym(order.user_id)
        )
        count("SyncFailed")
    return asked or order


def is_overdue(order: Order, now: datetime) -> bool:
    """Whether an update of the order's payment should have arrived by now. A quarantined order waits for a person."""
    was_just_asked = order.synced_at is not None and now - order.synced_at < SYNC_INTERVAL
    is_young = now - order.open_since < SYNC_AFTER
    is_open = order.is_unfinished and order.quarantine_reason is None and order.provider_order_id is not None
    return is_open and not is_young and not was_just_asked


def ask(order: Order, now: datetime) -> Order | None:
    """The order, after asking Stripe for its session and applying what it says; None if Stripe does not know it.

    Raises StripeFailed, Busy.
    """
    # Imported here: most status reads never call Stripe and need not load the gateway.
    from topup import stripe_gateway  # noqa: PLC0415

    state = stripe_gateway.read_session(order)
    return apply_session(order, state, now) if state else None


def apply_session(order: Order, state: "SessionState", now: datetime) -> Order:
    """The order, after applying what Stripe says of its session. Raises StripeFailed, Busy."""
    return apply(state.update, state.reversals, now).order if state.update else order


def documents(order: Order) -> Documents:
    """Stripe's receipt and invoice of the order, of one that is not settled none. Raises StripeFailed, Busy."""
    if not order.is_settled:
        return Documents()
    # Imported here, for the same reason.
    from topup import stripe_gateway  # noqa: PLC0415

    return stripe_gateway.read_documents(order)


def apply(update: PaymentUpdate, reversals: Iterable[ReversalUpdate], now: datetime) -> Outcome:
    """Apply an update that comes late, and what has become of the payment's money since.

    No event of those refunds and disputes may come any more: theirs may have been lost as well. Raises OrderMissing,
    Busy.
    """
    outcome = fulfilment.apply(update, now)
    if not outcome.order.is_settled:
        return outcome
    # Imported here, for the same reason.
    from topup import clawback  # noqa: PLC0415

    changes = [clawback.apply(reversal, now) for reversal in reversals]
    return Outcome(find(update.payment_id).order, is_changed=True) if any(changes) else outcome
