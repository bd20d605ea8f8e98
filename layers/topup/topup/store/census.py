"""Read the whole credits table for the daily report, a page at a time: what lots and holds there are, and who changed.

A scan is no snapshot, so it is not read consistently either, which costs half. Its figures are those of a day, and what
looks wrong is read again before it is reported.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Any

from topup.domain import times
from topup.domain.holds import Hold
from topup.domain.lots import Lot
from topup.runtime import config
from topup.store import attributes, credit_items, hold_items, patience

Place = dict[str, str]  # the key after which a page begins


@dataclass(frozen=True, kw_only=True)
class Page:
    """A part of the table: lots with credits, open holds, and the users who are in it, those who changed apart.

    `next` is where the next page begins; None after the last one.
    """

    lots: Sequence[Lot]
    holds: Sequence[Hold]
    users: Sequence[str]
    changed: Sequence[str]
    next: Place | None


def read_page(since: datetime, place: Place | None) -> Page:
    """The next megabyte of the table; whoever has an entry from `since` on has changed. Not faster than users allow."""
    request: dict[str, Any] = {} if place is None else {"ExclusiveStartKey": attributes.to_item(place)}
    page = patience.page(
        "scan",
        TableName=config.settings().credits_table,
        FilterExpression=(
            "begins_with(#record, :lot) OR begins_with(#record, :hold)"
            " OR (begins_with(#record, :entry) AND created_at >= :since)"
        ),
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues=attributes.to_item(
            {
                ":lot": credit_items.LOT,
                ":hold": hold_items.OPEN_HOLD,
                ":entry": credit_items.ENTRY,
                ":since": times.to_sortable_text(since),
            }
        ),
        **request,
    )
    return _page_of(page["Items"], page.get("LastEvaluatedKey"))


def _page_of(items: Sequence[Any], last_key: Mapping[str, Any] | None) -> Page:
    of_kind: dict[str, list[Any]] = {}
    for item in items:
        of_kind.setdefault(item["record"]["S"].partition("#")[0], []).append(item)
    lots, holds, entries = (
        of_kind.get(kind.removesuffix("#"), ()) for kind in (credit_items.LOT, hold_items.OPEN_HOLD, credit_items.ENTRY)
    )
    return Page(
        lots=[credit_items.lot_from_item(item) for item in lots],
        holds=[hold_items.hold_from_item(item) for item in holds],
        users=list(dict.fromkeys(item["user_id"]["S"] for item in items)),
        changed=list(dict.fromkeys(item["user_id"]["S"] for item in entries)),
        next=attributes.from_item(dict(last_key)) if last_key else None,
    )
