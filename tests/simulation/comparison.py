"""Stripe's objects against ours, one by one: payments, refunds and disputes, their amounts, currencies and statuses."""

from collections import Counter
from collections.abc import Iterator
from typing import Any

from local.stripe_simulator import Simulator
from tests.simulation.bank import money_reversed
from tests.simulation.names import OUR_STACKS
from topup.domain.orders import Order
from topup.domain.payments import Payment
from topup.domain.reversals import Kind, Reversal, ReversalStatus

Json = dict[str, Any]

# Stripe's word, where ours is another.
OURS = {"requires_action": "pending", None: "pending"}
# Of these refunds the money is gone, or on its way.
GONE = ("pending", "succeeded")
A_MINUTE = 60  # seconds, in which a request that nobody waits for any more may still be carried out


def differences(simulator: Simulator, payment: Payment) -> list[str]:
    """What Stripe has otherwise than we have: sentences about the payment."""
    order, tables = payment.order, simulator._world.tables
    intents = {
        intent["id"]: intent
        for intent in tables["payment_intent"].values()
        if intent["metadata"].get("order_id") == order.payment_id and _is_of_ours(intent)
    }
    charges = [one for one in tables["charge"].values() if one["payment_intent"] in intents]
    sessions = {intent: _sessions_of(tables["checkout.session"], intent) for intent in intents}
    for_nothing = [one for one in tables["checkout.session"].values() if _is_for_nothing(order, one)]
    found = [
        *(_of_nothing(order, for_nothing) if for_nothing else _of_the_order(order, charges, sessions)),
        *_of_what_was_paid(order, tables["checkout.session"]),
        *_of_what_went_back(order, charges, tables["refund"]),
        *_of_reversals(payment, tables["refund"], Kind.REFUND),
        *_of_reversals(payment, tables["dispute"], Kind.DISPUTE),
        *_made_twice(order, tables["refund"]),
    ]
    return [f"payment {order.payment_id} {finding}" for finding in found]


def setbacks(simulator: Simulator, before: Payment, after: Payment) -> Iterator[str]:
    """Where a commit says what was not true any more: an older status, or that Stripe has not made a refund."""
    known = {one.reversal_id: one.status for one in before.reversals}
    for reversal in after.reversals:
        earlier = known.get(reversal.reversal_id, reversal.status)
        if earlier is reversal.status:
            continue
        name = f"payment {reversal.payment_id}: {reversal.kind} {reversal.reversal_id}"
        if reversal.status is ReversalStatus.REFUSED and _has_been_made(simulator, reversal):
            yield f"{name} counts as refused, and Stripe has made it"
        words = [status for _, status in said_of(simulator, reversal.stripe_id)]
        if {earlier, reversal.status} <= {*words} and reversal.status not in words[words.index(earlier) :]:
            yield f"{name} went back from {earlier} to {reversal.status}"


def said_of(simulator: Simulator, stripe_id: str | None) -> list[tuple[str, str]]:
    """The events about one of Stripe's objects, each with the status that the object had, in our words."""
    events = simulator._world.tables["event"]
    objects = [(name, event["data"]["object"]) for name, event in events.items()]
    return [(name, OURS.get(one["status"], one["status"])) for name, one in objects if one["id"] == stripe_id]


def _has_been_made(simulator: Simulator, refund: Reversal) -> bool:
    at_latest = simulator.now().timestamp() - A_MINUTE
    return any(
        one["metadata"].get("refund_id") == refund.reversal_id and one["status"] in GONE and one["created"] <= at_latest
        for one in simulator._world.tables["refund"].values()
    )


def _is_of_ours(intent: Json) -> bool:
    return intent["metadata"].get("topup_stack") in OUR_STACKS


def _sessions_of(sessions: dict[str, Json], intent: str) -> list[str]:
    return [one["id"] for one in sessions.values() if one["payment_intent"] == intent]


def _is_for_nothing(order: Order, session: Json) -> bool:
    is_done = session["status"] == "complete" and session["payment_status"] == "no_payment_required"
    return is_done and session["client_reference_id"] == order.payment_id and _is_of_ours(session)


def _of_nothing(order: Order, sessions: list[Json]) -> Iterator[str]:
    """A code has taken the whole price: the session is done, and no money came."""
    if order.provider_order_id in [one["id"] for one in sessions] and not order.is_settled:
        yield f"cost nothing, as it was asked for, and is {order.status} ({order.quarantine_reason})"


def _of_what_was_paid(order: Order, sessions: dict[str, Json]) -> Iterator[str]:
    """The sum, the tax and the discount are those of the session that was paid."""
    paid = [one for one in sessions.values() if one["id"] == order.provider_order_id and one["status"] == "complete"]
    if not order.is_settled or not paid or paid[0]["payment_intent"] != order.transaction_id:
        return
    details = paid[0]["total_details"]
    compared = {
        "paid": (order.charged_minor, paid[0]["amount_total"]),
        "tax": (order.tax_minor, details["amount_tax"]),
        "discount": (order.discount_minor, details["amount_discount"]),
    }
    for name, (ours, theirs) in compared.items():
        if ours != theirs:
            yield f"has {ours} {name}, at Stripe {theirs}"


