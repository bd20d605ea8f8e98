"""`expand`: replace ids by their objects, and add lists that are left out otherwise."""

from local.stripe_simulator.core.errors import StripeError
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects.base import Json, list_object, snapshot

KIND_OF = {
    "payment_intent": "payment_intent",
    "latest_charge": "charge",
    "charge": "charge",
    "payment_method": "payment_method",
    "product": "product",
    "invoice": "invoice",
}


def expanded(world: World, response: Json, paths: list[str]) -> Json:
    """A copy of `response` with the fields in `paths` expanded."""
    copy: Json = snapshot(response)
    for path in paths:
        expand(world, copy, path.split("."), path)
    return copy


def expand(world: World, within: object, steps: list[str], path: str) -> None:
    if isinstance(within, list):
        for item in within:
            expand(world, item, steps, path)
        return
    if not isinstance(within, dict) or not steps:
        return
    step = steps[0]
    within[step] = resolved(world, within, step, path)
    expand(world, within[step], steps[1:], path)


def resolved(world: World, within: Json, step: str, path: str) -> object:
    if within.get("object") == "checkout.session" and step == "line_items":
        items = snapshot(world.line_items[within["id"]])
        return list_object(items, f"/v1/checkout/sessions/{within['id']}/line_items")
    if within.get("object") == "charge" and step == "refunds":
        refunds = snapshot(world.select("refund", charge=within["id"])[::-1])
        return list_object(refunds, f"/v1/charges/{within['id']}/refunds")
    if step not in within:
        raise StripeError(f"This property cannot be expanded ({path}).", param="expand")
    value = within[step]
    if isinstance(value, str) and step not in KIND_OF:
        raise StripeError(f"This property cannot be expanded ({path}).", param="expand")
    return snapshot(world.get(KIND_OF[step], value)) if isinstance(value, str) else value
