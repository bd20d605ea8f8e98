"""Read what a user's credits were at an earlier moment, from the shorter side of the ledger, and what paid for entries.

The ledger is searched for the moment by halves, since its entries have numbers without a gap and nearly the order in
which they were received. Then it is read from its first entry up to the moment, or from the moment on, whichever is
less; so the cost grows with the shorter side, and with the logarithm of all.
"""

import bisect
from collections.abc import Iterable, Iterator, Sequence
from datetime import UTC, datetime, timedelta

from topup.domain import past, times
from topup.domain.credits import Entry, UserCredits
from topup.domain.errors import FieldError, ValidationFailed
from topup.domain.holds import Hold
from topup.domain.lots import Lot
from topup.domain.past import Past
from topup.runtime import config
from topup.store import attributes, credit_items, credits, hold_items, user_credits
from topup.store.client import client
from topup.store.races import LostRace, retried

# Before any lot's expiry: all lots that have credits, also those that nobody has swept yet.
EVER = datetime(1970, 1, 1, tzinfo=UTC)
# An entry may be written so much later than its request was received: the longest timeout of a function.
LATEST_WRITE = timedelta(minutes=5)
FEW = 500  # entries, which one page of a query holds: not worth a search
# Entries of the shorter side; far more would take longer than a request may.
MOST_READ = 50_000
MOST_HOLDS = 1_000  # that have ended; beyond them it is not told what holds reserved


@retried
def load_credits_at(user_id: str, moment: datetime) -> Past:
    """The user's credits as they were at a moment that is past.

    2 requests where the ledger is short or nothing has come after the moment, and 1 more where holds have ended or lots
    have been used up since. Raises ValidationFailed where more than MOST_READ entries are on each side of it, Busy.
    """
    moment = max(moment, EVER)
    user = user_credits.load_credits(user_id, EVER)
    last = user.wallet.last_entry
    received = _received_by(user_id, moment - LATEST_WRITE, last)
    if min(received, last - received) > MOST_READ:
        many = f"lies too deep in the history of this user: at most {MOST_READ:,} changes are read"
        raise ValidationFailed(FieldError("as_of", many))
    if received < last - received:
        # Not a whole page where it takes only a few entries.
        figures = past.from_the_beginning(_entries(user_id, 1, last, Limit=received + FEW), moment)
    else:
        figures = past.from_now_back(user, _entries(user_id, received + 1, last), moment)
    then = [lot_id for lot_id, left in figures.remaining.items() if left]
    lots = credits.lots_by_id(user, then)
    if len(lots) < len(then):
        raise LostRace("a lot got credits while it was looked for")
    return past.credits_at(user_id, figures, lots.values(), _holds(user, moment), moment)


def _received_by(user_id: str, moment: datetime, last: int) -> int:
    """The number of an entry that was received by the moment, and whose next one was not; 0 where the ledger is short.

    About log2(last) requests.
    """
    if last <= FEW:
        return 0
    return bisect.bisect_right(range(1, last + 1), moment, key=lambda number: _received_at(user_id, number))


def _received_at(user_id: str, number: int) -> datetime:
    [key] = credit_items.keys(user_id, [credit_items.entry_record(number)])
    found = client().get_item(
        TableName=config.settings().credits_table,
        Key=key,
        ConsistentRead=True,
    )
    return times.from_text(found["Item"]["created_at"]["S"])


def _entries(user_id: str, first: int, last: int, **page: int) -> Iterator[Entry]:
    """The entries with these numbers, oldest first, page after page."""
    if first > last:
        return iter(())
    values = {
        ":user_id": user_id,
        ":first": credit_items.entry_record(first),
        ":last": credit_items.entry_record(last),
    }
    items = credits.query_all(
        KeyConditionExpression="user_id = :user_id AND #record BETWEEN :first AND :last",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues=attributes.to_item(values),
        ConsistentRead=True,
        **page,
    )
    return map(credit_items.entry_from_item, items)


def _holds(user: UserCredits, moment: datetime) -> Sequence[Hold] | None:
    """The holds that may have reserved credits at the moment, None where there are too many to look through.

    Those that have ended are stored by their ids, in no order of time; they are read after those that are open, so that
    none is missed that ends in between.
    """
    values = {
        ":user_id": user.wallet.user_id,
        ":holds": hold_items.HOLD,
        ":moment": times.to_sortable_text(moment),
        ":second": times.to_text(moment),
    }
    page = client().query(
        TableName=config.settings().credits_table,
        KeyConditionExpression="user_id = :user_id AND begins_with(#record, :holds)",
        FilterExpression="created_at <= :moment AND ends_at > :second",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues=attributes.to_item(values),
        Limit=MOST_HOLDS,
        ConsistentRead=True,
    )
    if "LastEvaluatedKey" in page:
        return None
    ended = [hold_items.hold_from_item(item) for item in page["Items"]]
    return list({hold.hold_id: hold for hold in (*user.holds, *ended)}.values())


@retried
def load_lots_of(user_id: str, entries: Iterable[Entry]) -> dict[str, Lot]:
    """The lots that the entries have moved credits of, by id; 1 request, and 1 more where some have no credits now."""
    named = sorted({lot_id for entry in entries for lot_id in entry.moves})
    lots: dict[str, Lot] = {}
    for _ in range(2):  # a lot may get credits while it is looked for among those that have none
        if len(lots) < len(named):
            lots |= credits.lots_by_id(user_credits.load_credits(user_id, EVER), named)
    return lots
