"""Read everything for the audit: page by page, one user and one payment at a time."""

from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import partial
from itertools import groupby
from typing import Any, TypeVar

from topup.domain.audit import Account, StoredPayment
from topup.domain.credits import Wallet
from topup.domain.holds import HoldStatus
from topup.domain.payments import Payment
from topup.runtime import config
from topup.store import (
    attributes,
    clawback_items,
    credit_items,
    credits,
    hold_items,
    misplaced,
    order_items,
    patience,
    reversed_spends,
)
from topup.store.client import client

# Tries to read an account between two of its changes. One takes about 20 ms.
TRIES = 12
_AFTER = "~"  # sorts after every character of a record
# What the audit reads of a user, apart from the entries: all that a change may replace. The wallet is the last of it.
_REPLACED = (
    (credit_items.CLAWBACK, credit_items.EMPTY_LOT + _AFTER),
    (credit_items.TIMER, credit_items.TIMER + _AFTER),
    (credit_items.REVERSED_SPEND, credit_items.REVERSED_SPEND + _AFTER),
    (hold_items.HOLD, hold_items.HOLD + _AFTER),
    (credit_items.LOT, credit_items.WALLET),
)
_MARKERS = (credit_items.CAMPAIGN, credit_items.MARKER)

Parsed = TypeVar("Parsed")


def all_accounts() -> Iterator[Account]:
    """Every user's credits. A scan is no snapshot: read what looks wrong again before you report it."""
    found = patience.items(
        "scan",
        TableName=config.settings().credits_table,
        FilterExpression="NOT (begins_with(#record, :campaign) OR begins_with(#record, :marker))",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues=attributes.to_item(dict(zip((":campaign", ":marker"), _MARKERS, strict=True))),
    )
    for user_id, items in groupby(found, lambda item: str(item["user_id"]["S"])):
        yield _account_of(user_id, list(items))


def load_account(user_id: str) -> Account | None:
    """One user's credits as they were at one moment; None for a user whose credits changed at every try to read them.

    Every change raises the wallet's version. Entries never change, so a long history may be read afterwards.
    """
    for _ in range(TRIES):
        before = _load_wallet(user_id)
        found = [item for first, last in _REPLACED for item in _range(user_id, first, last)]
        after = _wallet_of(user_id, found)
        if after.version == before.version:
            return _account_of(user_id, [*found, *_entries(user_id, after)])
    return None


def _entries(user_id: str, wallet: Wallet) -> list[Any]:
    """The entries that the wallet counts; more of them if it counts too few, though nothing has changed since."""
    found = list(_range(user_id, credit_items.ENTRY, credit_items.ENTRY + _AFTER))
    last = credit_items.entry_record(wallet.last_entry)
    if found and found[-1]["record"]["S"] > last and _load_wallet(user_id).version != wallet.version:
        return [item for item in found if item["record"]["S"] <= last]
    return found


def all_payments() -> Iterator[StoredPayment]:
    """Every order with its refunds and disputes; read what looks wrong again before you report it."""
    found = patience.items("scan", TableName=config.settings().orders_table)
    for payment_id, items in groupby(found, lambda item: str(item["payment_id"]["S"])):
        if (payment := _payment_of(payment_id, list(items))) is not None:
            yield payment


def load_stored_payment(payment_id: str) -> StoredPayment | None:
    """The order with its refunds and disputes, read consistently; None where there is none of these."""
    found = patience.items(
        "query",
        TableName=config.settings().orders_table,
        KeyConditionExpression="payment_id = :payment_id",
        ExpressionAttributeValues=attributes.to_item({":payment_id": payment_id}),
        ConsistentRead=True,
    )
    return _payment_of(payment_id, list(found))


def _payment_of(payment_id: str, items: Sequence[Any]) -> StoredPayment | None:
    faults: list[str] = []
    order, reversals, is_payment = None, [], False
    for item in items:
        record = item["record"]["S"]
        if record == order_items.ORDER:
            is_payment = True
            order = _parsed(item, order_items.order_from_item, misplaced.order, faults)
        elif record.startswith(tuple(order_items.REVERSAL_PREFIX.values())):
            is_payment = True
            reversals.append(_parsed(item, order_items.reversal_from_item, misplaced.reversal, faults))
    if not is_payment:
        return None  # the records of something else
    by_age = sorted((reversal for reversal in reversals if reversal), key=lambda one: one.created_at)
    return StoredPayment(payment_id, Payment(order, by_age) if order else None, faults)


