"""When to look at an order whose payment nobody has reported, and when to stop waiting for it.

The first look is soon, and the next ones are further and further apart: most payments are made in the first minutes,
and an order that is abandoned stays open for a day.
"""

from datetime import UTC, datetime, timedelta

from topup.domain.orders import Order

FIRST_LOOK = timedelta(minutes=15)  # the webhook and the buyer's return come long before
AFTER_A_RELEASE = timedelta(minutes=2)  # the request that began to give the money back has ended long ago
LONGEST_PAUSE = timedelta(days=1)
NEVER = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
AFTER_A_FAILURE = timedelta(minutes=15)  # the next run: nothing was learned from this one
# Stripe's sessions live a day: an order without a session gets none any more, and nobody pays one that Stripe forgot.
ABANDONED_AFTER = timedelta(hours=25)


def due_at(order: Order) -> datetime:
    """When to look at the order next; NEVER for one that has ended.

    A quarantined order waits for a person. It is looked at only as long as its own session may be open: another payment
    was refused, and nobody should be able to make one more.
    """
    if release := order.release_under_way:
        return order.next_look_at or release.released_at + AFTER_A_RELEASE
    if not order.is_unfinished or (order.quarantine_reason and order.provider_order_id is None):
        return NEVER
    return order.next_look_at or (order.created_at if order.quarantine_reason else order.open_since + FIRST_LOOK)


def next_look(order: Order, now: datetime) -> datetime:
    """When to look again after a look at `now`: after as long as the order has waited, a day at most.

    Its session ends before ABANDONED_AFTER, so that there is a look right then.
    """
    if order.release_under_way:
        return now + AFTER_A_FAILURE
    begin = order.open_since
    pause = min(LONGEST_PAUSE, max(FIRST_LOOK, now - begin))
    end = begin + ABANDONED_AFTER
    return min(now + pause, end) if now < end else now + pause


def is_abandoned(order: Order, now: datetime) -> bool:
    """Whether the order's session, if it ever had one, has ended."""
    return now - order.open_since >= ABANDONED_AFTER
