"""Read everything for the audit: page by page, one user and one payment at a time."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

from topup.domain.audit import Account, StoredPayment
from topup.domain.credits import Entry, Wallet
from topup.runtime import config
from topup.store import accounts, attributes, credit_items, hold_items, patience
from topup.store.attributes import Item
from topup.store.client import client

# Entries of one user that are kept in memory. The table may have a million of a user who is a service.
MOST_ENTRIES = 10_000
# Tries to read an account between two of its changes. One takes about 20 ms.
TRIES = 12
_NEXT = " "  # a record with it sorts after the record itself, and before the next one
_AFTER = "~"  # sorts after every character of a record
# What the audit reads of a user, apart from the entries: all that a change may replace. The wallet is the last of it.
_REPLACED = (
    (credit_items.CLAWBACK, credit_items.EMPTY_LOT + _AFTER),
    (credit_items.TIMER, credit_items.TIMER + _AFTER),
    (credit_items.REVERSED_SPEND, credit_items.REVERSED_SPEND + _AFTER),
    (hold_items.HOLD, hold_items.HOLD + _AFTER),
    (credit_items.LOT, credit_items.WALLET),
)


def all_accounts(segments: int = 1) -> Iterator[Account]:
    """Every user's credits. A scan is no snapshot: read what looks wrong again before you report it.

    So many segments of the table are read at once. A user with many entries is read alone.
    """
    under_way: dict[int, _Scanned] = {}
    found = patience.scan(
        segments,
        TableName=config.settings().credits_table,
        FilterExpression="NOT (begins_with(#record, :campaign) OR begins_with(#record, :marker))",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues=attributes.to_item(
            dict(zip((":campaign", ":marker"), accounts.MARKERS, strict=True))
        ),
    )
    for segment, item in found:
        user_id = item["user_id"]["S"]
        scanned = under_way.get(segment)
        if scanned is None or scanned.user_id != user_id:
            under_way[segment] = _Scanned(user_id)
            if scanned:
                yield scanned.account()
                del scanned
        under_way[segment].add(item)
    while under_way:
        yield under_way.popitem()[1].account()


class _Scanned:
    """One user's records, as a scan brings them: the entries come before the lots that they are about."""

    def __init__(self, user_id: str) -> None:
        self.user_id = user_id
        self._parts = accounts.Parts(user_id)
        self._entries: list[Entry] = []
        self._is_long = False

    def add(self, item: Any) -> None:
        if not accounts.is_entry(item):
            self._parts.add(item)
        elif len(self._entries) < MOST_ENTRIES:
            self._entries += accounts.entries_of([item], self._parts.faults)
        else:
            self._is_long = True

    def account(self) -> Account:
        """The account, read alone where it has too many entries; without the later ones if it changes at every try."""
        alone = load_account(self.user_id) if self._is_long else None
        return alone or self._parts.account(self._entries)


def records_of(user_id: str) -> Iterator[Any]:
    """Every record of a user in the credits table, as it is stored."""
    return _range(user_id, " ", _AFTER)


def load_account(user_id: str) -> Account | None:
    """One user's credits as they were at one moment; None for a user whose credits changed at every try to read them.

    Every change raises the wallet's version. Entries never change, so a long history may be read afterwards.
    """
    for _ in range(TRIES):
        before, parts = _load_wallet(user_id), accounts.Parts(user_id)
        for first, last in _REPLACED:
            for item in _range(user_id, first, last):
                parts.add(item)
        if parts.wallet.version == before.version:
            return _with_entries(parts)
    return None


def _with_entries(parts: accounts.Parts) -> Account:
    """The account with its entries: the first ones now, and more of them as they are asked for."""
    stored = list(islice(_entries(parts.wallet), MOST_ENTRIES))
    account = parts.account(list(accounts.entries_of(stored, parts.faults)))
    if len(stored) == MOST_ENTRIES:
        account.more = _More(parts.wallet, stored[-1]["record"]["S"], parts.faults)
    return account


@dataclass(frozen=True)
class _More:
    """The entries of a user after a record, read anew each time that they are gone through."""

    wallet: Wallet
    after: str
    faults: list[str]

    def __iter__(self) -> Iterator[Entry]:
        return accounts.entries_of(_entries(self.wallet, self.after), self.faults)


def _entries(wallet: Wallet, after: str = credit_items.ENTRY) -> Iterator[Any]:
    """The entries that the wallet counts; more of them if it counts too few, though nothing has changed since."""
    counted = credit_items.entry_record(wallet.last_entry)
    is_unchanged = False
    for item in _range(wallet.user_id, after + _NEXT, credit_items.ENTRY + _AFTER):
        if item["record"]["S"] > counted and not is_unchanged:
            if _load_wallet(wallet.user_id).version != wallet.version:
                return
            is_unchanged = True
        yield item


def all_payments(segments: int = 1) -> Iterator[StoredPayment]:
    """Every order with its refunds and disputes; read what looks wrong again before you report it."""
    under_way: dict[int, list[Any]] = {}
    for segment, item in patience.scan(segments, TableName=config.settings().orders_table):
        items = under_way.setdefault(segment, [])
        if items and items[0]["payment_id"] != item["payment_id"]:
            yield from _payments_of(items)
            items.clear()
        items.append(item)
    for items in under_way.values():
        yield from _payments_of(items)


def _payments_of(items: Sequence[Any]) -> Iterator[StoredPayment]:
    payment = accounts.payment_of(items[0]["payment_id"]["S"], items)
    if payment is not None:
        yield payment


def load_stored_payment(payment_id: str) -> StoredPayment | None:
    """The order with its refunds and disputes, read consistently; None where there is none of these."""
    return accounts.payment_of(payment_id, payment_records(payment_id))


def payment_records(payment_id: str) -> list[Item]:
    """An order, its refunds and disputes, as they are stored."""
    found = patience.items(
        "query",
        TableName=config.settings().orders_table,
        KeyConditionExpression="payment_id = :payment_id",
        ExpressionAttributeValues=attributes.to_item({":payment_id": payment_id}),
        ConsistentRead=True,
    )
    return list(found)


def _load_wallet(user_id: str) -> Wallet:
    page: patience.Page = patience.patiently(
        lambda: dict(
            client().get_item(
                TableName=config.settings().credits_table, Key=credit_items.wallet_key(user_id), ConsistentRead=True
            )
        )
    )
    return credit_items.wallet_from_item(user_id, page.get("Item"))


def _range(user_id: str, first: str, last: str) -> Iterator[Any]:
    return patience.items(
        "query",
        TableName=config.settings().credits_table,
        KeyConditionExpression="user_id = :user_id AND #record BETWEEN :first AND :last",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues=attributes.to_item({":user_id": user_id, ":first": first, ":last": last}),
        ConsistentRead=True,
    )
