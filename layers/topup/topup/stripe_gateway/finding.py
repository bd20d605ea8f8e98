"""Which orders of ours Stripe's objects belong to: Stripe is the index for its own ids and for e-mail addresses."""

from typing import Any

from topup.stripe_gateway import parsing, translation
from topup.stripe_gateway.client import client, retrieved, translate_errors
from topup.stripe_gateway.listing import PAGE, WITH_INTENTS
from topup.stripe_gateway.translation import Json

# Of a dispute: there is nothing to answer or to wait for. An unknown status is shown: somebody should look.
DECIDED = frozenset({"lost", "prevented", "warning_closed", "won"})


def order_of_session(session_id: str) -> str | None:
    """The order that a Checkout Session was opened for; None if it is not ours. Raises StripeFailed, Busy."""
    return _order_of(retrieved(lambda stripe: stripe.v1.checkout.sessions.retrieve(session_id)))


def order_of_intent(intent_id: str) -> str | None:
    """The order that a payment intent pays, None if it is not ours; raises StripeFailed, Busy."""
    return _order_of(retrieved(lambda stripe: stripe.v1.payment_intents.retrieve(intent_id)))


def order_of_charge(charge_id: str) -> str | None:
    """The order whose payment intent made a charge, None if it is not ours; raises StripeFailed, Busy."""
    expand: Any = {"expand": ["payment_intent"]}
    charge = retrieved(lambda stripe: stripe.v1.charges.retrieve(charge_id, expand))
    return _order_of((charge or {}).get("payment_intent"))


def orders_by_email(email: str, limit: int, after: str | None) -> tuple[list[str], str | None]:
    """Our orders among the next `limit` sessions with this address, newest first, and the last session if more follow.

    The address is the one that the buyer gave on the pay page. `after` is the last session of the page before. Raises
    StripeFailed, Busy. Source: Stripe API, list all Checkout Sessions.
    """
    params: Any = {"customer_details": {"email": email}, "limit": limit}
    if after:
        params["starting_after"] = after
    with translate_errors():
        page = client(retries=0).v1.checkout.sessions.list(params)
        sessions = [one.to_dict() for one in page.data]
    orders = [order for order in map(_order_of, sessions) if order]
    last = parsing.text(sessions[-1]["id"]) if sessions and page.has_more else None
    return list(dict.fromkeys(orders)), last


def orders_with_open_disputes(limit: int, after: str | None) -> tuple[list[str], str | None]:
    """At most `limit` of our orders that have a dispute without a decision, the newest dispute first.

    Stripe lists disputes of every status, a hundred at once: the second value is the last one that was looked at, if
    more may follow. `after` is such a one. Raises StripeFailed, Busy. Source: Stripe API, list all disputes.
    """
    params: Any = {"limit": PAGE, **WITH_INTENTS}
    if after:
        params["starting_after"] = after
    with translate_errors():
        page = client(retries=0).v1.disputes.list(params)
        disputes = [one.to_dict() for one in page.data]
    orders: dict[str, None] = {}
    last = None
    for dispute in disputes:
        order = _order_of(dispute.get("payment_intent")) if dispute["status"] not in DECIDED else None
        if order and order not in orders and len(orders) == limit:
            return list(orders), last
        if order:
            orders[order] = None
        last = parsing.text(dispute["id"])
    return list(orders), last if page.has_more else None


def _order_of(found: Json | None) -> str | None:
    return found["metadata"]["order_id"] if found and translation.is_ours(found) else None
