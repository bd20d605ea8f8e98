"""Refunds by the API or the Dashboard. They may start as pending, and may fail even after they succeeded."""

from local.stripe_simulator.core import fraud_warnings
from local.stripe_simulator.core.errors import Refused, StripeError
from local.stripe_simulator.core.money import check_step, format_amount
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects import refund as refunds
from local.stripe_simulator.objects.base import Json


def create(
    world: World,
    charge: Json,
    amount: int | None,
    *,
    reason: str | None,
    metadata: Json,
    pending: bool,
    has_status: bool = True,
) -> Json:
    """amount: minor units; None refunds the rest. raises StripeError if the charge cannot be refunded."""
    refunded = refundable(world, charge, amount)
    status = "pending" if pending or is_delayed(charge) else "succeeded"
    refund = refunds.refund(
        world.ids.new("re"),
        now=world.timestamp,
        charge=charge,
        amount=refunded,
        status=status if has_status else None,
        reason=reason,
        metadata=metadata,
    )
    world.add(refund)
    world.emit("refund.created", refund)
    previous = set_refunded(world, charge, charge["amount_refunded"] + refunded)
    world.emit("charge.refunded", charge, previous)
    fraud_warnings.update(world, charge)
    if refund["status"] == "succeeded":
        announce(world, refund, destination_details=refunds.referenced(world.ids.token(12)))
    return refund


def refundable(world: World, charge: Json, amount: int | None) -> int:
    if charge["status"] != "succeeded":
        message = f"Charge {charge['id']} has not been paid, so it cannot be refunded."
        raise StripeError(message, code="charge_not_refundable", param="charge")
    if not all(dispute["is_charge_refundable"] for dispute in world.select("dispute", charge=charge["id"])):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise StripeError(message, code="charge_disputed", param="charge")
    left = charge["amount"] - charge["amount_refunded"]
    if amount is not None:
        check_step(amount, charge["currency"], "amount")
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise StripeError(message, code="charge_already_refunded", param="charge")
    if amount is not None and amount > left:
        requested, rest = (format_amount(minor, charge["currency"]) for minor in (amount, left))
        raise StripeError(
            f"Refund amount ({requested}) is greater than unrefunded amount on charge ({rest})", param="amount"
        )
    return left if amount is None else amount


def is_delayed(charge: Json) -> bool:
    """Refunds to Alipay, WeChat Pay and bank accounts are pending at first."""
    return bool(charge["payment_method_details"]["type"] != "card")


def set_refunded(world: World, charge: Json, refunded: int) -> Json:
    return world.change(charge, amount_refunded=refunded, refunded=refunded == charge["amount"])


def settle(world: World, refund: Json, *, succeeded: bool, failure_reason: str = "unknown") -> Json:
    """A pending refund succeeds or fails."""
    if refund["status"] not in (None, "pending"):
        raise Refused(409, f"The refund is {refund['status']}: there is nothing to settle.")
    if not succeeded:
        return fail(world, refund, failure_reason)
    announce(world, refund, status="succeeded")
    return refund


def fail(world: World, refund: Json, failure_reason: str = "unknown") -> Json:
    """The refund fails, even if it had been reported as succeeded."""
    if refund["status"] not in (None, "pending", "succeeded"):
        raise Refused(409, f"The refund is already {refund['status']}.")
    return_amount(world, refund)
    announce(world, refund, status="failed", failure_reason=failure_reason)
    world.emit("refund.failed", refund)
    return refund


def cancel(world: World, refund: Json) -> Json:
    if refund["status"] not in ("pending", "requires_action"):
        message = f"Refund {refund['id']} cannot be canceled: its status is {refund['status']}."
        raise StripeError(message, code="refund_not_cancelable")
    return_amount(world, refund)
    announce(world, refund, status="canceled", failure_reason="merchant_request")
    return refund


def return_amount(world: World, refund: Json) -> None:
    charge = world.get("charge", refund["charge"])
    previous = set_refunded(world, charge, charge["amount_refunded"] - refund["amount"])
    world.emit("charge.updated", charge, previous)
    fraud_warnings.update(world, charge)


def announce(world: World, refund: Json, **fields: object) -> None:
    previous = world.change(refund, **fields)
    refund.pop("pending_reason", None)
    world.emit("refund.updated", refund, previous)
    world.emit("charge.refund.updated", refund, previous)


def paid_charge(world: World, intent: Json) -> Json:
    """The charge that paid the intent; raises StripeError if there is none."""
    charge = world.tables["charge"].get(intent["latest_charge"])
    if charge is None or charge["status"] != "succeeded":
        message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        raise StripeError(message, code="payment_intent_unexpected_state", param="payment_intent")
    return charge
