"""Disputes: chargebacks, which take the money at once, and inquiries, which only ask."""

from local.stripe_simulator.core.errors import Refused
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects import dispute as disputes
from local.stripe_simulator.objects.base import Json

# Which ends a dispute can have, by how it stands.
ENDS = {
    "needs_response": ("won", "lost"),
    "under_review": ("won", "lost"),
    "warning_needs_response": ("warning_closed",),
    "warning_under_review": ("warning_closed",),
}
# After these the charge can be refunded and disputed again; after a loss it cannot.
WITHOUT_LOSS = ("won", "warning_closed")


def open_dispute(world: World, intent: Json, *, amount: int | None, reason: str, status: str) -> Json:
    """amount: minor units; None is what has not been refunded. raises Refused where a bank could not do that."""
    charge = disputable(world, intent)
    made = disputes.dispute(
        world.ids.new("du"),
        now=world.timestamp,
        charge=charge,
        amount=disputed_amount(charge, amount),
        reason=reason,
        status=status,
    )
    world.add(made)
    world.change(charge, disputed=True)
    world.emit("charge.dispute.created", made)
    if status == "needs_response":
        world.emit("charge.dispute.funds_withdrawn", made)
    return made


def disputable(world: World, intent: Json) -> Json:
    charge = world.tables["charge"].get(intent["latest_charge"])
    if charge is None or charge["status"] != "succeeded":
        raise Refused(409, f"The payment is {intent['status']}: nothing was paid that could be disputed.")
    open_or_lost = [d for d in world.of("dispute", charge=charge["id"]) if d["status"] not in WITHOUT_LOSS]
    if open_or_lost:
        raise Refused(409, f"The payment has a dispute already: {open_or_lost[0]['id']} ({open_or_lost[0]['status']}).")
    return charge


def disputed_amount(charge: Json, amount: int | None) -> int:
    left = int(charge["amount"] - charge["amount_refunded"])
    if amount is None and left == 0:
        raise Refused(409, "The payment has been refunded in full: say which amount is disputed.")
    if amount is not None and amount > charge["amount"]:
        raise Refused(409, f"Only {charge['amount']} was paid.", "amount")
    return left if amount is None else amount


def close(world: World, made: Json, status: str) -> Json:
    ends = ENDS.get(made["status"], ())
    if status not in ends:
        possible = " or ".join(ends) or "nothing any more"
        raise Refused(409, f"The dispute is {made['status']} and can become {possible}, not {status}.", "status")
    previous = world.change(made, status=status, is_charge_refundable=status in WITHOUT_LOSS)
    world.emit("charge.dispute.updated", made, previous)
    world.emit("charge.dispute.closed", made, previous)
    if status == "won":
        world.emit("charge.dispute.funds_reinstated", made)
    return made