def _account_of(user_id: str, found: Sequence[Any]) -> Account:
    wallet, faults = _wallet_of(user_id, found), list[str]()
    records = _records(wallet, found, faults)
    timers = {item["record"]["S"].removeprefix(credit_items.TIMER): item for item in found if _is_timer(item)}
    account = Account(
        user_id,
        wallet,
        lots=records["lots"],
        entries=records["entries"],
        timed_lots=timers.keys() | credits.unfinished_lots(wallet),
        clawbacks={out.payment_id: out for out in records["clawbacks"]},
        holds=records["holds"],
        reversed_spends=records["reversed_spends"],
        faults=faults,
    )
    for lot in account.lots:
        if lot.remaining > 0 and lot.expires_at and lot.lot_id in timers:
            faults += misplaced.timer(lot, timers[lot.lot_id])
    for hold in account.holds:
        if hold.status is HoldStatus.OPEN and hold.hold_id in timers:
            faults += misplaced.hold_timer(hold, timers[hold.hold_id])
    return account


def _records(wallet: Wallet, found: Sequence[Any], faults: list[str]) -> dict[str, list[Any]]:
    """The values of a user's records, by their kind."""
    kinds: Mapping[str, tuple[tuple[str, ...], Callable[[Any], Any], Callable[[Any], Iterator[str]]]] = {
        "lots": ((credit_items.LOT, credit_items.EMPTY_LOT), partial(credits.finished, wallet), misplaced.lot),
        "entries": ((credit_items.ENTRY,), credit_items.entry_from_item, misplaced.other_credits),
        "clawbacks": ((credit_items.CLAWBACK,), clawback_items.clawback_from_item, misplaced.other_credits),
        "holds": ((hold_items.OPEN_HOLD, hold_items.HOLD), hold_items.hold_from_item, misplaced.hold),
        "reversed_spends": (
            (credit_items.REVERSED_SPEND,),
            reversed_spends.from_item,
            misplaced.other_credits,
        ),
    }
    values: dict[str, list[Any]] = {kind: [] for kind in kinds}
    for item in found:
        kind = next((name for name, (prefixes, *_) in kinds.items() if item["record"]["S"].startswith(prefixes)), None)
        if kind is not None:
            _, parse, find_faults = kinds[kind]
            value = _parsed(item, parse, find_faults, faults)
            values[kind] += [] if value is None else [value]
        elif not _is_timer(item):
            faults += misplaced.other_credits(item)
    return values


def _is_timer(item: Any) -> bool:
    return bool(item["record"]["S"].startswith(credit_items.TIMER))


def _parsed(
    item: Any,
    parse: Callable[[Mapping[str, Any]], Parsed],
    find_faults: Callable[[Mapping[str, Any]], Iterator[str]],
    faults: list[str],
) -> Parsed | None:
    """The value of a record, and what is wrong with how it is stored; a record that cannot be read is a fault too."""
    try:
        faults += find_faults(item)
        return parse(item)
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        faults.append(f"{item['record']['S']} cannot be read: {type(error).__name__} {error}")
        return None


def _load_wallet(user_id: str) -> Wallet:
    page = patience.patiently(
        lambda: dict(
            client().get_item(
                TableName=config.settings().credits_table, Key=credit_items.wallet_key(user_id), ConsistentRead=True
            )
        )
    )
    return credit_items.wallet_from_item(user_id, page.get("Item"))


def _wallet_of(user_id: str, found: Sequence[Any]) -> Wallet:
    stored = next((item for item in found if item["record"]["S"] == credit_items.WALLET), None)
    return credit_items.wallet_from_item(user_id, stored)


def _range(user_id: str, first: str, last: str) -> Iterator[Any]:
    return patience.items(
        "query",
        TableName=config.settings().credits_table,
        KeyConditionExpression="user_id = :user_id AND #record BETWEEN :first AND :last",
        ExpressionAttributeNames={"#record": "record"},
        ExpressionAttributeValues=attributes.to_item({":user_id": user_id, ":first": first, ":last": last}),
        ConsistentRead=True,
    )