def _of_what_went_back(order: Order, charges: list[Json], refunds: dict[str, Json]) -> Iterator[str]:
    """The money of a payment that was refused is back, all of it, where an administrator has decided so."""
    if order.release_under_way:
        yield f"still has the money of {order.release_under_way.intent}, which is to go back"
    for charge in charges:
        intent = charge["payment_intent"]
        back = sum(one["amount"] for one in refunds.values() if one["payment_intent"] == intent and _is_gone(one))
        is_waiting = intent in order.waiting_intents or charge["disputed"]
        is_back = intent in order.given_back_intents and back >= charge["amount"]
        if is_back and intent in order.waiting_intents and not order.release_under_way:
            yield f"is under review for {intent}, whose money has gone back"
        if intent in order.given_back_intents and back < charge["amount"] and not is_waiting:
            yield f"has {back} of {charge['amount']} given back of {intent}"


def _is_gone(refund: Json) -> bool:
    return OURS.get(refund["status"], refund["status"]) in GONE


def _of_the_order(order: Order, charges: list[Json], sessions: dict[str, list[str]]) -> Iterator[str]:
    """One payment of the order has granted its credits; another one is told to an administrator."""
    paid = [charge["payment_intent"] for charge in charges if charge["status"] == "succeeded"]
    paid = [intent for intent in paid if intent not in order.given_back_intents]
    is_known = order.is_settled or (order.quarantine_reason and len(paid) > 0)
    if bool(paid) is not bool(is_known):
        yield f"is {order.status}, at Stripe {'paid' if paid else 'unpaid'}"
    if order.is_settled and order.transaction_id not in paid:
        yield f"was granted for {order.transaction_id}, which nobody paid"
    own = [intent for intent in paid if order.provider_order_id in sessions.get(intent, ())]
    if own and not order.is_settled:
        yield f"was paid as it was asked for, and is {order.status} ({order.quarantine_reason})"
    others = [intent for intent in paid if intent != order.transaction_id]
    if untold := [intent for intent in others if intent not in order.waiting_intents]:
        yield f"was paid by {', '.join(untold)} too, and nobody is told"
    if order.is_unfinished and not order.quarantine_reason and not any(one["status"] == "pending" for one in charges):
        yield f"is still {order.status}"


def _of_reversals(payment: Payment, table: dict[str, Json], kind: Kind) -> Iterator[str]:
    order = payment.order
    theirs = {one["id"]: one for one in table.values() if one["payment_intent"] == order.transaction_id}
    theirs = theirs if order.is_settled else {}
    ours = {one.stripe_id: one for one in payment.reversals if one.kind is kind and one.stripe_id}
    for stripe_id, one in theirs.items():
        known = ours.get(stripe_id)
        if known is None:
            yield f"does not know that {kind} {stripe_id} is {one['status']}"
        else:
            yield from _of_a_reversal(order, one, known)
    for reversal in payment.reversals:
        if reversal.kind is kind and reversal.status is ReversalStatus.IN_FLIGHT:
            yield f"has a {kind} in flight"
        if reversal.kind is kind and reversal.stripe_id not in theirs and reversal.reversed_minor:
            yield f"has a {kind} that Stripe does not know: {reversal.reversal_id}"


def _made_twice(order: Order, refunds: dict[str, Json]) -> Iterator[str]:
    """One request for a refund makes one at Stripe, however often it is repeated."""
    requests = Counter(
        one["metadata"]["refund_id"]
        for one in refunds.values()
        if one["payment_intent"] == order.transaction_id and "refund_id" in one["metadata"]
    )
    for request, number in requests.items():
        if number > 1:
            yield f"has {number} refunds at Stripe for the one request {request}"


def _of_a_reversal(order: Order, theirs: Json, ours: Reversal) -> Iterator[str]:
    status = OURS.get(theirs["status"], theirs["status"])
    compared = {
        "status": (status if status in stripe_words(ours) else ours.status.value, status),
        "amount": (ours.amount_minor, theirs["amount"]),
        "currency": (ours.currency or order.currency, theirs["currency"].upper()),
        "money": (ours.reversed_minor, _money_of(order, ours.kind, theirs)),
    }
    for name, (known, wanted) in compared.items():
        if known != wanted:
            yield f"has {name} {known} of {ours.kind} {theirs['id']}, at Stripe {wanted}"


def stripe_words(reversal: Reversal) -> set[str | None]:
    """What Stripe may call the status of a reversal of ours; a word that this version does not know is kept beside."""
    return {reversal.status.value, reversal.stripe_status}


def _money_of(order: Order, kind: Kind, theirs: Json) -> int:
    """How much of the order's money it reverses now: in another currency, that share of the whole."""
    if kind is Kind.DISPUTE:
        share, whole = money_reversed(theirs), int(theirs["amount"])
        return share if theirs["currency"].upper() == order.currency else order.charged_minor * share // whole
    return int(theirs["amount"]) if OURS.get(theirs["status"], theirs["status"]) in GONE else 0
