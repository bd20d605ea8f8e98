"""Disputes: chargebacks, which withdraw the money at once, and inquiries, which do not."""

from local.stripe_simulator.core.errors import Refused
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects import dispute as disputes
from local.stripe_simulator.objects.base import Json

# The statuses that a dispute can close with, by its current status.
OUTCOMES = {
    "needs_response": ("won", "lost"),
    "under_review": ("won", "lost"),
    "warning_needs_response": ("warning_closed",),
    "warning_under_review": ("warning_closed",),
}
# After these, unlike after a loss, the charge can be refunded and disputed again.
WITHOUT_LOSS = ("won", "warning_closed")


def open_dispute(world: World, intent: Json, *, amount: int | None, reason: str, status: str) -> Json:
    """amount: minor units; None is the unrefunded rest. raises Refused if a bank could not open it."""
    charge = disputable(world, intent)
    dispute = disputes.dispute(
        world.ids.new("du"),
        now=world.timestamp,
        charge=charge,
        amount=disputed_amount(charge, amount),
        reason=reason,
        status=status,
    )
    world.add(dispute)
    world.change(charge, disputed=True)
    world.emit("charge.dispute.created", dispute)
    if status == "needs_response":
        world.emit("charge.dispute.funds_withdrawn", dispute)
    return dispute


def disputable(world: World, intent: Json) -> Json:
    charge = world.tables["charge"].get(intent["latest_charge"])
    if charge is None or charge["status"] != "succeeded":
        raise Refused(409, f"The payment is {intent['status']}: there is no paid charge to dispute.")
    open_or_lost = [d for d in world.select("dispute", charge=charge["id"]) if d["status"] not in WITHOUT_LOSS]
    if open_or_lost:
        dispute = open_or_lost[0]
        raise Refused(409, f"The payment already has a dispute: {dispute['id']} ({dispute['status']}).")
    return charge


def disputed_amount(charge: Json, amount: int | None) -> int:
    left = int(charge["amount"] - charge["amount_refunded"])
    if amount is None and left == 0:
        raise Refused(409, "The payment is fully refunded: give the disputed amount.")
    if amount is not None and amount > charge["amount"]:
        raise Refused(409, f"Only {charge['amount']} was paid.", "amount")
    return left if amount is None else amount


def close(world: World, dispute: Json, status: str) -> Json:
    allowed = OUTCOMES.get(dispute["status"])
    if allowed is None:
        raise Refused(409, f"The dispute is already closed: {dispute['status']}.", "status")
    if status not in allowed:
        possible = " or ".join(allowed)
        raise Refused(409, f"The dispute is {dispute['status']} and can become {possible}, not {status}.", "status")
    previous = world.change(dispute, status=status, is_charge_refundable=status in WITHOUT_LOSS)
    world.emit("charge.dispute.updated", dispute, previous)
    world.emit("charge.dispute.closed", dispute, previous)
    if status == "won":
        world.emit("charge.dispute.funds_reinstated", dispute)
    return dispute
