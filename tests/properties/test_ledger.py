"""Random histories of a user's credits, step by step against a model in plain arithmetic.

One seed is 250 histories. PROPERTY_SEEDS=80 runs the seeds 1 to 80, each as a test of its own: 20,000 histories.
"""

import os
from collections import Counter
from collections.abc import Callable
from dataclasses import replace
from datetime import datetime, timedelta
from typing import Any

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, multiple, precondition, rule

from local.in_process.environment import NOW, USER_ID
from tests.properties.model import DISPUTE, MONEY_IS_GONE, REFUND, Model, rank
from tests.support.examples import run_machine
from tests.support.ledger import InMemoryLedger
from topup.domain import payments, refundable
from topup.domain.errors import InsufficientCredits
from topup.domain.lots import Lot, Source
from topup.domain.reversals import Kind, Reversal, ReversalStatus

SEEDS = int(os.environ.get("PROPERTY_SEEDS", "1"))
HISTORIES, STEPS = 250, 40  # of each seed; at most, in each history
MOST_ORDERS, MOST_GIFTS = 4, 4
DASHBOARD_STARTS = ("pending", "succeeded")
DISPUTE_STARTS = ("warning_needs_response", "needs_response")
REFUND_STATUSES = " ".join(REFUND).split()
DISPUTE_STATUSES = " ".join(DISPUTE).split()


def a_reversal(order: str, number: int, kind: Kind, amount: int, status: str, now: datetime) -> Reversal:
    return Reversal(
        kind=kind,
        reversal_id=f"{kind}-{number}",
        payment_id=order,
        amount_minor=amount,
        status=ReversalStatus(status),
        created_at=now,
    )


