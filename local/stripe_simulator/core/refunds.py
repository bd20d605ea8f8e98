"""Refunds: made by the API or in the Dashboard; they may wait, and may fail after they seemed done."""

from local.stripe_simulator.core.errors import Refused, StripeError
from local.stripe_simulator.core.money import written
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects import refund as refunds
from local.stripe_simulator.objects.base import Json


def refund(
    world: World, charge: Json, amount: int | None, *, reason: str | None, metadata: Json, pending: bool
) -> Json:
    """amount: minor units; None is all that is left. raises StripeError when it cannot be refunded."""
    asked = refundable(world, charge, amount)
    made = refunds.refund(
        world.ids.new("re"),
        now=world.timestamp,
        charge=charge,
        amount=asked,
        status="pending" if pending or is_late(charge) else "succeeded",
        reason=reason,
        metadata=metadata,
    )
    world.add(made)
    world.emit("refund.created", made)
    previous = recount(world, charge, charge["amount_refunded"] + asked)
    world.emit("charge.refunded", charge, previous)
    if made["status"] == "succeeded":
        announce(world, made, destination_details=refunds.referenced(world.ids.token(12)))
    return made


def refundable(world: World, charge: Json, amount: int | None) -> int:
    if charge["status"] != "succeeded":
        message = f"Charge {charge['id']} has not been paid, so it cannot be refunded."
        raise StripeError(message, code="charge_not_refundable", param="charge")
    if not all(dispute["is_charge_refundable"] for dispute in world.of("dispute", charge=charge["id"])):
        message = f"Charge {charge['id']} has been charged back; cannot issue a refund."
        raise StripeError(message, code="charge_disputed", param="charge")
    left = charge["amount"] - charge["amount_refunded"]
    if left == 0:
        message = f"Charge {charge['id']} has already been refunded."
        raise StripeError(message, code="charge_already_refunded", param="charge")
    if amount is not None and amount > left:
        asked, most = (written(minor, charge["currency"]) for minor in (amount, left))
        raise StripeError(
            f"Refund amount ({asked}) is greater than unrefunded amount on charge ({most})", param="amount"
        )
    return left if amount is None else amount


def is_late(charge: Json) -> bool:
    """Refunds to Alipay, WeChat Pay and bank accounts take a while."""
    return bool(charge["payment_method_details"]["type"] != "card")


def recount(world: World, charge: Json, refunded: int) -> Json:
    return world.change(charge, amount_refunded=refunded, refunded=refunded == charge["amount"])


def settle(world: World, made: Json, *, succeeded: bool, failure_reason: str = "unknown") -> Json:
    """A pending refund arrives, or does not."""
    if made["status"] != "pending":
        raise Refused(409, f"The refund is {made['status']}: there is nothing to settle.")
    if not succeeded:
        return fail(world, made, failure_reason)
    announce(world, made, status="succeeded")
    return made


def fail(world: World, made: Json, failure_reason: str = "unknown") -> Json:
    """The money comes back, even if the refund had been reported as done."""
    if made["status"] not in ("pending", "succeeded"):
        raise Refused(409, f"The refund is {made['status']} already.")
    give_back(world, made)
    announce(world, made, status="failed", failure_reason=failure_reason)
    world.emit("refund.failed", made)
    return made


def cancel(world: World, made: Json) -> Json:
    if made["status"] not in ("pending", "requires_action"):
        message = f"Refund {made['id']} cannot be canceled: its status is {made['status']}."
        raise StripeError(message, code="refund_not_cancelable")
    give_back(world, made)
    announce(world, made, status="canceled", failure_reason="merchant_request")
    return made


def give_back(world: World, made: Json) -> None:
    charge = world.get("charge", made["charge"])
    previous = recount(world, charge, charge["amount_refunded"] - made["amount"])
    world.emit("charge.updated", charge, previous)


def announce(world: World, made: Json, **fields: object) -> None:
    previous = world.change(made, **fields)
    made.pop("pending_reason", None)
    world.emit("refund.updated", made, previous)
    world.emit("charge.refund.updated", made, previous)


def paid_charge(world: World, intent: Json) -> Json:
    """The charge that paid the intent; raises StripeError when none did."""
    charge = world.tables["charge"].get(intent["latest_charge"])
    if charge is None or charge["status"] != "succeeded":
        message = f"This PaymentIntent ({intent['id']}) does not have a successful charge to refund."
        raise StripeError(message, code="payment_intent_unexpected_state", param="payment_intent")
    return charge
