"""Early fraud warnings: the card's issuer says that a charge may be fraudulent, mostly before any dispute."""

from local.stripe_simulator.core.errors import Refused
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects.base import Json
from local.stripe_simulator.objects.early_fraud_warning import early_fraud_warning, is_actionable

KIND = "radar.early_fraud_warning"


def warn(world: World, intent: Json, fraud_type: str) -> Json:
    """Warn of the charge that paid the intent; raises Refused unless a card paid it, and for a second warning."""
    charge = world.tables["charge"].get(intent["latest_charge"])
    if charge is None or charge["status"] != "succeeded" or charge["payment_method_details"]["type"] != "card":
        raise Refused(409, f"The payment is {intent['status']}: only a charge that a card has paid can be warned of.")
    if world.select(KIND, charge=charge["id"]):
        raise Refused(409, f"There is a warning of this charge already: {charge['id']}.")
    warning = early_fraud_warning(world.ids.new("issfr"), now=world.timestamp, charge=charge, fraud_type=fraud_type)
    world.add(warning)
    world.emit(f"{KIND}.created", warning)
    return warning


def update(world: World, charge: Json) -> None:
    """After a refund or a dispute: a warning may no longer be actionable."""
    for warning in world.select(KIND, charge=charge["id"]):
        if previous := world.change(warning, actionable=is_actionable(charge)):
            world.emit(f"{KIND}.updated", warning, previous)
