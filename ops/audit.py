"""`audit`: read both tables and check everything that must always hold.

It may run beside live traffic. A scan is no snapshot, so whatever looks wrong is read again before it is reported. It
holds one user's account at a time, and a few numbers for each payment.
"""

import sys
import time
from argparse import Namespace
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import TextIO

import httpx

from local.discovery import RunningStack
from ops import target
from topup import store
from topup.domain.audit import PaymentLedger, audit_account, audit_payment, payment_ledgers
from topup.domain.payments import Payment

WAITS = (0.2, 0.5, 1.0)  # seconds before what looks wrong is read again; a transaction takes milliseconds
PROGRESS_EVERY = 1.0  # seconds

Now = Callable[[], datetime]


@dataclass
class Audit:
    """How much was read, and every violation that was found, one sentence each."""

    users: int = 0
    entries: int = 0
    lots: int = 0
    payments: int = 0
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counted = f"{self.users} users, {self.entries} entries, {self.lots} lots, {self.payments} payments"
        return f"{counted}: {len(self.findings) or 'no'} violation{'' if len(self.findings) == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class _Recorded:
    """What one user's ledger records about one payment."""

    user_id: str
    ledger: PaymentLedger


def run(options: Namespace) -> int:
    with target.explained(f"stack {options.stack}" if options.stack else "the local stack"):
        if options.stack:
            environment, now = target.deployed_tables(options.stack), lambda: datetime.now(UTC)
        else:
            running = target.local_stack(options.root)
            environment, now = dict(running.environment), clock_of(running)
        with target.tables(environment):
            result = audit(now, Progress(sys.stderr))
    if options.stack:
        target.report_violations(options.stack, len(result.findings))
    for finding in result.findings:
        print(finding)
    print(result)
    return 1 if result.findings else 0


def audit(now: Now, progress: Callable[[Audit], None] = lambda _audit: None, waits: Sequence[float] = WAITS) -> Audit:
    """Audit the tables that the environment names; `now` is called again whenever something is read again."""
    found = Audit()
    by_payment = _accounts(found, now, progress, waits)
    for payment in store.all_payments():
        found.payments += 1
        recorded = by_payment.pop(payment.order.payment_id, None)
        if _payment(payment, recorded):
            found.findings += _payment_again(payment.order.payment_id, recorded, now, waits)
        progress(found)
    for payment_id, recorded in by_payment.items():  # created while the orders were read, or missing from the table
        found.findings += _payment_again(payment_id, recorded, now, waits)
    return found


def _accounts(
    found: Audit, now: Now, progress: Callable[[Audit], None], waits: Sequence[float]
) -> dict[str, _Recorded]:
    by_payment = {}
    started = now()
    for account in store.all_accounts():
        found.users += 1
        found.entries += len(account.entries)
        found.lots += len(account.lots)
        if audit_account(account, started):
            found.findings += _account_again(account.user_id, now, waits)
        for payment_id, ledger in payment_ledgers(account, started).items():
            by_payment[payment_id] = _Recorded(account.user_id, ledger)
        progress(found)
    return by_payment


def _account_again(user_id: str, now: Now, waits: Sequence[float]) -> list[str]:
    """What is still wrong with an account when it is read again, alone."""
    findings: list[str] = []
    for wait in waits:
        time.sleep(wait)
        read_at = now()
        findings = audit_account(store.load_account(user_id), read_at)
        if not findings:
            break
    return findings


def _payment_again(payment_id: str, recorded: _Recorded | None, now: Now, waits: Sequence[float]) -> list[str]:
    findings: list[str] = []
    for wait in waits:
        time.sleep(wait)
        payment = store.load_payment(payment_id)
        user_id = payment.order.user_id if payment else recorded.user_id if recorded else ""
        ledger = payment_ledgers(store.load_account(user_id), now()).get(payment_id)
        if payment is None:
            findings = [f"payment {payment_id}: user {user_id} has entries of it, but there is no such payment"]
        else:
            findings = _payment(payment, _Recorded(user_id, ledger) if ledger else None)
        if not findings:
            break
    return findings


def _payment(payment: Payment, recorded: _Recorded | None) -> list[str]:
    order = payment.order
    if recorded and recorded.user_id != order.user_id:
        return [f"payment {order.payment_id}: user {recorded.user_id} has entries of it, it is user {order.user_id}'s"]
    return audit_payment(payment, recorded.ledger if recorded else PaymentLedger())


class Progress:
    """Prints a line about every second."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next = time.monotonic() + PROGRESS_EVERY

    def __call__(self, audit: Audit) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PROGRESS_EVERY
            print(f"… {audit}", file=self._stream, flush=True)


def clock_of(running: RunningStack) -> Now:
    """The local stack's clock, read anew for each call because it may have been moved."""

    def now() -> datetime:
        response = httpx.get(f"{running.api}/_local/clock", trust_env=False).raise_for_status()
        return datetime.fromisoformat(response.json()["now"])

    return now
