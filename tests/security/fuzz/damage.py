"""Stripe's events about one order, and damaged copies of them."""

import copy
from collections.abc import Iterator
from typing import Any

from hypothesis import strategies as st

from local.in_process.environment import NOW
from tests.support.stripe_events import declined_intent, event, intent, metadata, session
from topup.domain.orders import Order

SIGNED_AT = int(NOW.timestamp())

Path = tuple[str | int, ...]


def json_values() -> st.SearchStrategy[Any]:
    """Values to put where Stripe would write something else."""
    odd = [None, True, False, 0, 1, -1, 9999, 10_001, 10**40, -(10**40), 10**400, 0.5, 10_000.0, 1e308, float("nan")]
    texts = [
        "",
        " ",
        "\x00",
        "\ud800",
        "paid",
        "unpaid",
        "won",
        "lost",
        "succeeded",
        "canceled",
        "in_flight",
        "cny",
        "CNY",
        "usd",
        "10000",
        "cs_test_2",
        "é" * 600,
        "x" * 5000,
    ]
    leaves = st.sampled_from(odd) | st.sampled_from(texts) | st.text(max_size=20) | st.integers() | st.floats()
    return st.recursive(
        leaves,
        lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=10), inner, max_size=3),
        max_leaves=6,
    )


def refund(order: Order, **changes: Any) -> dict[str, Any]:
    """Stripe API: refund object."""
    return {
        "id": "re_1",
        "object": "refund",
        "amount": 2500,
        "currency": order.currency.lower(),
        "status": "succeeded",
        "reason": "requested_by_customer",
        "created": SIGNED_AT,
        "payment_intent": "pi_1",
        "livemode": False,
        "metadata": metadata(order) | {"reason": "Customer request"},
    } | changes


def dispute(order: Order) -> dict[str, Any]:
    """Stripe API: dispute object; it carries none of our metadata."""
    return refund(order, id="dp_1", object="dispute", status="needs_response", reason="fraudulent", metadata={})


def events_of(order: Order) -> list[dict[str, Any]]:
    """Every event that we use, about one order."""
    unpaid = session(order, payment_status="unpaid")
    return [
        event("checkout.session.completed", session(order)),
        event("checkout.session.completed", unpaid),
        event("checkout.session.async_payment_succeeded", session(order)),
        event("checkout.session.async_payment_failed", unpaid),
        event("checkout.session.expired", session(order, status="expired", payment_status="unpaid")),
        event("payment_intent.succeeded", intent(order)),
        event("payment_intent.payment_failed", declined_intent(order)),
    ]


def reversals_of(order: Order) -> list[dict[str, Any]]:
    refunds = [event(f"refund.{kind}", refund(order)) for kind in ("created", "updated", "failed")]
    kinds = ("created", "updated", "closed", "funds_withdrawn", "funds_reinstated")
    return refunds + [event(f"charge.dispute.{kind}", dispute(order)) for kind in kinds]


def paths(value: Any, here: Path = ()) -> Iterator[Path]:
    """The path of every part of a document, from the whole to the leaves."""
    yield here
    parts = value.items() if isinstance(value, dict) else enumerate(value) if isinstance(value, list) else ()
    for name, part in parts:
        yield from paths(part, (*here, name))


def damaged(document: Any, path: Path, value: Any, *, is_removed: bool) -> Any:
    """The document with one part replaced or removed."""
    if not path:
        return value
    whole = copy.deepcopy(document)
    place = whole
    for name in path[:-1]:
        place = place[name]
    if is_removed:
        del place[path[-1]]
    else:
        place[path[-1]] = value
    return whole


# Built once: building a strategy for every example takes longer than the handler.
WRONGS = st.lists(st.tuples(st.integers(0, 10**6), json_values(), st.booleans()), max_size=3)


def damages(originals: list[dict[str, Any]]) -> st.SearchStrategy[Any]:
    """One of the events, damaged in up to three places."""
    return st.builds(damaged_at, st.sampled_from(originals), WRONGS)


def damaged_at(document: Any, wrongs: list[tuple[int, Any, bool]]) -> Any:
    for where, value, is_removed in wrongs:
        places = list(paths(document))
        document = damaged(document, places[where % len(places)], value, is_removed=is_removed)
    return document
