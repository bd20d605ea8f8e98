"""Check how the quarantines of an order were ended."""

from collections.abc import Iterator

from topup.domain.orders import Order, ReleaseAction


def findings(order: Order) -> Iterator[str]:
    """Everything that is wrong with the decisions over the order's refused payments."""
    if order.transaction_id in order.given_back_intents and order.is_settled:
        yield f"it was paid by {order.transaction_id}, whose money was given back"
    for release in order.releases[:-1]:
        if not release.is_done:
            yield f"another decision came while the money of {release.intent} was on its way back"
    if order.release_under_way and order.quarantine_reason is None:
        yield "the money of its refused payment is on its way back, and it is not under review"
    fulfilled = [one for one in order.releases if one.action is ReleaseAction.FULFIL]
    if fulfilled and not (order.is_settled and order.transaction_id == fulfilled[-1].intent and len(fulfilled) == 1):
        yield f"it was fulfilled by hand {len(fulfilled)} times, and is {order.status}, paid by {order.transaction_id}"
    if fulfilled and not 0 < order.credits_purchased <= fulfilled[-1].credits_ordered:
        yield f"{order.credits_purchased} of {fulfilled[-1].credits_ordered} credits were granted by hand"
