"""A shadow of the tables: each user's account and each payment, parsed, after every commit.

Each commit is checked as it happens: by production's audit of the user and the payment that it changed, and by rules
about the change itself, which a single state cannot show.
"""

import re
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from tests.simulation.database import Database
from tests.simulation.invocations import Invocations
from tests.simulation.scheduler import Scheduler
from topup.domain import audit
from topup.domain.audit import Account, PaymentLedger
from topup.domain.credits import Entry, Lot, TransactionType, Wallet
from topup.domain.orders import RANK, Order
from topup.domain.payments import Payment
from topup.domain.reversals import Reversal, ReversalStatus
from topup.store import credit_items, order_items

TOO_MUCH = re.compile(r": refunded \d+ of \d+$")
CLAWS = (TransactionType.REFUNDED, TransactionType.DISPUTED)


class Violation(BaseException):
    """Something that must always hold does not: the run ends here. Not an Exception, so no handler can catch it."""


@dataclass
class Versions:
    """One user's account, or one payment, after each commit that changed it."""

    numbers: list[int] = field(default_factory=list)
    states: list[Any] = field(default_factory=list)

    def add(self, number: int, state: Any) -> None:
        self.numbers.append(number)
        self.states.append(state)

    @property
    def last(self) -> Any:
        return self.states[-1] if self.states else None

    def between(self, first: int, last: int) -> Iterator[Any]:
        """Every state from commit `first` to commit `last`; None if it did not exist yet."""
        before = None
        for number, state in zip(self.numbers, self.states, strict=True):
            if number <= first:
                before = state
            elif number <= last:
                yield before
                before = state
        yield before


class Shadow:
    """The parsed tables, and their history by commit."""

    def __init__(self, database: Database, scheduler: Scheduler, invocations: Invocations) -> None:
        self._database, self._scheduler, self._invocations = database, scheduler, invocations
        self._parsed: dict[int, tuple[Any, Any]] = {}  # by identity; the item is kept so that its id is not reused
        self.commit = 0
        self.accounts: dict[str, Versions] = {}
        self.payments: dict[str, Versions] = {}
        self.latest = scheduler.now  # the latest time that an invocation has used as now: clocks differ a little
        self.hit: Callable[[str], None] = lambda _name: None

    def written(self, touched: set[tuple[str, str]]) -> None:
        """Check a commit; raises Violation."""
        self.commit += 1
        for table, partition in sorted(touched):
            if table == self._database.credits:
                self._account(partition)
            else:
                self._payment(partition)
        for table, partition in sorted(touched):
            self._audit(table, partition)

    def account(self, user_id: str) -> Account | None:
        versions = self.accounts.get(user_id)
        return versions.last if versions else None

    def payment(self, payment_id: str) -> Payment | None:
        versions = self.payments.get(payment_id)
        return versions.last if versions else None

    # ------------------------------------------------------------------------------------------------- parsing

    def _account(self, user_id: str) -> None:
        account = Account(user_id, Wallet(user_id=user_id))
        for record, item in self._database.items(self._database.credits).get(user_id, {}).items():
            if record == credit_items.WALLET:
                account.wallet = self._parse(item, lambda found: credit_items.wallet_from_item(user_id, found))
            elif record.startswith(credit_items.LOT):
                account.lots.append(self._parse(item, credit_items.lot_from_item))
            elif record.startswith(credit_items.ENTRY):
                account.entries.append(self._parse(item, credit_items.entry_from_item))
            elif record.startswith(credit_items.TIMER):
                account.timed_lots.add(record.removeprefix(credit_items.TIMER))
        account.entries.sort(key=lambda entry: entry.number)
        versions = self.accounts.setdefault(user_id, Versions())
        before = versions.last
        versions.add(self.commit, account)
        for entry in account.entries[len(before.entries) if before else 0 :]:
            self._check_entry(before or Account(user_id, Wallet(user_id=user_id)), entry, account)

    def _payment(self, payment_id: str) -> None:
        order: Order | None = None
        reversals: list[Reversal] = []
        for record, item in sorted(self._database.items(self._database.orders).get(payment_id, {}).items()):
            if record == order_items.ORDER:
                order = self._parse(item, order_items.order_from_item)
            else:
                reversals.append(self._parse(item, order_items.reversal_from_item))
        if order is None:
            raise Violation(f"payment {payment_id}: a record without its order")
        versions = self.payments.setdefault(payment_id, Versions())
        before = versions.last
        versions.add(self.commit, Payment(order, sorted(reversals, key=lambda one: one.created_at)))
        _check_bounds(order)
        if before is not None:
            _check_forward(before.order, order)
            if len(_in_flight(before)) > len(_in_flight(versions.last)):
                self._by("reconcile", "reconcile finishes a refund in flight")

    def _parse(self, item: Any, parse: Any) -> Any:
        known = self._parsed.get(id(item))
        if known is None:
            known = self._parsed[id(item)] = (item, parse(item))
        return known[1]

    # ------------------------------------------------------------------------------------------------- checking

    def _audit(self, table: str, partition: str) -> None:
        now = max(self._scheduler.now, self.latest)
        if table == self._database.credits:
            findings = audit.audit_account(self.accounts[partition].last, now)
        else:
            payment: Payment = self.payments[partition].last
            account = self.account(payment.order.user_id)
            ledgers = audit.payment_ledgers(account, now) if account else {}
            findings = audit.audit_payment(payment, ledgers.get(partition, PaymentLedger()))
            # If one refund fails and another replaces it, the updates may arrive in the other order. The end will show.
            if findings and all(TOO_MUCH.search(finding) for finding in findings):
                self.hit("a refund is reported before another's failure")
                return
        if findings:
            raise Violation("; ".join(findings))

    def _check_entry(self, before: Account, entry: Entry, after: Account) -> None:
        lots = {lot.lot_id: lot for lot in before.lots}
        if entry.transaction_type is TransactionType.SPENT:
            _check_draw_order(entry, open_lots(before, entry.created_at))
        elif entry.transaction_type is TransactionType.EXPIRED:
            self._by("reconcile", "the sweep expires a lot that the stream has lost")
            if any(lots[lot_id].expires_at > entry.created_at for lot_id in entry.moves):
                raise Violation(f"{_name(entry)}: a lot expired too early")
        elif entry.transaction_type in CLAWS:
            self._claw_back(entry, lots, after)
        elif entry.transaction_type is TransactionType.PURCHASED:
            if entry.debt_change < 0:
                self.hit("a purchase pays debt")
        elif any(lots[lot_id].expires_at <= entry.created_at for lot_id in entry.moves):
            self.hit("credits come back to a lot that has expired")

    def _by(self, function: str, name: str) -> None:
        """Note the event if this function has just written."""
        invocation = self._invocations.current
        if invocation is not None and invocation.function == function:
            self.hit(name)

    def _claw_back(self, entry: Entry, lots: dict[str, Lot], after: Account) -> None:
        own = lots.get(entry.payment_id or "")
        others = [lot_id for lot_id in entry.moves if lot_id != entry.payment_id]
        left_open = open_lots(after, entry.created_at)
        if others and own is not None and any(lot.lot_id == own.lot_id for lot in left_open):
            raise Violation(f"{_name(entry)}: other lots were taken from while the payment's own had some left")
        if entry.debt_change > 0 and left_open:
            raise Violation(f"{_name(entry)}: debt was made while {left_open[0].lot_id} had some left")
        if any(lots[lot_id].expires_at <= entry.created_at for lot_id in entry.moves):
            raise Violation(f"{_name(entry)}: credits were clawed back from a lot that had expired")
        if others:
            self.hit("a claw-back takes from other lots")
        invocation = self._invocations.current
        is_api = invocation is not None and invocation.function == "refund_payment"
        if entry.debt_change > 0 and is_api and invocation and not invocation.about["force"]:
            raise Violation(f"{_name(entry)}: a refund without force made debt")


