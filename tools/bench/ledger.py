"""`python -m tools.bench.ledger`: measure contention on one wallet and a large expiry, over its own local stack.

This is not a test: it prints the figures of this machine. The audit at the end shows that the ledger is still correct.
"""

import argparse
import statistics
import time
import uuid
from collections.abc import Iterator, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta
from decimal import Decimal
from functools import partial
from itertools import islice
from pathlib import Path
from typing import Any

import httpx

from local import ROOT, discovery
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

OK, BUSY = 200, 503
LOG = ROOT / "logs" / "app.log"


@dataclass(frozen=True)
class Spend:
    """One spend as its caller saw it: the status of each response, and the seconds until the last."""

    statuses: Sequence[int]
    seconds: float


def main() -> None:
    parser = argparse.ArgumentParser(
        prog="python -m tools.bench.ledger", description="Measure contention and a large expiry."
    )
    parser.add_argument("--spenders", type=int, default=20)
    parser.add_argument("--bursts", type=int, default=10)
    parser.add_argument("--lots", type=int, default=10_000)
    parser.add_argument("--users", type=int, default=2_000)
    options = parser.parse_args()
    with running() as stack, target.tables(discovery.of(stack).environment):
        contend(stack, options.spenders, options.bursts)
        expire(stack, options.lots, options.users)
        print(audit(clock_of(discovery.of(stack))))


# ------------------------------------------------------------------------------------------------------ contention


def contend(stack: Stack, spenders: int, bursts: int) -> None:
    """Make many spends of one user at the same time, in several bursts."""
    user_id = "spender"
    _write(_grants(user_id, 1, spenders * bursts, stack_now(stack) + timedelta(days=30)))
    log_before = LOG.stat().st_size
    spends, seconds = [], []
    limits = httpx.Limits(max_connections=spenders)
    with (
        httpx.Client(base_url=stack.api_url, trust_env=False, timeout=30, limits=limits) as client,
        ThreadPoolExecutor(spenders) as pool,
    ):
        for _ in range(bursts):
            began = time.perf_counter()
            spends += list(pool.map(partial(_spend, client, stack.api_key, user_id), range(spenders)))
            seconds.append(time.perf_counter() - began)
    _report_contention(spends, seconds, lost_races=_lost_races(log_before))


def _spend(client: httpx.Client, api_key: str, user_id: str, _number: int) -> Spend:
    began, statuses = time.perf_counter(), []
    headers = {"x-api-key": api_key, "idempotency-key": str(uuid.uuid4())}
    body = {"user_id": user_id, "amount": 1, "description": "Measured"}
    while True:
        response = client.post("/api/users/credits/spend", json=body, headers=headers)
        statuses.append(response.status_code)
        if response.status_code != BUSY:
            return Spend(statuses, time.perf_counter() - began)
        time.sleep(float(response.headers["retry-after"]))


def _report_contention(spends: Sequence[Spend], seconds: Sequence[float], lost_races: int) -> None:
    first = sum(spend.statuses[0] == OK for spend in spends)
    succeeded = sum(spend.statuses[-1] == OK for spend in spends)
    busy = sum(spend.statuses.count(BUSY) for spend in spends)
    waits = sorted(spend.seconds for spend in spends)
    print(f"{len(spends)} spends of one user in {len(seconds)} bursts of {len(spends) // len(seconds)} at once:")
    print(f"  {first} succeeded at once, {succeeded} in the end; {busy} responses were 503")
    print(f"  {lost_races} lost races inside the function ({lost_races / len(spends):.1f} per spend)")
    print(f"  a burst takes {statistics.median(seconds):.2f} s (median), {max(seconds):.2f} s (longest)")
    print(f"  a spend takes {statistics.median(waits):.2f} s (median), {waits[-1]:.2f} s (longest)")


def _lost_races(log_before: int) -> int:
    with Path(LOG).open(encoding="utf-8") as log:
        log.seek(log_before)
        return sum('"lost a race"' in line for line in log)


# ---------------------------------------------------------------------------------------------------------- expiry


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
