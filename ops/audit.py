"""`make audit`: reads both tables and checks everything that must always hold. Exit 1 on a violation.

It may run beside live traffic: what looks wrong is read again before it is believed, since a scan is no snapshot. No
more than one user's account is held at a time, and a few numbers for each payment.
"""

import argparse
import sys
import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO

import httpx
from botocore.exceptions import BotoCoreError, ClientError

from local import ROOT
from local.discovery import RunningStack
from ops import target
from ops.target import TargetError
from topup import store
from topup.domain.audit import PaymentLedger, audit_account, audit_payment, payment_ledgers
from topup.domain.payments import Payment

WAITS = (0.2, 0.5, 1.0)  # seconds before what looks wrong is read again; a transaction takes milliseconds
PROGRESS_EVERY = 1.0  # seconds

Now = Callable[[], datetime]


@dataclass
class Audit:
    """What was looked at, and everything that is wrong with it, a sentence each."""

    users: int = 0
    entries: int = 0
    lots: int = 0
    payments: int = 0
    findings: list[str] = field(default_factory=list)

    def __str__(self) -> str:
        counted = f"{self.users} users, {self.entries} entries, {self.lots} lots, {self.payments} payments"
        return f"{counted}: {len(self.findings) or 'no'} violation{'' if len(self.findings) == 1 else 's'}"


@dataclass(frozen=True, slots=True)
class _Told:
    """What a user's account says of one payment."""

    user_id: str
    ledger: PaymentLedger


def audit(now: Now, progress: Callable[[Audit], None] = lambda _audit: None, waits: Sequence[float] = WAITS) -> Audit:
    """Audit the tables that the environment names; `now` is asked again whenever something is read again."""
    found = Audit()
    told = _accounts(found, now, progress, waits)
    for payment in store.all_payments():
        found.payments += 1
        said = told.pop(payment.order.payment_id, None)
        if _payment(payment, said):
            found.findings += _payment_again(payment.order.payment_id, said, now, waits)
        progress(found)
    for payment_id, said in told.items():  # a payment that was placed while the orders were read, or none at all
        found.findings += _payment_again(payment_id, said, now, waits)
    return found


def _accounts(found: Audit, now: Now, progress: Callable[[Audit], None], waits: Sequence[float]) -> dict[str, _Told]:
    told = {}
    began = now()
    for account in store.all_accounts():
        found.users += 1
        found.entries += len(account.entries)
        found.lots += len(account.lots)
        if audit_account(account, began):
            found.findings += _account_again(account.user_id, now, waits)
        for payment_id, ledger in payment_ledgers(account, began).items():
            told[payment_id] = _Told(account.user_id, ledger)
        progress(found)
    return told


def _account_again(user_id: str, now: Now, waits: Sequence[float]) -> list[str]:
    """What is still wrong with an account when nothing can have come between the reads."""
    findings: list[str] = []
    for wait in waits:
        time.sleep(wait)
        moment = now()
        findings = audit_account(store.load_account(user_id), moment)
        if not findings:
            break
    return findings


def _payment_again(payment_id: str, said: _Told | None, now: Now, waits: Sequence[float]) -> list[str]:
    findings: list[str] = []
    for wait in waits:
        time.sleep(wait)
        payment = store.load_payment(payment_id)
        user_id = payment.order.user_id if payment else said.user_id if said else ""
        ledger = payment_ledgers(store.load_account(user_id), now()).get(payment_id)
        if payment is None:
            findings = [f"payment {payment_id}: user {user_id} has entries of it, but there is no such payment"]
        else:
            findings = _payment(payment, _Told(user_id, ledger) if ledger else None)
        if not findings:
            break
    return findings


def _payment(payment: Payment, said: _Told | None) -> list[str]:
    order = payment.order
    if said and said.user_id != order.user_id:
        return [f"payment {order.payment_id}: user {said.user_id} has entries of it, it is user {order.user_id}'s"]
    return audit_payment(payment, said.ledger if said else PaymentLedger())


# ---------------------------------------------------------------------------------------------------- the command


class Progress:
    """A line about every second, for whoever waits."""

    def __init__(self, stream: TextIO) -> None:
        self._stream = stream
        self._next = time.monotonic() + PROGRESS_EVERY

    def __call__(self, audit: Audit) -> None:
        if time.monotonic() >= self._next:
            self._next = time.monotonic() + PROGRESS_EVERY
            print(f"… {audit}", file=self._stream, flush=True)


def clock_of(running: RunningStack) -> Now:
    """The local stack's time, which may have been moved: asked anew each time."""

    def now() -> datetime:
        answer = httpx.get(f"{running.api}/_local/clock", trust_env=False).raise_for_status()
        return datetime.fromisoformat(answer.json()["now"])

    return now


def main(arguments: list[str], root: Path = ROOT) -> int:
    parser = argparse.ArgumentParser(prog="make audit", description="Checks every invariant over both tables.")
    parser.add_argument("--stack", help="a deployed stack's name, instead of the local stack that runs")
    stack = parser.parse_args(arguments).stack
    try:
        if stack:
            environment, now = target.deployed_tables(stack), lambda: datetime.now(UTC)
        else:
            running = target.local_stack(root)
            environment, now = dict(running.environment), clock_of(running)
        with target.tables(environment):
            result = audit(now, Progress(sys.stderr))
        if stack:
            target.report_violations(stack, len(result.findings))
    except (TargetError, BotoCoreError, ClientError, httpx.HTTPError) as error:
        print(f"cannot audit: {error}", file=sys.stderr)
        return 2
    for finding in result.findings:
        print(finding)
    print(result)
    return 1 if result.findings else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