def _check_bounds(order: Order) -> None:
    """Refunds and disputes of the same money take its credits once: at most their share, rounded down."""
    reversed_minor = min(order.amount_minor, order.refunded_minor + order.disputed_minor)
    most = order.credits_purchased * reversed_minor // order.amount_minor
    if not 0 <= order.clawed_back <= most:
        raise Violation(
            f"payment {order.payment_id}: {order.clawed_back} credits were clawed back, at most {most} are due"
        )


def _in_flight(payment: Payment) -> list[Reversal]:
    return [one for one in payment.reversals if one.status is ReversalStatus.IN_FLIGHT]


def open_lots(account: Account, now: datetime) -> list[Lot]:
    """The lots that may be spent, in order; computed here again, to find a mistake in the product's code."""
    found = [lot for lot in account.lots if lot.remaining > 0 and lot.expires_at > now]
    return sorted(found, key=lambda lot: (lot.expires_at, lot.lot_id))


def _check_forward(before: Order, after: Order) -> None:
    """A status never goes back, except for a new attempt at the checkout."""
    if RANK[after.status] < RANK[before.status] and after.attempt == before.attempt:
        raise Violation(f"payment {after.payment_id} went back from {before.status} to {after.status}")
    frozen = ("user_id", "amount_minor", "currency", "credits_purchased", "package_id", "created_at", "livemode")
    for name in frozen:
        if getattr(before, name) != getattr(after, name):
            raise Violation(f"payment {after.payment_id}: {name} changed after creation")
    if before.provider_order_id not in (None, after.provider_order_id):
        raise Violation(f"payment {after.payment_id} got another Checkout Session")


def _check_draw_order(entry: Entry, spendable: list[Lot]) -> None:
    """A spend empties each lot before it draws on the next, and draws on no expired one."""
    missing = -entry.amount
    for lot in spendable:
        taken = min(lot.remaining, missing)
        if -entry.moves.get(lot.lot_id, 0) != taken:
            raise Violation(f"{_name(entry)}: took {-entry.moves.get(lot.lot_id, 0)} of lot {lot.lot_id}, not {taken}")
        missing -= taken
    if missing:
        raise Violation(f"{_name(entry)}: {missing} credits came from lots that were not open at {entry.created_at}")


def _name(entry: Entry) -> str:
    return f"user {entry.user_id}, entry {entry.number} ({entry.transaction_type})"
