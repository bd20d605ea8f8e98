"""Write an export of any size: the histories of a few users of a real shop, copied under other names.

Each copy is right in all that the audit checks. One user more has a tenth of all entries.
"""

import re
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from local.in_process.dynamodb import Emulator
from local.in_process.shop import Shop
from ops.export import files
from tools.generate.shop import opened
from topup.store import credit_items

SPENDS = {"small": 12, "middle": 60, "large": 300}
LONG = "long"
ROUND = ["small"] * 6 + ["middle"] * 3 + ["large"]
UUID = re.compile(rb"([0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-)[0-9a-f]{12}")
NAME = b"\x00"  # where a copy's name goes; no JSON contains it


@dataclass(frozen=True)
class History:
    """The lines of one user's records in both tables, with places for a name."""

    entries: int
    credits: bytes
    orders: bytes


@dataclass(frozen=True)
class Plan:
    """Whose histories are written: so many rounds of copies, and one user with so many spends."""

    round: Sequence[History]
    rounds: int
    long: Sequence[Any]  # the items of the one user, after one spend
    spends: int

    @property
    def entries(self) -> int:
        return self.rounds * sum(history.entries for history in self.round) + self.spends + 1

    def credits(self) -> Iterator[bytes]:
        for number in range(self.rounds):
            for place, history in enumerate(self.round):
                yield from history.credits.replace(NAME, _name(number, place)).splitlines(keepends=True)
        yield from _long_history(self.long, self.spends)

    def orders(self) -> Iterator[bytes]:
        for number in range(self.rounds):
            for place, history in enumerate(self.round):
                yield from history.orders.replace(NAME, _name(number, place)).splitlines(keepends=True)


def write(directory: Path, entries: int) -> int:
    """Write an export with about so many ledger entries; returns how many."""
    emulator = Emulator()
    with opened(emulator) as (shop, _log):
        histories = {user: _history(shop, user) for user in SPENDS}
        shop.grant(10 * entries, user=LONG, expires_at=None)
        shop.spend(1, user=LONG)
        long = [item for item in _items(shop, shop.dynamodb.credits_table) if item["user_id"]["S"] == LONG]
        taken_at = shop.now
    each = [histories[user] for user in ROUND]
    spends = entries // 10
    rounds = (entries - spends) // sum(history.entries for history in each) + 1
    plan = Plan(each, rounds, long, spends)
    files.write_lines(directory / "credits", plan.credits(), taken_at, lambda _written: None)
    files.write_lines(directory / "orders", plan.orders(), taken_at, lambda _written: None)
    return plan.entries


def items_in(directory: Path) -> int:
    """All records of an export."""
    export = files.read(directory)
    return export.credits.items + export.orders.items


def _history(shop: Shop, user: str) -> History:
    """Buy, spend, hold, refund, dispute and give back, as a user may."""
    payment_id, _ = shop.buy(user=user)
    _, disputed = shop.buy(user=user)
    shop.grant(50, user=user, campaign="welcome")
    for number in range(SPENDS[user]):
        spent = shop.spend(1 + number % 3, user=user, metadata={"model": "large", "call": str(number)})
    shop.reverse(spent.json()["transaction_id"], 1, user_id=user)
    held = shop.hold(20, user=user).json()
    shop.capture(held, 7)
    shop.refund(payment_id, 10)
    dispute = shop.simulator.dispute(disputed)
    shop.deliver()
    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()
    shop.create(user=user)
    credits = [item for item in _items(shop, shop.dynamodb.credits_table) if item["user_id"]["S"] == user]
    known = {item["payment_id"]["S"] for item in credits if "payment_id" in item}
    orders = [
        item
        for item in _items(shop, shop.dynamodb.orders_table)
        if item["payment_id"]["S"] in known or item.get("user_id", {}).get("S") == user
    ]
    entries = sum(item["record"]["S"].startswith(credit_items.ENTRY) for item in credits)
    return History(entries, _template(credits, user), _template(orders, user))


def _items(shop: Shop, table: str) -> list[Any]:
    found: list[Any] = shop.dynamodb.client.scan(TableName=table, ConsistentRead=True)["Items"]
    return found


def _template(items: Sequence[Any], user: str) -> bytes:
    text = b"".join(map(files.line_of, items))
    text = UUID.sub(rb"\g<1>" + NAME, text)
    return text.replace(f'"{user}"'.encode(), f'"{user}-'.encode() + NAME + b'"')


def _name(number: int, place: int) -> bytes:
    return f"{number:010x}{place:02x}".encode()


def _long_history(items: Sequence[Any], spends: int) -> Iterator[bytes]:
    """The user's records after so many spends of one credit."""
    for item in items:
        record = item["record"]["S"]
        changes: dict[str, Any] = {}
        if record == credit_items.WALLET:
            granted = int(item["balance"]["N"]) + 1
            changes = _numbers(balance=granted - spends, last_entry=spends + 1, version=spends + 1)
        elif record.startswith(credit_items.LOT):
            changes = _numbers(remaining=int(item["granted"]["N"]) - spends)
        elif record == credit_items.entry_record(2):
            first = item
            continue
        yield files.line_of(item | changes)
    line = files.line_of(first | {"record": {"S": "\x01"}} | {"number": {"N": "\x02"}, "balance_after": {"N": "\x03"}})
    for number in range(1, spends + 1):
        yield (
            line.replace(b"\\u0001", credit_items.entry_record(number + 1).encode())
            .replace(b"\\u0002", str(number + 1).encode())
            .replace(b"\\u0003", str(granted - number).encode())
        )


def _numbers(**values: int) -> dict[str, Any]:
    return {name: {"N": str(value)} for name, value in values.items()}
