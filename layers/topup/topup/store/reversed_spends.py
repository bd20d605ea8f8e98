"""What has been given back of a spend: one record of its user's, from the first time on."""

from collections.abc import Mapping
from typing import Any

from topup.domain.credits import Entry, UserCredits
from topup.domain.lots import Lot
from topup.domain.reversed_spends import ReversedSpend
from topup.runtime import config
from topup.store import attributes, credit_items, credits
from topup.store.attributes import Item


def load_spend(user: UserCredits, number: int) -> tuple[Entry | None, ReversedSpend, Mapping[str, Lot]]:
    """The user's entry of this number, what has been given back of it, and the lots that it drew from, by id.

    1 request, and another where it drew from lots that have no credits now. A lot past its expiry may be missing.
    """
    user_id = user.wallet.user_id
    records = [credit_items.entry_record(number), _record(number)]
    found = {item["record"]["S"]: item for item in credits.load_records(user_id, records)}
    given = _from_item(user_id, number, found.get(records[1]))
    if records[0] not in found:
        return None, given, {}
    entry = credit_items.entry_from_item(found[records[0]])
    return entry, given, credits.lots_by_id(user, entry.moves)


def set_reversed_spend(given: ReversedSpend) -> Any:
    """The write of it; the wallet's condition implies that it is as it was read."""
    values = {":lots": dict(given.lots), ":debt": given.debt, ":lapsed": given.lapsed}
    return {
        "Update": {
            "TableName": config.settings().credits_table,
            "Key": _key(given.user_id, given.spend),
            "UpdateExpression": "SET lots = :lots, debt = :debt, lapsed = :lapsed",
            "ExpressionAttributeValues": attributes.to_item(values),
        }
    }


def from_item(item: Mapping[str, Any]) -> ReversedSpend:
    fields = attributes.from_item(item)
    number = int(fields["record"].removeprefix(credit_items.REVERSED_SPEND))
    return _from_item(fields["user_id"], number, item)


def _from_item(user_id: str, number: int, item: Mapping[str, Any] | None) -> ReversedSpend:
    fields = attributes.from_item(item or {})
    known = {name: fields[name] for name in ("lots", "debt", "lapsed") if name in fields}
    return ReversedSpend(user_id=user_id, spend=number, **known)


def _record(number: int) -> str:
    return f"{credit_items.REVERSED_SPEND}{number:012}"


def _key(user_id: str, number: int) -> Item:
    return attributes.to_item({"user_id": user_id, "record": _record(number)})
