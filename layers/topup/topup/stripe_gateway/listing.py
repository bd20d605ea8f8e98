"""Walk through Stripe's lists of events, refunds, disputes and fraud warnings, oldest first, one request at a time.

Stripe lists newest first, and only by pages. So that a walk can begin at any moment and stop at any, it asks for one
stretch of time after the other, each short enough to fit on a page.
"""

from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from topup.domain.reversals import Kind
from topup.domain.updates import ReversalUpdate
from topup.stripe_gateway import parsing, reversals, translation
from topup.stripe_gateway.client import client, retrieved, translate_errors
from topup.stripe_gateway.translation import Json

PAGE = 100  # objects; Stripe lists no more at once
WITH_INTENTS: Any = {"expand": ["data.payment_intent"]}  # those of other systems need no question each

Params = dict[str, Any]


@dataclass(frozen=True)
class Listed:
    """An object in one of Stripe's lists: its id, when it was created (epoch seconds), and its content."""

    id: str
    created: int
    content: Json


@dataclass(frozen=True)
class Page:
    """The answer to one request, oldest first. Everything created before `complete_until` has been listed by now.

    `next_until` is where the stretch of the next request ends: a walk that goes on later begins with that one.
    """

    objects: Sequence[Listed]
    complete_until: int  # epoch seconds
    next_until: int  # epoch seconds


def paid_events(since: int, until: int, first_until: int | None = None) -> Iterator[Page]:
    """Events that say that money has come, created from `since` to `until`: delivered or not.

    One that no endpoint wanted counts as no failure. `first_until` is where the first stretch ends, as the last page of
    a walk has said; None = `until`. Stripe renders events in the account's own API version, and keeps them for 30 days.
    Each step is one request and raises StripeFailed or Busy. Source: Stripe API, list all events.
    """
    return _events(since, until, first_until, translation.PAID_EVENTS, {})


def unpaid_events(
    since: int, until: int, first_until: int | None = None, *, delivered_too: bool = False
) -> Iterator[Page]:
    """The same of payments that have failed or were not made; by default those that no endpoint acknowledged."""
    which: Params = {} if delivered_too else {"delivery_success": False}
    return _events(since, until, first_until, translation.UNPAID_EVENTS, which)


def reversal_events(since: int, until: int, first_until: int | None = None) -> Iterator[Page]:
    """The same about refunds and disputes."""
    return _events(since, until, first_until, translation.REVERSAL_EVENTS, {})


def all_events(since: int, until: int) -> Iterator[Page]:
    """The same about everything that our webhook hears of, delivered or not."""
    return _events(since, until, None, translation.EVENT_TYPES, {})


def _events(since: int, until: int, first_until: int | None, types: Sequence[str], which: Params) -> Iterator[Page]:
    params: Any = {"types": list(types), **which}
    return _pages(lambda stretch: client().v1.events.list(stretch | params), since, until, first_until)


def refunds(since: int, until: int, first_until: int | None = None) -> Iterator[Page]:
    """All refunds of the account, with their payment intents. Source: Stripe API, list all refunds."""
    return _pages(lambda params: client().v1.refunds.list(params | WITH_INTENTS), since, until, first_until)


def disputes(since: int, until: int, first_until: int | None = None) -> Iterator[Page]:
    """All disputes of the account, with their payment intents. Source: Stripe API, list all disputes."""
    return _pages(lambda params: client().v1.disputes.list(params | WITH_INTENTS), since, until, first_until)


def fraud_warnings(since: int, until: int, first_until: int | None = None) -> Iterator[Page]:
    """All early fraud warnings of the account, with their payment intents. Source: Stripe API, list all of them."""
    return _pages(
        lambda params: client().v1.radar.early_fraud_warnings.list(params | WITH_INTENTS), since, until, first_until
    )


def load_event(event_id: str) -> Json | None:
    """The event; None if Stripe does not keep it any more. Raises StripeFailed, Busy."""
    return retrieved(lambda stripe: stripe.v1.events.retrieve(event_id))


def reversals_of(transaction_id: str) -> Sequence[ReversalUpdate]:
    """All refunds and disputes of a payment intent of ours as Stripe has them now; raises StripeFailed, Busy."""
    params: Any = {"payment_intent": transaction_id, "limit": PAGE, **WITH_INTENTS}
    with translate_errors():
        # Without retries: the caller has more to ask, and looks again another time.
        stripe = client(retries=0).v1
        refunds_made = [one.to_dict() for one in stripe.refunds.list(params).auto_paging_iter()]
        disputes_opened = [one.to_dict() for one in stripe.disputes.list(params).auto_paging_iter()]
    updates = [reversals.reversal_of(one) for one in (*refunds_made, *disputes_opened)]
    return [update for update in updates if update]


@dataclass(frozen=True)
class EventSubject:
    """What a listed event is about: the order of ours that its payment names, or a refund or dispute, ours or not."""

    object_id: str
    created: int
    order_id: str | None
    reversal: Kind | None


def subject_of(event: Json) -> EventSubject | None:
    """What the event is about, from the fields that are the same in all API versions; None if it is not ours."""
    stripe_object: Mapping[str, Any] = event["data"]["object"]
    is_ours = translation.is_ours(stripe_object)
    reversal = (
        Kind.REFUND
        if event["type"] in translation.REFUND_EVENTS
        else Kind.DISPUTE
        if event["type"] in translation.DISPUTE_EVENTS
        else None
    )
    if reversal is None and not is_ours:
        return None
    return EventSubject(
        object_id=parsing.text(stripe_object["id"]),
        created=int(parsing.moment(stripe_object["created"]).timestamp()),
        order_id=stripe_object["metadata"]["order_id"] if is_ours else None,
        reversal=reversal,
    )


def _pages(ask: Callable[[Params], Any], since: int, until: int, first_until: int | None) -> Iterator[Page]:
    start, last = since, until if first_until is None or first_until < since else min(first_until, until)
    full: list[int] = []  # the ends of the stretches that do not fit on a page, the nearest last
    while start <= until:
        found, has_more = _ask(ask, {"created": {"gte": start, "lte": last}})
        if has_more and last > start:
            full.append(last)
            last = start + (last - start + 1) // 2 - 1
            yield Page((), start, last)
            continue
        while has_more:  # more than a page within one second
            yield Page(found[::-1], start, last)
            found, has_more = _ask(ask, {"created": {"gte": start, "lte": last}, "starting_after": found[-1].id})
        length, start = last - start + 1, last + 1
        while full and full[-1] < start:
            full.pop()
        # Where there was little, the rest may fit on one page by now.
        last = (full[-1] if full else until) if len(found) < PAGE // 2 else min(start + length - 1, until)
        yield Page(found[::-1], start, last)


def _ask(ask: Callable[[Params], Any], params: Params) -> tuple[list[Listed], bool]:
    """A page, newest first, and whether there is more."""
    with translate_errors():
        page = ask({"limit": PAGE, **params})
        contents = [one.to_dict() for one in page.data]
    return [Listed(parsing.text(one["id"]), one["created"], one) for one in contents], bool(page.has_more)
