"""A shop with everything that the audit knows, and each way to make it wrong: one stored record is changed or gone."""

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import timedelta
from typing import Any

from local.in_process.shop import Shop
from tests.support.builders import a_cause
from topup import store
from topup.domain.line import WaitingSpend
from topup.domain.times import to_text
from topup.store import attributes

BUYER, DEBTOR, HOLDER, RESTORED, RELEASED = "buyer", "debtor", "holder", "restored", "released"
GONE = object()


@dataclass(frozen=True)
class Violation:
    """What is wrong with the first record of this user whose key begins so: it is GONE, or attributes of it are.

    An attribute has another value, or one that is made from the stored item. `number` chooses a later record.
    """

    user: str
    record: str
    changes: Any
    number: int = 0

    def __str__(self) -> str:
        what = "gone" if self.changes is GONE else ", ".join(self.changes)
        return f"{self.user} {self.record}{self.number or ''}: {what}"


def fill(shop: Shop) -> None:
    """Buy, spend, hold, give back, refund, dispute, owe, restore, and end a quarantine."""
    restored_id, disputed = shop.buy(user=RESTORED)
    dispute = shop.simulator.dispute(disputed)
    shop.deliver()
    shop.wait(days=200)
    shop.reconcile(sweep_after_hours=0)
    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()
    assert shop.refund(restored_id, 10).status == 200
    payment_id, _ = shop.buy(user=BUYER)
    shop.grant(5, user=BUYER, expires_at=to_text(shop.now + timedelta(days=30)))
    shop.spend(5, user=BUYER)
    spent = shop.spend(100, user=BUYER)
    shop.reverse(spent.json()["transaction_id"], 40, user_id=BUYER)
    assert shop.capture(shop.hold(20, user=BUYER).json(), 7).status == 200
    shop.grant(50, user=HOLDER, expires_at=None)
    assert shop.hold(30, user=HOLDER).status == 201
    assert shop.refund(payment_id, 10).status == 200
    _, owed = shop.buy(user=DEBTOR)
    shop.spend(1100, user=DEBTOR)
    shop.simulator.refund(owed, 2500)
    shop.deliver()
    _release(shop)
    _die_in_line(shop)
    shop.check()


def _release(shop: Shop) -> None:
    payment = shop.create(user=RELEASED)
    [order] = [item for item in _items(shop, shop.dynamodb.orders_table) if _is(item, RELEASED, "ORDER")]
    shop.dynamodb.client.put_item(
        TableName=shop.dynamodb.orders_table, Item=order | attributes.to_item({"amount_minor": 9_900})
    )
    shop.pay(payment)
    shop.deliver()
    assert shop.release_payment(payment["payment_id"], "fulfil").status == 200
    shop.deliver()


def _die_in_line(shop: Shop) -> None:
    """A spend waits that nobody waits for any more, and that TTL has not deleted yet."""
    store.join_line(
        WaitingSpend(
            user_id=BUYER,
            key="waiting",
            amount=1,
            cause=a_cause(metadata={"job": "1"}),
            request_fingerprint="of a spend",
            received_at=shop.now - timedelta(minutes=1),
        )
    )


@contextmanager
def planted(shop: Shop, violation: Violation) -> Iterator[None]:
    """The violation is there inside of the block."""
    table, item = _found(shop, violation)
    keys = ("payment_id" if table == shop.dynamodb.orders_table else "user_id", "record")
    changed = item if violation.changes is GONE else _changed(item, violation.changes)
    client = shop.dynamodb.client
    client.delete_item(TableName=table, Key={name: item[name] for name in keys})
    if violation.changes is not GONE:
        client.put_item(TableName=table, Item=changed)
    try:
        yield
    finally:
        client.delete_item(TableName=table, Key={name: changed[name] for name in keys})
        client.put_item(TableName=table, Item=item)


def _changed(item: Any, changes: Any) -> Any:
    values = {name: value(item) if callable(value) else value for name, value in changes.items()}
    kept = {name: attribute for name, attribute in item.items() if name not in changes}
    return kept | attributes.to_item({name: value for name, value in values.items() if value is not GONE})


def _found(shop: Shop, violation: Violation) -> tuple[str, Any]:
    orders = _items(shop, shop.dynamodb.orders_table)
    theirs = {item["payment_id"]["S"] for item in orders if item.get("user_id", {}).get("S") == violation.user}
    for table, items in (
        (shop.dynamodb.credits_table, _items(shop, shop.dynamodb.credits_table)),
        (shop.dynamodb.orders_table, orders),
    ):
        found = [item for item in items if _is(item, violation.user, violation.record)] or [
            item
            for item in items
            if table == shop.dynamodb.orders_table
            and item["payment_id"]["S"] in theirs
            and item["record"]["S"].startswith(violation.record)
        ]
        if found:
            return table, sorted(found, key=lambda item: str(item["record"]["S"]))[violation.number]
    raise ValueError(f"Bug! there is no {violation}")


def _is(item: Any, user: str, record: str) -> bool:
    return bool(item.get("user_id", {}).get("S") == user and item["record"]["S"].startswith(record))


def _items(shop: Shop, table: str) -> list[Any]:
    found: list[Any] = shop.dynamodb.client.scan(TableName=table, ConsistentRead=True)["Items"]
    return found


def _taken_until_another_time(item: Any) -> list[dict[str, Any]]:
    [taking] = attributes.from_item(item)["takings"]
    return [taking | {"expires_at": "2031-01-01T00:00:00Z"}]


