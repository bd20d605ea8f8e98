"""Audit both tables. It may run beside live traffic.

A scan is no snapshot, so whatever looks wrong is read again, as of one moment, before it is reported. It holds one
user's account and one payment at a time in memory.
"""

import time
from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from contextlib import closing
from datetime import datetime

import httpx

from local.discovery import RunningStack
from ops.audit.ledgers import Ledgers
from ops.audit.report import Audit
from topup import store
from topup.domain.audit import (
    Account,
    PaymentLedger,
    StoredPayment,
    audit_account,
    audit_stored_payment,
    history_of,
    payment_ledgers,
)
from topup.domain.payments import Payment

SEGMENTS = 4  # of a table that the command reads at once
WAITS = (0.2, 0.5, 1.0)  # seconds before what looks wrong is read again; a transaction takes milliseconds

Now = Callable[[], datetime]


def audit(
    now: Now,
    progress: Callable[[Audit], None] = lambda _audit: None,
    waits: Sequence[float] = WAITS,
    *,
    each: Callable[[Payment], None] = lambda _payment: None,
    found: Audit | None = None,
    segments: int = 1,
) -> Audit:
    """Audit the tables that the environment names; `now` is called again whenever something is read again.

    `each` gets every payment as it comes up. `found` is filled on the way, for a caller who wants to keep what was
    found before a failure. So many segments of a table are read at once.
    """
    found = Audit() if found is None else found
    again = _Again(found, now, waits)
    with closing(Ledgers()) as ledgers:
        _accounts(found, store.all_accounts(segments), now(), ledgers, again, progress)
        for stored in store.all_payments(segments):
            found.payments += 1
            recorded = ledgers.take(stored.payment_id)
            if wrong(stored.payment_id, stored, recorded):
                again.payment(stored.payment_id, recorded)
            if stored.payment:
                each(stored.payment)
            progress(found)
        for payment_id, users in ledgers.left():  # created while the orders were read, or missing from the table
            again.payment(payment_id, users)
    return found


def _accounts(
    found: Audit,
    accounts: Iterable[Account],
    started: datetime,
    ledgers: Ledgers,
    again: "_Again",
    progress: Callable[[Audit], None],
) -> None:
    for account in accounts:
        history = history_of(account)
        found.users += 1
        found.entries += history.count
        found.lots += len(account.lots)
        if audit_account(account, started, history):
            again.account(account.user_id)
        for payment_id, ledger in payment_ledgers(account, started, history).items():
            ledgers.add(payment_id, account.user_id, ledger)
        progress(found)


class _Again:
    """Reads what looks wrong again, alone and as of one moment, and reports what is wrong still."""

    def __init__(self, found: Audit, now: Now, waits: Sequence[float]) -> None:
        self._found = found
        self._now = now
        self._waits = waits

    def account(self, user_id: str) -> None:
        self._report(f"user {user_id}", lambda: self._account(user_id))

    def payment(self, payment_id: str, users: Collection[str]) -> None:
        """`users` are those whose ledgers had entries of it."""
        self._report(f"payment {payment_id}", lambda: self._payment(payment_id, users))

    def _report(self, name: str, judge: Callable[[], list[str] | None]) -> None:
        judged: list[str] | None = None
        for wait in self._waits:
            time.sleep(wait)
            findings = judge()
            if findings == []:
                return
            judged = judged if findings is None else findings
        if judged is None:
            self._found.busy.append(name)
        else:
            self._found.findings += judged

    def _account(self, user_id: str) -> list[str] | None:
        """What is wrong with it; None where it did not hold still."""
        account = store.load_account(user_id)
        return audit_account(account, self._now()) if account else None

    def _payment(self, payment_id: str, users: Collection[str]) -> list[str] | None:
        stored = store.load_stored_payment(payment_id)
        owner = {stored.payment.order.user_id} if stored and stored.payment else set()
        recorded = {}
        for user_id in sorted({*users, *owner}):
            account = store.load_account(user_id)
            if account is None:
                return None
            if ledger := payment_ledgers(account, self._now()).get(payment_id):
                recorded[user_id] = ledger
        if store.load_stored_payment(payment_id) != stored:
            return None  # it changed while the accounts were read
        return wrong(payment_id, stored, recorded)


def wrong(payment_id: str, stored: StoredPayment | None, recorded: Mapping[str, PaymentLedger]) -> list[str]:
    """Everything that is wrong with a payment, given what each user's ledger records about it."""
    if stored is None:
        text = f"payment {payment_id}: user {{}} has entries of it, but there is no such payment"
        return [text.format(user_id) for user_id in recorded]
    owner = stored.payment.order.user_id if stored.payment else None
    others = [
        f"payment {payment_id}: user {user_id} has entries of it, it is user {owner}'s"
        for user_id in recorded
        if owner and user_id != owner
    ]
    return others + audit_stored_payment(stored, recorded.get(owner or "", PaymentLedger()))


def clock_of(running: RunningStack) -> Now:
    """The local stack's clock, read anew for each call because it may have been moved."""

    def now() -> datetime:
        response = httpx.get(f"{running.api}/_local/clock", trust_env=False).raise_for_status()
        return datetime.fromisoformat(response.json()["now"])

    return now
