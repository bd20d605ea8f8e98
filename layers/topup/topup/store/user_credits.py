"""Read a user's credits as they were at one moment, although DynamoDB isolates no query from transactions."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any

from topup.domain.credits import UserCredits, Wallet
from topup.domain.errors import Busy
from topup.domain.lots import Lot
from topup.runtime import config
from topup.store import attributes, credit_items, credits, hold_items
from topup.store.client import client

if TYPE_CHECKING:
    from topup.domain.line import WaitingSpend

READS = 4  # of credits that change while they are read
CHANGING = "The user's credits are changing; please retry"


def load_credits(user_id: str, now: datetime) -> UserCredits:
    """The user's wallet, lots with credits that are not past their expiry, and holds, as they were at one moment.

    1 request, whatever the history; 1 more where something changes meanwhile, or the lots take several pages. Raises
    Busy where they change again and again while they are read.
    """
    for _ in range(READS):
        if user := _read(user_id, now):
            return user
    raise Busy(CHANGING)


def _read(user_id: str, now: datetime) -> UserCredits | None:
    """The same; None where others changed it meanwhile."""
    page = client().query(**_range(user_id, credit_items.LOT))
    is_one_page = "LastEvaluatedKey" not in page
    found = page["Items"] if is_one_page else [*page["Items"], *_pages_after(page, user_id)]
    found.reverse()
    wallet = _wallet_of(user_id, found)
    # Empty lots that the last change gives credits are not in that range yet.
    refilled = credits.unfinished_items(wallet, credit_items.EMPTY_LOT)
    if len(refilled) < len(credits.unfinished_records(wallet, credit_items.EMPTY_LOT)):
        return None
    stored = [item for item in found if item["record"]["S"].startswith(credit_items.LOT)]
    lots = [credits.finished(wallet, item) for item in (*refilled, *stored)]
    if not (is_one_page and _adds_up(wallet, lots)) and not _is_unchanged(wallet):
        return None
    holds = [item for item in found if item["record"]["S"].startswith(hold_items.OPEN_HOLD)]
    waiting = [item for item in found if item["record"]["S"].startswith(credit_items.PENDING)]
    return UserCredits(
        wallet=wallet,
        lots=[lot for lot in lots if not lot.is_expired(now)],
        holds=[hold_items.hold_from_item(item) for item in holds],
        waiting=_waiting_in(waiting) if waiting else (),
    )


def _waiting_in(items: Sequence[Any]) -> Sequence["WaitingSpend"]:
    # Loaded by the first read that finds somebody in line: most often, nobody waits.
    from topup.store import line_items  # noqa: PLC0415

    return line_items.waiting_in(items)


def _adds_up(wallet: Wallet, lots: Sequence[Lot]) -> bool:
    """Whether the lots make the balance, as all of a user's lots with credits do at every moment."""
    return wallet.balance == sum(lot.remaining for lot in lots) - wallet.debt


def _pages_after(page: Any, user_id: str) -> Iterator[Any]:
    return credits.query_all(**_range(user_id, credit_items.LOT), ExclusiveStartKey=page["LastEvaluatedKey"])


def _is_unchanged(wallet: Wallet) -> bool:
    """Whether the wallet is as it was when it was read: then all that was read since belongs to it."""
    page = client().query(**_range(wallet.user_id, credit_items.WALLET))
    return _wallet_of(wallet.user_id, page["Items"]).version == wallet.version


def _range(user_id: str, first: str) -> dict[str, Any]:
    """The query from the wallet back to the lots.

    While DynamoDB reads a page, a transaction may change what it has not come to yet. The wallet is read first, and
    every change writes it: so what is decided on half of a change is never written.
    """
    return {
        "TableName": config.settings().credits_table,
        "KeyConditionExpression": "user_id = :user_id AND #record BETWEEN :first AND :wallet",
        "ExpressionAttributeNames": {"#record": "record"},
        "ExpressionAttributeValues": attributes.to_item(
            {":user_id": user_id, ":first": first, ":wallet": credit_items.WALLET}
        ),
        "ScanIndexForward": False,
        "ConsistentRead": True,
    }


def _wallet_of(user_id: str, found: Sequence[Any]) -> Wallet:
    """The wallet among the items of a range that ends with it."""
    is_there = bool(found) and found[-1]["record"]["S"] == credit_items.WALLET
    return credit_items.wallet_from_item(user_id, found[-1] if is_there else None)
