"""Record that a card's issuer has warned of a payment, and refund it where the operator wants that."""

from datetime import datetime

from topup import fulfilment
from topup.domain.errors import NotRefundable, OrderUnsettled, StripeFailed
from topup.domain.orders import Order
from topup.domain.refund_requests import RefundRequest
from topup.domain.updates import PaymentSuspected
from topup.runtime import config
from topup.runtime.telemetry import count, logger, pseudonym

REASON = "Early fraud warning"


def apply(update: PaymentSuspected, now: datetime) -> bool:
    """Apply a warning, once, however often it is delivered; True if it is new.

    Raises OrderMissing, OrderUnsettled, Busy.
    """
    outcome = fulfilment.apply(update, now)
    if outcome.is_changed:
        count("FraudWarned")
        logger.warning(
            "early fraud warning",
            payment_id=update.payment_id,
            user=pseudonym(outcome.order.user_id),
            fraud_type=update.warning.fraud_type,
        )
    is_its_own = outcome.order.transaction_id in (None, update.transaction_id)
    if config.settings().refund_fraud_warnings and update.is_actionable and is_its_own:
        _refund(outcome.order, update, now)
    return outcome.is_changed


def _refund(order: Order, update: PaymentSuspected, now: datetime) -> None:
    """Give all of the money back, whatever the user has spent: a dispute would take it, and cost a fee besides.

    The warning's id is the key, so it is refunded once.
    """
    # Imported here: the operator may not want it, and few events are warnings.
    from topup import refunds  # noqa: PLC0415

    if not order.is_settled and not order.is_under_review:
        raise OrderUnsettled  # Stripe sends the warning again
    request = RefundRequest(
        payment_id=order.payment_id,
        amount=None,
        reason=REASON,
        force=True,
        idempotency_key=f"fraud-warning:{update.warning.warning_id}",
        admin_id=None,
    )
    try:
        refunds.refund(request, now)
    except (NotRefundable, StripeFailed) as error:
        # Refunded before, disputed, or refused by Stripe: another delivery would not help.
        logger.warning(
            "a payment with a fraud warning is not refunded",
            payment_id=order.payment_id,
            user=pseudonym(order.user_id),
            reason=error.code,
        )
