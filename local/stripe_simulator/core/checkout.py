"""Checkout Sessions: created, paid, settled later, or expired."""

import heapq
from collections.abc import Callable
from dataclasses import dataclass

from local.stripe_simulator.core import invoices, payments, pricing
from local.stripe_simulator.core.cards import card_by_number
from local.stripe_simulator.core.errors import InvalidParameter, Refused, StripeError
from local.stripe_simulator.core.money import check_charge
from local.stripe_simulator.core.world import World
from local.stripe_simulator.objects.base import Json, snapshot, words
from local.stripe_simulator.objects.checkout_session import automatic_tax, checkout_session, details_of

MAX_LIFETIME = 24 * 3600  # seconds; Stripe's own limit and default
MIN_LIFETIME = 30 * 60
BUYER = {"email": "buyer@example.com", "name": "Test Buyer"}

# The delayed methods (Stripe: delayed notification) and their currencies (Stripe's pages on Alipay and WeChat Pay).
ALIPAY = frozenset(words("aud cad cny eur gbp hkd jpy myr nzd sgd usd"))
WECHAT_PAY = frozenset(words("aud cad chf cny dkk eur gbp hkd jpy nok sek sgd usd"))
SEPA_DEBIT = frozenset(["eur"])
DELAYED_METHODS = {"alipay": ALIPAY, "wechat_pay": WECHAT_PAY, "sepa_debit": SEPA_DEBIT}
OFFERED = ("card", "alipay", "wechat_pay")


@dataclass(frozen=True)
class Attempt:
    """The result of a buyer's attempt to pay."""

    outcome: str  # succeeded, declined, requires_action or processing
    session: Json
    error: Json | None

    def as_json(self) -> Json:
        return {
            "outcome": self.outcome,
            "session": self.session["id"],
            "status": self.session["status"],
            "payment_status": self.session["payment_status"],
            "payment_intent": self.session["payment_intent"],
            "amount_total": self.session["amount_total"],
            "error": self.error,
        }


def create(world: World, params: Json, items: list[Json]) -> Json:
    """params: the checked parameters. items: line items, all in one currency."""
    session_id = world.ids.session()
    currency, amount = total(items)
    session = checkout_session(
        session_id,
        url=page_address(world.base_url, session_id),
        now=world.timestamp,
        params={**params, "expires_at": expiry(world, params.get("expires_at"))},
        amount=amount,
        currency=currency,
        methods=methods_for(params, currency),
    )
    world.line_items[session_id] = items
    world.intent_data[session_id] = params.get("payment_intent_data", {})
    heapq.heappush(world.expiries, (session["expires_at"], session_id))
    return world.add(session)


def page_address(base_url: str, session_id: str) -> str:
    """Where the buyer pays, as long as Stripe's own addresses (359-391 characters): tables keep it, and pay for it.

    Most of it is the fragment, in which Stripe's page finds what it needs while the session is open. Ours needs none.
    """
    fragment = session_id.rpartition("_")[2] * 5
    return f"{base_url}/c/pay/{session_id}#{fragment}"


def total(items: list[Json]) -> tuple[str, int]:
    currency = items[0]["currency"]
    if any(item["currency"] != currency for item in items):
        raise InvalidParameter("You cannot combine currencies on a single session.", param="line_items")
    amount = sum(item["amount_total"] for item in items)
    if amount <= 0:
        message = "The Checkout Session's total amount due must be more than zero."
        raise StripeError(message, code="amount_too_small")
    check_charge(amount, currency, "The Checkout Session's total amount due")
    return currency, amount


def expiry(world: World, requested: int | None) -> int:
    now = world.timestamp
    if requested is None:
        return now + MAX_LIFETIME
    if requested < now + MIN_LIFETIME:
        message = "The `expires_at` timestamp must be at least 30 minutes from Checkout Session creation."
        raise InvalidParameter(message, param="expires_at")
    if requested > now + MAX_LIFETIME:
        message = "The `expires_at` timestamp must be less than 24 hours from Checkout Session creation."
        raise InvalidParameter(message, param="expires_at")
    return requested


def methods_for(params: Json, currency: str) -> list[str]:
    """The methods offered to the buyer: those that accept the currency and that the request allows."""
    if "payment_method_types" in params:
        return list(params["payment_method_types"])
    allowed = params.get("allowed_payment_method_types") or OFFERED
    excluded = params.get("excluded_payment_method_types", ())
    methods = [m for m in OFFERED if m in allowed and m not in excluded and accepts(m, currency)]
    if not methods:
        raise StripeError("No valid payment method types for this Checkout Session.", param="payment_method_types")
    return methods


def accepts(method: str, currency: str) -> bool:
    return method == "card" or currency in DELAYED_METHODS[method]


def enter_terms(world: World, session: Json, terms: pricing.Terms) -> None:
    """The buyer enters a code or an address before paying; raises Refused if the session cannot have them."""
    if terms != pricing.Terms():
        require_open(session)
        pricing.reprice(world, session, terms)


def require_open(session: Json) -> None:
    if session["status"] != "open":
        raise Refused(409, f"The session is {session['status']} and can no longer be paid.")


def order_for_free(world: World, session: Json) -> Attempt:
    """Complete a session whose total is 0: no card is asked for, and there is no payment intent (no-cost orders)."""
    require_open(session)
    if session["payment_intent"]:  # of a card that was declined before the discount
        payments.cancel(world, world.get("payment_intent", session["payment_intent"]), "abandoned")
    world.change(session, payment_intent=None)
    complete(world, session, "no_payment_required")
    return Attempt("succeeded", snapshot(session), None)


