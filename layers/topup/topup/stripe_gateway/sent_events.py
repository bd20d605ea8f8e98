"""What Stripe has sent about one payment, and whether it arrived: for a person who looks into it."""

from collections.abc import Collection, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from topup.stripe_gateway import listing, parsing
from topup.stripe_gateway.listing import Listed


@dataclass(frozen=True, kw_only=True)
class SentEvent:
    """An event about `object_id`; `unacknowledged` counts the endpoints that have not acknowledged it yet."""

    event_id: str
    event_type: str
    created_at: datetime
    object_id: str
    unacknowledged: int


def events_of(
    payment_id: str, stripe_ids: Collection[str], since: datetime, until: datetime
) -> Iterator[Sequence[SentEvent]]:
    """The events of this time about an order, or about one of these objects, oldest first; a step for each request.

    Stripe has no list of one payment's events, so all of the account's are read. Raises StripeFailed, Busy.
    Source: Stripe API, list all events, and the Event object, pending_webhooks.
    """
    for page in listing.all_events(int(since.timestamp()), int(until.timestamp())):
        yield [_sent(one) for one in page.objects if _is_about(one.content["data"]["object"], payment_id, stripe_ids)]


def _is_about(stripe_object: Mapping[str, Any], payment_id: str, stripe_ids: Collection[str]) -> bool:
    metadata = stripe_object.get("metadata") or {}
    return metadata.get("order_id") == payment_id or not {
        stripe_object["id"],
        stripe_object.get("payment_intent"),
    }.isdisjoint(stripe_ids)


def _sent(event: Listed) -> SentEvent:
    return SentEvent(
        event_id=event.id,
        event_type=parsing.text(event.content["type"]),
        created_at=parsing.moment(event.created),
        object_id=parsing.text(event.content["data"]["object"]["id"]),
        unacknowledged=parsing.whole_amount(event.content["pending_webhooks"]),
    )