class LedgerMachine(RuleBasedStateMachine):
    """One user with several lots: what one order owes may be taken from the lot of another."""

    orders: Bundle[str] = Bundle("orders")
    gifts: Bundle[str] = Bundle("gifts")  # lots without an order
    known: Bundle[Reversal] = Bundle("known")

    def __init__(self) -> None:
        super().__init__()
        self.now = NOW
        self.ledger = InMemoryLedger()
        self.model = Model(now=NOW)
        self.numbers = 0

    def number(self) -> int:
        self.numbers += 1
        return self.numbers

    # -------------------------------------------------------------------------------------------------------- the buyer

    @precondition(lambda self: len(self.model.paid) < MOST_ORDERS)
    @rule(target=orders, granted=st.integers(1, 1300), price=st.integers(1, 10_000), months=st.integers(1, 3))
    def buys(self, granted: int, price: int, months: int) -> str:
        order = f"order-{self.number()}"
        self.ledger.buy(order, granted, price, self.now, months)
        self.model.buy(order, granted, price, self.ledger.lot(order).expires_at)
        return order

    @rule(order=orders)
    def is_reported_as_paid_again(self, order: str) -> None:
        assert not self.ledger.report_paid(order, self.now)

    @rule(amount=st.integers(1, 1500))
    def spends(self, amount: int) -> None:
        self.takes(amount, lambda: self.ledger.spend(amount, self.now))

    def takes(self, amount: int, take: Callable[[], None]) -> None:
        has = sum(self.model.left[lot] for lot in self.model.open_lots()) - self.model.debt
        if amount > has:
            with pytest.raises(InsufficientCredits) as refused:
                take()
            assert refused.value.figures == {"balance": has, "held": 0, "available": has}
        else:
            take()
            self.model.take(amount, self.model.open_lots())

    # ---------------------------------------------------------------------------------------- grants and adjustments

    @precondition(lambda self: len(self.model.left) < len(self.model.paid) + MOST_GIFTS)
    @rule(
        target=gifts,
        granted=st.integers(1, 1300),
        price=st.one_of(st.just(0), st.integers(1, 10_000)),
        days=st.one_of(st.none(), st.integers(1, 90)),
    )
    def is_granted(self, granted: int, price: int, days: int | None) -> str:
        lot = f"grant-{self.number()}"
        expires_at = None if days is None else self.now.replace(microsecond=0) + timedelta(days=days)
        self.ledger.grant(lot, granted, self.now, expires_at, price)
        self.model.grant(lot, granted, price, expires_at)
        return lot

    @precondition(lambda self: len(self.model.left) < len(self.model.paid) + MOST_GIFTS)
    @rule(target=gifts, amount=st.integers(1, 1500))
    def is_adjusted_up(self, amount: int) -> str:
        lot = f"adjustment-{self.number()}"
        self.ledger.adjust(lot, amount, self.now)
        self.model.adjust(lot, amount, self.ledger.lot(lot).expires_at)
        return lot

    @rule(amount=st.integers(1, 1500))
    def is_adjusted_down(self, amount: int) -> None:
        self.takes(amount, lambda: self.ledger.adjust("", -amount, self.now))

    # --------------------------------------------------------------------------------------------- refunds and disputes

    @rule(target=known, order=orders, share=st.integers(1, 100))
    def is_refunded_here(self, order: str, share: int) -> Any:
        """In flight: Stripe has not responded yet, and other refunds may overtake it."""
        return self.begin(
            order, Kind.REFUND, "in_flight", share, self.left_to_refund(order, ("in_flight", *DASHBOARD_STARTS))
        )

    @rule(target=known, order=orders, share=st.integers(1, 100), status=st.sampled_from(DASHBOARD_STARTS))
    def is_refunded_in_the_dashboard(self, order: str, share: int, status: str) -> Any:
        return self.begin(order, Kind.REFUND, status, share, self.left_to_refund(order, DASHBOARD_STARTS))

    @rule(target=known, order=orders, share=st.integers(1, 100), status=st.sampled_from(DISPUTE_STARTS))
    def is_disputed(self, order: str, share: int, status: str) -> Any:
        return self.begin(order, Kind.DISPUTE, status, share, self.model.paid[order])

    @rule(reversal=known, data=st.data())
    def is_updated(self, reversal: Reversal, data: st.DataObject) -> None:
        """Any of its statuses, in any order: later, late or repeated."""
        statuses = REFUND_STATUSES if reversal.kind is Kind.REFUND else DISPUTE_STATUSES
        status = data.draw(st.sampled_from(statuses), label="status")
        self.reverse(reversal, status if self.stripe_would(reversal, status) else "failed")

    @rule(reversal=known)
    def moves_on_while_the_money_is_gone(self, reversal: Reversal) -> None:
        later = ["pending", "succeeded"] if reversal.kind is Kind.REFUND else ["needs_response", "under_review", "lost"]
        was = rank(self.model.reversed[reversal.payment_id][reversal.reversal_id].status)
        status = next((status for status in later if rank(status) > was), later[-1])
        self.reverse(reversal, status if self.stripe_would(reversal, status) else "failed")

    @rule(reversal=consumes(known))
    def ends_with_the_money_back(self, reversal: Reversal) -> None:
        self.reverse(reversal, "failed" if reversal.kind is Kind.REFUND else "won")

    def begin(self, order: str, kind: Kind, status: str, share: int, at_most: int) -> Any:
        if at_most <= 0:
            return multiple()
        amount = max(1, at_most * share // 100)
        reversal = a_reversal(order, self.number(), kind, amount, status, self.now)
        self.reverse(reversal, status)
        return reversal

    def reverse(self, reversal: Reversal, status: str) -> None:
        order = reversal.payment_id
        known = {lot.lot_id for lot in self.ledger.account.lots}
        self.ledger.reverse(replace(reversal, status=ReversalStatus(status)), self.now)
        self.model.now = self.now
        expected = self.model.reverse(order, reversal.reversal_id, reversal.amount_minor, status)
        self.compare_new_lots(expected, [lot for lot in self.ledger.account.lots if lot.lot_id not in known])

    def compare_new_lots(self, expected: list[tuple[str, int, datetime | None]], new: list[Lot]) -> None:
        """Credits whose lots have expired came back in these; the model learns what they are called."""
        origins = self.ledger.account.entries[-1].continued if new else {}
        for origin, granted, expires_at in expected:
            like = (granted, expires_at)
            lot = next(
                lot
                for lot in new
                if (lot.granted, lot.expires_at) == like
                and (origins[lot.lot_id] == origin or origin not in self.model.left)
            )
            new.remove(lot)
            assert lot.source is Source.RESTORED
            self.model.bring(lot.lot_id, origin, granted, expires_at)
        assert new == []

    def left_to_refund(self, order: str, counted: Any) -> int:
        made = [
            one.amount
            for name, one in self.model.reversed[order].items()
            if name.startswith("refund") and one.status in counted
        ]
        return self.model.paid[order] - sum(made)

    def stripe_would(self, refund: Reversal, status: str) -> bool:
        """Stripe lets no refund of ours succeed if all refunds together would exceed the payment."""
        was = self.model.reversed[refund.payment_id][refund.reversal_id].status
        fits = refund.amount_minor <= self.left_to_refund(refund.payment_id, DASHBOARD_STARTS)
        made = was not in ("in_flight", "refused")
        return refund.kind is Kind.DISPUTE or made or status not in DASHBOARD_STARTS or fits

    # ------------------------------------------------------------------------------------------------------------- time

    @rule(time=st.one_of(st.integers(1, 5), st.integers(1, 60 * 86_400)))
    def time_passes(self, time: int) -> None:
        self.now += timedelta(seconds=time)
        self.model.now = self.now

    @rule(lot=st.one_of(orders, gifts))
    def its_expiry_comes(self, lot: str) -> None:
        if expires_at := self.ledger.lot(lot).expires_at:
            self.now = max(self.now, expires_at)
            self.model.now = self.now

    @rule(lot=st.one_of(orders, gifts))
    def is_swept_in_time(self, lot: str) -> None:
        self.its_expiry_comes(lot)
        self.timer_runs_out(lot)

    @rule(lot=st.one_of(orders, gifts))
    def timer_runs_out(self, lot: str) -> None:
        """Too early, in time, days late, or repeated."""
        self.ledger.sweep(lot, self.now)
        if self.ledger.lot(lot).is_expired(self.now):
            self.model.expire(lot)

    # --------------------------------------------------------------------------------------------------- what must hold

    @invariant()
    def every_lot_has_what_the_model_says(self) -> None:
        account = self.ledger.account
        assert {lot.lot_id: lot.remaining for lot in account.lots} == self.model.left
        assert {lot.lot_id: lot.expired_credits for lot in account.lots} == self.model.lost
        assert account.wallet.debt == self.model.debt
        assert account.wallet.balance == sum(self.model.left.values()) - self.model.debt
        assert account.wallet.total_credits_earned == self.model.earned
        spendable = sum(self.model.left[lot] for lot in self.model.open_lots()) - self.model.debt
        assert self.ledger.user().balance(self.now) == spendable

    @invariant()
    def every_order_has_lost_exactly_its_share(self) -> None:
        for order_id, order in self.ledger.orders.items():
            assert order.credits_due_back == self.model.due(order_id)
            taken = self.model.taken(order_id)
            assert order.clawed_back == taken
            assert taken <= self.model.due(order_id) <= taken + self.model.expired(order_id)

    @invariant()
    def the_ledger_has_no_gap_and_explains_the_balance(self) -> None:
        entries, balance = self.ledger.account.entries, 0
        assert [entry.number for entry in entries] == list(range(1, len(entries) + 1))
        for entry in entries:
            balance += entry.amount
            assert (entry.balance_after, entry.user_id) == (balance, USER_ID)

    @invariant()
    def what_was_paid_for_a_lot_is_used_or_still_owed(self) -> None:
        for lot in self.ledger.account.lots:
            gone = lot.money_gone_minor(lot.granted - lot.remaining)
            assert gone + self.model.still_stands_for(lot.lot_id) == self.model.money[lot.lot_id] == lot.paid_minor

    @invariant()
    def the_entries_account_for_all_money(self) -> None:
        """Entry by entry: what their moves used up, and what the lots that are left still owe, is all that was paid."""
        lots = {lot.lot_id: lot for lot in self.ledger.account.lots}
        gone, used = Counter[str](), 0
        for entry in self.ledger.account.entries:
            for lot_id, move in entry.moves.items():
                brought = 0 if lot_id in gone else move if lot_id in entry.continued else entry.amount
                before, gone[lot_id] = gone[lot_id], gone[lot_id] + brought - move
                used += lots[lot_id].money_gone_minor(gone[lot_id]) - lots[lot_id].money_gone_minor(before)
        assert used + sum(map(self.model.still_stands_for, lots)) == sum(self.model.money.values())

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        assert self.ledger.findings(self.now) == []

    @invariant()
    def the_largest_refund_without_debt_is_the_largest(self) -> None:
        for order in self.ledger.orders:
            settled_payment = self.ledger.settled_payment(order, self.now)
            largest = refundable.largest(settled_payment, self.now)
            left = settled_payment.order.refundable_minor
            assert 0 <= largest <= left
            if largest:
                assert self.debt_after(order, largest) <= 0
            if largest < left and not settled_payment.order.disputed_minor:
                assert self.debt_after(order, largest + 1) > 0

    def debt_after(self, order: str, amount: int) -> int:
        update = a_reversal(order, 0, Kind.REFUND, amount, "in_flight", self.now)
        change = payments.decide(self.ledger.settled_payment(order, self.now), update, self.now)
        assert change
        return refundable.debt_of(change)

    def teardown(self) -> None:
        """When every refund has failed and every dispute is won, all clawed-back credits are back."""
        for order, known in self.ledger.reversals.items():
            for reversal in list(known.values()):
                if reversal.status.value in MONEY_IS_GONE:
                    self.reverse(reversal, "failed" if reversal.kind is Kind.REFUND else "won")
            assert self.ledger.orders[order].clawed_back == 0
        assert self.ledger.findings(self.now) == []


@pytest.mark.parametrize("seed", range(1, SEEDS + 1))
def test_the_ledger_agrees_with_the_model_in_every_history(seed: int):
    run_machine(LedgerMachine, HISTORIES, steps=STEPS, seed=seed)