def pay_by_card(world: World, session: Json, number: str, three_d_secure: str | None) -> Attempt:
    """three_d_secure: `complete` or `fail`, how the buyer ends a challenge. None leaves it open."""
    card = card_by_number(number)
    intent = intent_of(world, session, "card")
    outcome = payments.confirm(world, intent, payments.new_card(world, card, BUYER), session["success_url"])
    if outcome == "requires_action" and three_d_secure:
        return authenticate(world, session, completed=three_d_secure == "complete")
    return finished(world, session, outcome)


def pay_by_delayed_method(world: World, session: Json, method_type: str) -> Attempt:
    """Pay by Alipay, WeChat Pay or a bank debit: the session completes now, the money arrives later or never."""
    intent = intent_of(world, session, method_type)
    method = payments.new_delayed_method(world, method_type, BUYER)
    return finished(world, session, payments.confirm(world, intent, method, session["success_url"]))


def authenticate(world: World, session: Json, *, completed: bool) -> Attempt:
    """The buyer completes or fails a 3-D Secure challenge."""
    intent = world.tables["payment_intent"].get(session["payment_intent"])
    if intent is None or intent["status"] != "requires_action" or session["status"] != "open":
        raise Refused(409, "No 3-D Secure challenge is open in this session.")
    return finished(world, session, payments.authenticate(world, intent, completed=completed))


def intent_of(world: World, session: Json, method_type: str) -> Json:
    """The session's payment intent, created at the first attempt; raises Refused if this method cannot pay it."""
    require_open(session)
    if method_type not in session["payment_method_types"]:
        offered = ", ".join(session["payment_method_types"])
        raise Refused(409, f"The session does not offer {method_type}, only {offered}.", "method")
    if session["payment_intent"]:
        intent = world.get("payment_intent", session["payment_intent"])
        world.change(intent, amount=session["amount_total"])
    else:
        intent = payments.new_intent(
            world,
            amount=session["amount_total"],
            currency=session["currency"],
            methods=session["payment_method_types"],
            data=snapshot(world.intent_data[session["id"]]),
        )
        world.change(session, payment_intent=intent["id"])
    if "presentment_details" in session:
        intent["presentment_details"] = dict(session["presentment_details"])
    return intent


def finished(world: World, session: Json, outcome: str) -> Attempt:
    """Complete the session if the payment succeeded or is processing; a declined card leaves it open."""
    if outcome in ("succeeded", "processing"):
        status = "paid" if outcome == "succeeded" else "unpaid"
        complete(world, session, status)
    intent = world.get("payment_intent", session["payment_intent"])
    payments.dispute_at_once(world, intent)
    return Attempt(outcome, snapshot(session), snapshot(intent["last_payment_error"]))


def complete(world: World, session: Json, payment_status: str) -> None:
    email = session["customer_email"] or BUYER["email"]
    country = world.countries.get(session["id"])
    world.change(
        session,
        status="complete",
        payment_status=payment_status,
        url=None,
        automatic_tax=automatic_tax(session["automatic_tax"]["enabled"], is_located=True),
        customer_details=details_of(email, name=BUYER["name"], country=country),
    )
    if needs_customer(session):
        world.change(session, customer=world.ids.new("cus"))
    if payment_status != "unpaid":
        invoices.issue(world, session)
    world.emit("checkout.session.completed", session)


def needs_customer(session: Json) -> bool:
    """Other buyers are guests. The simulator has no Customer objects, only their ids."""
    is_free = session["payment_status"] == "no_payment_required"
    return bool(session["customer_creation"] == "always" or session["invoice_creation"]["enabled"] or is_free)


def settle(world: World, session: Json, *, succeeded: bool) -> Attempt:
    """The payment by a delayed method succeeds or fails."""
    if session["status"] != "complete" or session["payment_status"] != "unpaid":
        state = f"{session['status']} and {session['payment_status']}"
        raise Refused(409, f"The session is {state}; only a completed, unpaid session can settle.")
    outcome = payments.settle(world, world.get("payment_intent", session["payment_intent"]), succeeded=succeeded)
    if succeeded:
        world.change(session, payment_status="paid")
        invoices.issue(world, session)
        world.emit("checkout.session.async_payment_succeeded", session)
    else:
        world.emit("checkout.session.async_payment_failed", session)
    intent = world.get("payment_intent", session["payment_intent"])
    return Attempt(outcome, snapshot(session), snapshot(intent["last_payment_error"]))


def expire(world: World, session: Json, refuse: Callable[[str], Exception]) -> Json:
    """refuse: creates the error to raise if the session is not open."""
    if session["status"] != "open":
        raise refuse(
            f'Only Checkout Sessions with a status in ["open"] can be expired. This Session has a status of '
            f"'{session['status']}'."
        )
    world.change(session, status="expired", url=None)
    if session["payment_intent"]:
        payments.cancel(world, world.get("payment_intent", session["payment_intent"]), "expired")
    world.emit("checkout.session.expired", session)
    return session


def expire_due(world: World) -> None:
    while world.expiries and world.expiries[0][0] <= world.timestamp:
        session = world.get("checkout.session", heapq.heappop(world.expiries)[1])
        if session["status"] == "open":
            expire(world, session, StripeError)
