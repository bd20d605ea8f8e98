"""`python -m tools.bench.expiry`: measure a large expiry, over its own local stack.

This is not a test: it prints the figures of this machine. The audit at the end shows that the ledger is still correct.
"""

import argparse
import time
from collections.abc import Iterator
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import islice
from typing import Any

import httpx

from local import discovery
from local.launcher import Stack, running
from ops import target
from ops.audit import audit, clock_of
from topup.domain import credits, idempotency, order_updates, placing
from topup.domain.catalogue import Package
from topup.domain.credits import STRIPE, Cause, CreditChange, TransactionType, Wallet
from topup.domain.orders import Order, Status
from topup.runtime import config
from topup.store import attributes, credit_items, order_items
from topup.store import client as dynamodb


def main() -> None:
    parser = argparse.ArgumentParser(prog="python -m tools.bench.expiry", description="Measure a large expiry.")
    parser.add_argument("--lots", type=int, default=10_000)
    parser.add_argument("--users", type=int, default=2_000)
    options = parser.parse_args()
    with running() as stack, target.tables(discovery.of(stack).environment):
        expire(stack, options.lots, options.users)
        print(audit(clock_of(discovery.of(stack))))


def expire(stack: Stack, lots: int, users: int) -> None:
    """Let many lots expire at once: they all end within an hour, and the clock jumps past it."""
    expires_at = stack_now(stack) + timedelta(hours=1)
    for number in range(users):
        share = lots // users + (number < lots % users)
        _write(_grants(f"user-{number}", share, 100, expires_at))
    with httpx.Client(base_url=f"{stack.api_url}/_local", trust_env=False, timeout=60) as local:
        before = local.get("/reaper").json()["delivered"]
        began = time.perf_counter()
        local.post("/clock", json={"advance_seconds": 7_200}).raise_for_status()
        while (state := local.get("/reaper").json())["delivered"] - before < lots:
            time.sleep(0.2)
        seconds = time.perf_counter() - began
    print(f"{lots} lots of {users} users expired:")
    print(f"  {seconds:.1f} s, {lots / seconds:.0f} events per second; {state['given_up']} given up")


def stack_now(stack: Stack) -> datetime:
    return clock_of(discovery.of(stack))()


def _grants(user_id: str, lots: int, amount: int, expires_at: datetime) -> Iterator[Any]:
    """Every item of a user who has bought this many lots, as (table, item)."""
    settings = config.settings()
    wallet = Wallet(user_id=user_id)
    for number in range(lots):
        order, change = _bought(wallet, number, amount, expires_at)
        wallet = change.wallet
        assert change.new_lot, "Bug! a grant creates a lot"
        yield (
            settings.orders_table,
            order_items.order_key(order.payment_id) | attributes.to_item(order_items.order_fields(order)),
        )
        yield settings.credits_table, credit_items.lot_to_item(change.new_lot)
        yield settings.credits_table, credit_items.timer_item(change.new_lot)
        yield settings.credits_table, credit_items.entry_to_item(change.entry)
    yield settings.credits_table, credit_items.wallet_to_item(wallet)


def _bought(wallet: Wallet, number: int, amount: int, expires_at: datetime) -> tuple[Order, CreditChange]:
    now = datetime.now(UTC)
    placed = placing.place(
        Package(
            id="measured",
            name="Measured",
            credits=amount,
            price_minor=100 * amount,
            currency="CNY",
            unit_price=Decimal(1),
        ),
        payment_id=idempotency.id_from_key(wallet.user_id, str(number)),
        user_id=wallet.user_id,
        return_url="https://unused.invalid",
        request_fingerprint="measured",
        livemode=False,
        now=now,
    )
    order = replace(placed, status=Status.SUCCEEDED, paid_at=now, credits_expire_at=expires_at)
    lot = replace(order_updates.new_lot(order, now, 1), expires_at=expires_at)
    cause = Cause(
        transaction_type=TransactionType.PURCHASED,
        actor=STRIPE,
        description="Measured",
        payment_id=order.payment_id,
        money_minor=order.amount_minor,
        currency=order.currency,
    )
    return order, credits.grant(wallet, lot, cause, now)


def _write(items: Iterator[Any]) -> None:
    while batch := list(islice(items, 25)):  # DynamoDB's limit
        requests: dict[str, list[Any]] = {}
        for table, item in batch:
            requests.setdefault(table, []).append({"PutRequest": {"Item": item}})
        dynamodb.client().batch_write_item(RequestItems=requests)


if __name__ == "__main__":
    main()
