"""Disputes: chargebacks, which withdraw the money at once, and inquiries, which do not."""

from local.stripe_simulator.core import fraud_warnings
from local.stripe_simulator.core.errors import Refused
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects import dispute as disputes
from local.stripe_simulator.objects.base import Json

# The statuses that a dispute can close with, by its current status.
OUTCOMES = {
    "needs_response": ("won", "lost", "prevented"),
    "under_review": ("won", "lost", "prevented"),
    "appeal_needs_response": ("won", "lost"),
    "appeal_under_review": ("won", "lost"),
    "warning_needs_response": ("warning_closed", "prevented"),
    "warning_under_review": ("warning_closed", "prevented"),
}
# After these, unlike after a loss, the charge can be refunded and disputed again.
WITHOUT_LOSS = ("won", "warning_closed")
# The bank has the money in these.
WITHDRAWN = ("needs_response", "under_review", "appeal_needs_response", "appeal_under_review", "lost")


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
    fraud_warnings.update(world, charge)
    if status == "needs_response":
        withdraw(world, dispute)
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


def update(world: World, dispute: Json, status: str | None, amount: int | None) -> Json:
    """The bank moves on: to any status, also one that nobody knows yet, or to another amount."""
    status = status or str(dispute["status"])
    amount = dispute["amount"] if amount is None else amount
    previous = world.change(dispute, status=status, amount=amount, is_charge_refundable=is_refundable(status))
    world.emit("charge.dispute.updated", dispute, previous)
    if status in WITHDRAWN:
        withdraw(world, dispute)
    return dispute


def close(world: World, dispute: Json, status: str, case_type: str | None = None, kept: int = 0) -> Json:
    """case_type: of a prevented one, `block` (no money goes) or `resolution` (it goes to the buyer); kept: how much of
    the money of a won one the bank keeps."""
    allowed = OUTCOMES.get(dispute["status"])
    if allowed is None:
        raise Refused(409, f"The dispute is already closed: {dispute['status']}.", "status")
    if status not in allowed:
        possible = " or ".join(allowed)
        raise Refused(409, f"The dispute is {dispute['status']} and can become {possible}, not {status}.", "status")
    previous = world.change(dispute, status=status, is_charge_refundable=is_refundable(status))
    if case_type:
        dispute["payment_method_details"].setdefault("card", {})["case_type"] = case_type
    reinstated = status == "won" or (status == "prevented" and case_type == "block")
    if status == "prevented" and case_type == "resolution":
        move(world, dispute, -dispute["amount"] - balance(dispute))
    if reinstated:
        move(world, dispute, max(0, -balance(dispute) - kept))
    world.emit("charge.dispute.updated", dispute, previous)
    world.emit("charge.dispute.closed", dispute, previous)
    if status == "won":
        world.emit("charge.dispute.funds_reinstated", dispute)
    return dispute


def is_refundable(status: str) -> bool:
    return status in WITHOUT_LOSS or status.startswith("warning_")


def withdraw(world: World, dispute: Json) -> None:
    """The bank takes what it does not have yet."""
    if move(world, dispute, min(0, -dispute["amount"] - balance(dispute))):
        world.emit("charge.dispute.funds_withdrawn", dispute)


def balance(dispute: Json) -> int:
    return sum(record["amount"] for record in dispute["balance_transactions"])


def move(world: World, dispute: Json, amount: int) -> bool:
    """Record that this much money came (positive) or went; False if none did."""
    if amount:
        record = disputes.balance_transaction(dispute, amount, now=world.timestamp)
        dispute["balance_transactions"] = [*dispute["balance_transactions"], record]
    return amount != 0