def a_release(**changes: Any) -> dict[str, Any]:
    """As an order stores it."""
    stored = {"action": "refund", "intent": "pi_other", "quarantine_reason": "amount", "credits_ordered": 1100}
    stored |= {"reason": "r", "actor": "admin:a", "released_at": "2026-11-26T00:00:00.000000Z", "is_done": True}
    return stored | changes


EVERY = [
    Violation(BUYER, "ENTRY#", {"number": 9}, 1),
    Violation(BUYER, "ENTRY#", {"balance_after": 5}, 1),
    Violation(BUYER, "ENTRY#", {"amount": 4}, 1),
    Violation(BUYER, "ENTRY#", {"transaction_type": "dispute_reversed"}, 3),
    Violation(BUYER, "ENTRY#", {"payment_id": GONE}),
    Violation(BUYER, "ENTRY#", {"moves": {"unknown": 5}}, 1),
    Violation(BUYER, "ENTRY#", {"created_at": "yesterday"}, 2),
    Violation(BUYER, "ENTRY#", {"ttl": 1_900_000_000}, 2),
    Violation(BUYER, "ENTRY#", GONE, 2),
    Violation(BUYER, "WALLET", {"balance": 5}),
    Violation(BUYER, "WALLET", {"debt": 5}),
    Violation(BUYER, "WALLET", {"debt": 5, "debts": {"captures": 5}}),
    Violation(BUYER, "WALLET", {"debt": -1}),
    Violation(BUYER, "WALLET", {"last_entry": 2}),
    Violation(BUYER, "WALLET", {"total_credits_earned": 5}),
    Violation(BUYER, "WALLET", {"debts": {"other": 1}}),
    Violation(BUYER, "WALLET", GONE),
    Violation(DEBTOR, "WALLET", {"debts": {"other": 10_000}}),
    Violation(BUYER, "LOT#", {"remaining": 5}),
    Violation(BUYER, "LOT#", {"granted": 5}),
    Violation(BUYER, "LOT#", {"expired_credits": 5}),
    Violation(BUYER, "LOT#", {"paid_minor": 5}),
    Violation(BUYER, "LOT#", {"funding": "free"}),
    Violation(BUYER, "LOT#", {"due_shard": GONE}),
    Violation(BUYER, "LOT#", {"record": "LOT#2030-01-01T00:00:00Z#elsewhere"}),
    Violation(BUYER, "LOT#", GONE),
    Violation(BUYER, "EMPTYLOT#", {"due_at": "x"}),
    *(Violation(user, "EXPIRY#", changes) for user in (RELEASED, HOLDER) for changes in (GONE, {"ttl": 1})),
    Violation(BUYER, "CLAWBACK#", {"owed": -1}),
    Violation(BUYER, "CLAWBACK#", {"takings": []}),
    Violation(BUYER, "CLAWBACK#", {"takings": _taken_until_another_time}),
    Violation(RESTORED, "CLAWBACK#", {"continued_by": []}),
    Violation(RESTORED, "CLAWBACK#", {"continued_by": [{"lot_id": "gone", "expires_at": "2027-01-01T00:00:00Z"}]}),
    Violation(RESTORED, "CLAWBACK#", {"takings": [{"lot_id": "gone", "credits": 1}]}),
    Violation(BUYER, "HOLD#", {"captured": 1}),
    Violation(BUYER, "HOLD#", {"used": -1}),
    Violation(BUYER, "HOLD#", {"is_closed": GONE}),
    Violation(BUYER, "HOLD#", {"record": "HOLD#elsewhere"}),
    Violation(HOLDER, "OPENHOLD#", {"due_at": "x"}),
    *(Violation(BUYER, "PENDING#", {"ttl": ttl}) for ttl in (GONE, 1)),
    Violation(BUYER, "GIVENBACK#", {"lapsed": 1}),
    Violation(BUYER, "GIVENBACK#", {"lots": {"other": 40}}),
    Violation(BUYER, "GIVENBACK#", {"record": "GIVENBACK#000000000001"}),
    Violation(BUYER, "GIVENBACK#", GONE),
    Violation(BUYER, "ORDER", {"status": "pending"}),
    Violation(BUYER, "ORDER", {"credits_purchased": 5}),
    Violation(BUYER, "ORDER", {"refunded_minor": 5}),
    Violation(BUYER, "ORDER", {"disputed_minor": 5}),
    Violation(BUYER, "ORDER", {"paid_minor": 1}),
    Violation(BUYER, "ORDER", {"clawed_back": 5}),
    Violation(BUYER, "ORDER", {"clawed_back": 500}),
    Violation(BUYER, "ORDER", {"waits_for": "payment:a"}),
    Violation(BUYER, "ORDER", {"paid_at": "yesterday"}),
    Violation(BUYER, "ORDER", {"user_id": "nobody"}),
    Violation(BUYER, "ORDER", GONE),
    Violation(RELEASED, "ORDER", GONE),
    Violation(BUYER, "REFUND#", {"amount_minor": 5}),
    Violation(BUYER, "REFUND#", {"user_id": "buyer"}),
    Violation(BUYER, "REFUND#", {"record": "REFUND#elsewhere"}),
    Violation(BUYER, "REFUND#", GONE),
    Violation(RESTORED, "DISPUTE#", {"net_minor": 5}),
    Violation(BUYER, "ORDER", {"releases": [a_release(is_done=False), a_release()]}),
    Violation(BUYER, "ORDER", {"releases": [a_release(is_done=False)]}),
    Violation(BUYER, "ORDER", {"releases": [a_release(action="fulfil")]}),
    Violation(BUYER, "ORDER", {"releases": lambda item: [a_release(intent=item["transaction_id"]["S"])]}),
    Violation(RELEASED, "ORDER", {"releases": [a_release(action="fulfil", credits_ordered=1)]}),
]
