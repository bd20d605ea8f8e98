"""Events that no endpoint of ours has acknowledged."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from typing import Any

from topup.stripe_gateway.client import client, failures_translated
from topup.stripe_gateway.translation import EVENT_TYPES


def undelivered_events(since: datetime, until: datetime) -> Sequence[Mapping[str, Any]]:
    """Events of the types that we use, oldest first, that no endpoint has taken yet; raises StripeFailed, Busy.

    Stripe keeps events for 30 days. Source: Stripe API, list all events.
    """
    with failures_translated():
        listed = client().v1.events.list(
            {
                "delivery_success": False,
                "types": list(EVENT_TYPES),
                "created": {"gte": int(since.timestamp()), "lte": int(until.timestamp())},
                "limit": 100,
            }
        )
        newest_first = [event.to_dict() for event in listed.auto_paging_iter()]
    return newest_first[::-1]
