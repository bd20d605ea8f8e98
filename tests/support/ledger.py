"""A user's ledger in memory: it applies each decision of the domain as the store would write it."""

from dataclasses import dataclass, field, replace
from datetime import datetime
from typing import Any

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import PAYMENT_ID, a_cause, a_lot, a_payment, a_wallet, an_order
from topup.domain import audit, credits, expiries, order_updates, payments
from topup.domain.credits import Cause, CreditChange, TransactionType, UserCredits
from topup.domain.lots import Funding, Lot, Source
from topup.domain.orders import Order, Settlement
from topup.domain.payments import Payment, SettledPayment
from topup.domain.reversals import Reversal
from topup.domain.takings import Clawback
from topup.domain.times import months_later


@dataclass
class InMemoryLedger:
    """The user's account, their orders by id, and each order's reversals by id."""

    account: audit.Account = field(default_factory=lambda: audit.Account(USER_ID, a_wallet()))
    orders: dict[str, Order] = field(default_factory=dict)
    reversals: dict[str, dict[str, Reversal]] = field(default_factory=dict)

    @classmethod
    def with_a_purchase(cls) -> "InMemoryLedger":
        """The ledger after the payment of `builders.an_order`."""
        ledger, order = cls(), an_order()
        ledger.buy(PAYMENT_ID, order.credits_purchased, order.amount_minor, NOW)
        return ledger

    def lot(self, lot_id: str) -> Lot:
        """The lot of that id; an order's lot has the order's."""
        return next(lot for lot in self.account.lots if lot.lot_id == lot_id)

    def user(self) -> UserCredits:
        """The user's credits as a read gives them."""
        return UserCredits(wallet=self.account.wallet, lots=self.account.lots, holds=self.account.holds)

    def settled_payment(self, order_id: str, now: datetime) -> SettledPayment:
        out = self.account.clawbacks.get(order_id, Clawback(payment_id=order_id))
        return SettledPayment(
            order=self.orders[order_id],
            reversals=list(self.reversals[order_id].values()),
            wallet=self.account.wallet,
            lots=[lot for lot in self.account.lots if not lot.is_expired(now)],
            own_lots=[self.lot(order_id), *map(self.lot, out.continued_by)],
            out=out,
            taken_lots=self.account.lots,
            holds=self.account.holds,
        )

    def buy(
        self,
        order_id: str,
        granted: int,
        amount_minor: int,
        now: datetime,
        months: int = 6,
        tax_minor: int = 0,
        **order: Any,
    ) -> None:
        """Place an order and pay it, with the tax on top of its price; `order` are more of its fields."""
        placed = an_order(
            payment_id=order_id,
            credits_purchased=granted,
            amount_minor=amount_minor,
            created_at=now,
            provider_order_id=f"cs_{order_id}",
            **order,
        )
        self.orders[order_id], self.reversals[order_id] = placed, {}
        assert self.report_paid(order_id, now, months, tax_minor)

    def report_paid(self, order_id: str, now: datetime, months: int = 6, tax_minor: int = 0) -> bool:
        """Apply the update that the order was paid; True if it changed anything."""
        order = self.orders[order_id]
        paid = a_payment(
            payment_id=order_id,
            session_id=f"cs_{order_id}",
            transaction_id=f"pi_{order_id}",
            amount_minor=order.amount_minor + tax_minor,
            subtotal_minor=order.amount_minor if tax_minor else None,
            tax_minor=tax_minor,
            currency=order.currency,
            reference=order_id,
        )
        change = order_updates.decide(order, self.account.wallet, paid, now, months)
        if not isinstance(change, Settlement):
            return change is not None
        self.orders[order_id] = change.after
        self._write(change.grant)
        return True

    def grant(
        self, lot_id: str, granted: int, now: datetime, expires_at: datetime | None = None, paid_minor: int = 0
    ) -> None:
        """Credits without an order, free or paid for elsewhere, with an expiry or without."""
        self._give(a_cause(transaction_type=TransactionType.GRANTED), lot_id, granted, now, expires_at, paid_minor)

    def adjust(self, lot_id: str, amount: int, now: datetime) -> None:
        """Up: a free lot of that id; down: drawn like a spend. Raises InsufficientCredits."""
        cause = a_cause(transaction_type=TransactionType.ADJUSTED)
        if amount < 0:
            self._write(credits.spend(self.user(), -amount, cause, now))
        else:
            self._give(cause, lot_id, amount, now, months_later(now, 6), 0)

    def _give(
        self, cause: Cause, lot_id: str, granted: int, now: datetime, expires_at: datetime | None, paid_minor: int
    ) -> None:
        lot = a_lot(
            lot_id=lot_id,
            source=Source.GRANT,
            funding=Funding.PAID if paid_minor else Funding.FREE,
            payment_id=None,
            paid_minor=paid_minor,
            granted=granted,
            remaining=granted,
            expires_at=expires_at,
        )
        currency = lot.currency if paid_minor else None
        paid = replace(cause, money_minor=paid_minor, currency=currency)
        self._write(credits.grant(self.account.wallet, lot, paid, now))

    def spend(self, amount: int, now: datetime) -> None:
        """Raises InsufficientCredits."""
        self._write(credits.spend(self.user(), amount, a_cause(), now))

    def apply(self, change: CreditChange) -> CreditChange:
        """Write a change that was decided on `user()`."""
        self._write(change)
        return change

    def sweep(self, lot_id: str, now: datetime) -> None:
        """Do what the lot's timer, or reconcile in its place, does."""
        lot = self.lot(lot_id)
        if change := expiries.expire(self.account.wallet, lot, now):
            self._write(change)

    def reverse(self, update: Reversal, now: datetime) -> int:
        """Apply an update of a refund or a dispute; how many credits came back, negative if they were clawed back."""
        change = payments.decide(self.settled_payment(update.payment_id, now), update, now)
        if change is None:
            return 0
        self.orders[update.payment_id] = change.order_after
        self.reversals[update.payment_id][change.after.reversal_id] = change.after
        if change.credits is None:
            return 0
        self._write(change.credits)
        return change.credits.entry.amount

    def findings(self, now: datetime) -> list[str]:
        """What the audit finds."""
        found = audit.audit_account(self.account, now)
        ledgers = audit.payment_ledgers(self.account, now)
        for order_id, order in self.orders.items():
            payment = Payment(order, list(self.reversals[order_id].values()))
            found += audit.audit_payment(payment, ledgers.get(order_id, audit.PaymentLedger()))
        return found

    def _write(self, change: CreditChange) -> None:
        account = self.account
        account.wallet = change.wallet
        account.entries += change.entries
        after = {one.after.lot_id: one.after for one in change.lots}
        account.lots = [after.get(lot.lot_id, lot) for lot in account.lots]
        account.timed_lots |= {one.after.lot_id for one in change.lots if one.amount > 0}
        account.lots += change.new_lots
        account.timed_lots |= {lot.lot_id for lot in change.new_lots if lot.expires_at}
        for hold in change.holds:
            account.holds = [one for one in account.holds if one.hold_id != hold.after.hold_id] + [hold.after]
            account.timed_lots.add(hold.after.hold_id)
        if change.clawback:
            self.account.clawbacks[change.clawback.payment_id] = change.clawback
        for addition in change.additions:
            known = self.account.clawbacks.get(addition.payment_id, Clawback(payment_id=addition.payment_id))
            self.account.clawbacks[addition.payment_id] = known.with_addition(addition)
