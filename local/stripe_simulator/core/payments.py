"""Payment intents: confirmed by a card or a delayed method, they succeed, fail or are processing."""

from local.stripe_simulator.core import disputes
from local.stripe_simulator.core.cards import (
    AUTHENTICATION_FAILED,
    DELAYED_METHOD_FAILED,
    NUMBER_BY_NAME,
    TEST_CARDS,
    Card,
    Decline,
)
from local.stripe_simulator.core.errors import Refused, StripeError
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects import charge as charges
from local.stripe_simulator.objects import payment_intent as intents
from local.stripe_simulator.objects.base import Json

CONFIRMABLE = ("requires_payment_method", "requires_confirmation", "requires_action")


def new_intent(world: World, *, amount: int, currency: str, methods: list[str], data: Json) -> Json:
    intent = intents.payment_intent(
        world.ids.new("pi"),
        secret=world.ids.token(25),
        now=world.timestamp,
        amount=amount,
        currency=currency,
        methods=methods,
        data=data,
    )
    world.add(intent)
    world.emit("payment_intent.created", intent)
    return intent


def new_card(world: World, card: Card, billing: Json) -> Json:
    method_id = world.ids.new("pm")
    world.card_numbers[method_id] = card.number
    return world.add(intents.card_method(method_id, now=world.timestamp, last4=card.last4, billing=billing))


def new_delayed_method(world: World, method_type: str, billing: Json) -> Json:
    return world.add(intents.delayed_method(world.ids.new("pm"), method_type, now=world.timestamp, billing=billing))


def method_by_name(world: World, name: str) -> Json:
    """A stored payment method, or a new one for one of Stripe's well-known names such as `pm_card_visa`."""
    if name in NUMBER_BY_NAME:
        return new_card(world, TEST_CARDS[NUMBER_BY_NAME[name]], {})
    return world.get("payment_method", name)


def confirm(world: World, intent: Json, method: Json, return_url: str) -> str:
    """Returns the outcome: succeeded, declined, requires_action or processing."""
    world.change(intent, payment_method=method["id"], last_payment_error=None, next_action=None)
    if method["type"] != "card":
        return process(world, intent)
    card = TEST_CARDS[world.card_numbers[method["id"]]]
    if card.needs_3d_secure:
        return challenge(world, intent, return_url)
    if card.decline:
        return decline(world, intent, card.decline)
    return approve(world, intent)


def challenge(world: World, intent: Json, return_url: str) -> str:
    pages = [session["url"] for session in world.select("checkout.session", payment_intent=intent["id"])]
    next_action = intents.three_d_secure_challenge(pages[0] if pages else return_url, return_url)
    world.change(intent, status="requires_action", next_action=next_action)
    world.emit("payment_intent.requires_action", intent)
    return "requires_action"


def authenticate(world: World, intent: Json, *, completed: bool) -> str:
    """End a 3-D Secure challenge."""
    world.change(intent, next_action=None)
    return approve(world, intent) if completed else decline(world, intent, AUTHENTICATION_FAILED, charged=False)


def approve(world: World, intent: Json) -> str:
    charge = pending_charge(world, intent) or new_charge(world, intent)
    receipt_url = f"{world.base_url}/receipts/{charge['id']}"
    world.change(charge, **charges.approved(intent["amount"], receipt_url))
    world.change(
        intent, status="succeeded", amount_received=intent["amount"], latest_charge=charge["id"], processing=None
    )
    world.emit("charge.succeeded", charge)
    world.emit("payment_intent.succeeded", intent)
    return "succeeded"


def decline(world: World, intent: Json, why: Decline, *, charged: bool = True) -> str:
    """charged: whether the payment got as far as the bank."""
    charge = (pending_charge(world, intent) or new_charge(world, intent)) if charged else None
    method = world.get("payment_method", intent["payment_method"])
    if charge:
        world.change(charge, **charges.declined(why))
        world.change(intent, latest_charge=charge["id"])
    error = intents.payment_error(why, charge_id=charge["id"] if charge else None, method=method)
    world.change(
        intent, status="requires_payment_method", payment_method=None, last_payment_error=error, processing=None
    )
    if charge:
        world.emit("charge.failed", charge)
    world.emit("payment_intent.payment_failed", intent)
    return "declined"


def process(world: World, intent: Json) -> str:
    charge = new_charge(world, intent)
    world.change(intent, status="processing", latest_charge=charge["id"])
    world.emit("charge.pending", charge)
    world.emit("payment_intent.processing", intent)
    return "processing"


def settle(world: World, intent: Json, *, succeeded: bool) -> str:
    """Settle a payment by a delayed method; raises Refused if it is not processing."""
    if intent["status"] != "processing":
        raise Refused(409, f"The payment is {intent['status']}: there is nothing to settle.")
    return approve(world, intent) if succeeded else decline(world, intent, DELAYED_METHOD_FAILED)


def cancel(world: World, intent: Json, reason: str | None) -> Json:
    if intent["status"] not in CONFIRMABLE:
        message = f"You cannot cancel this PaymentIntent because it has a status of {intent['status']}."
        raise StripeError(message, code="payment_intent_unexpected_state")
    world.change(intent, status="canceled", canceled_at=world.timestamp, cancellation_reason=reason, next_action=None)
    world.emit("payment_intent.canceled", intent)
    return intent


def confirm_by_api(world: World, intent: Json, name: str, return_url: str) -> Json:
    """POST /v1/payment_intents with confirm=true; raises StripeError, a 402, if the card is declined."""
    if intent["status"] not in CONFIRMABLE:
        message = f"You cannot confirm this PaymentIntent because it has a status of {intent['status']}."
        raise StripeError(message, code="payment_intent_unexpected_state", payment_intent=dict(intent))
    outcome = confirm(world, intent, method_by_name(world, name), return_url)
    if outcome == "declined":
        error = intent["last_payment_error"]
        details = {key: value for key, value in error.items() if key not in ("type", "code", "message", "doc_url")}
        raise StripeError(
            error["message"], status=402, error_type="card_error", code=error["code"],
            payment_intent=dict(intent), **details,
        )  # fmt: skip
    dispute_at_once(world, intent)
    return intent


def dispute_at_once(world: World, intent: Json) -> None:
    """Open the dispute that the intent's card is for, where it has been paid with one of those."""
    number = world.card_numbers.get(intent["payment_method"])
    if number and intent["status"] == "succeeded" and (status := TEST_CARDS[number].disputed_as):
        disputes.open_dispute(world, intent, amount=None, reason="fraudulent", status=status)


def new_charge(world: World, intent: Json) -> Json:
    charge_id = world.ids.new("ch")
    method = world.get("payment_method", intent["payment_method"])
    return world.add(charges.charge(charge_id, now=world.timestamp, intent=intent, method=method))


def pending_charge(world: World, intent: Json) -> Json | None:
    charge = world.tables["charge"].get(intent["latest_charge"])
    return charge if charge and charge["status"] == "pending" else None
