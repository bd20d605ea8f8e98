"""Refunds and disputes as one figure: exact under every history, with expiry, spends and restored credits mixed in."""

import contextlib
from dataclasses import dataclass, field, replace
from datetime import timedelta
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from local.in_process.environment import NOW
from tests.support.builders import PAYMENT_ID, a_lot, a_payment, a_wallet, an_order
from topup.domain import audit, credits, orders, payments
from topup.domain.credits import CreditChange, Lot
from topup.domain.errors import InsufficientCredits
from topup.domain.orders import Order, Settlement
from topup.domain.payments import Payment, SettledPayment
from topup.domain.reversals import RANK, Kind, Reversal, ReversalStatus

AMOUNT = 10000
CREDITS = 1100


def a_reversal(**changes: Any) -> Reversal:
    reversal = Reversal(
        kind=Kind.REFUND,
        reversal_id="re_1",
        payment_id=PAYMENT_ID,
        amount_minor=2500,
        status=ReversalStatus.SUCCEEDED,
        created_at=NOW,
    )
    return replace(reversal, **changes)


@dataclass
class History:
    """One user's books in memory, which every decision is applied to as the store would."""

    account: audit.Account
    order: Order
    reversals: dict[str, Reversal] = field(default_factory=dict)

    @classmethod
    def of_a_purchase(cls) -> "History":
        settled = orders.decide(an_order(), a_wallet(), a_payment(), NOW, expire_after_months=6)
        assert isinstance(settled, Settlement)
        history = cls(audit.Account(user_id="user-1", wallet=a_wallet()), settled.after)
        history.write(settled.grant)
        return history

    @property
    def own_lot(self) -> Lot:
        return next(lot for lot in self.account.lots if lot.lot_id == PAYMENT_ID)

    def settled_payment(self, now: Any = NOW) -> SettledPayment:
        return SettledPayment(
            order=self.order,
            reversals=list(self.reversals.values()),
            wallet=self.account.wallet,
            lots=[lot for lot in self.account.lots if not lot.is_expired(now)],
            own_lot=self.own_lot,
        )

    def write(self, change: CreditChange) -> None:
        account = self.account
        account.wallet = change.wallet
        account.entries.append(change.entry)
        after = {one.after.lot_id: one.after for one in change.lots}
        account.lots = [after.get(lot.lot_id, lot) for lot in account.lots]
        if change.new_lot:
            account.lots.append(change.new_lot)
            account.timed_lots.add(change.new_lot.lot_id)

    def hear(self, update: Reversal, now: Any = NOW) -> int:
        """Apply news; how many credits came or went."""
        change = payments.decide(self.settled_payment(now), update, now)
        if change is None:
            return 0
        self.order = change.order_after
        self.reversals[change.after.reversal_id] = change.after
        if change.credits:
            self.write(change.credits)
            return change.credits.entry.amount
        return 0

    def spend(self, amount: int, now: Any = NOW) -> None:
        self.write(credits.spend(self.account.wallet, self.account.lots, amount, "work", now))

    def expire(self, now: Any) -> None:
        for lot in list(self.account.lots):
            if change := credits.expire(self.account.wallet, lot, now):
                self.write(change)

    def buy_another(self, lot_id: str, amount: int, now: Any) -> None:
        lot = a_lot(lot_id=lot_id, payment_id=lot_id, granted=amount, remaining=amount, expires_at=LATER)
        self.write(credits.grant(self.account.wallet, lot, "another", now))

    def findings(self, now: Any = NOW) -> list[str]:
        ledger = audit.payment_ledgers(self.account, now)[PAYMENT_ID]
        payment = Payment(self.order, list(self.reversals.values()))
        return audit.audit_account(self.account, now) + audit.audit_payment(payment, ledger)


EXPIRY = NOW.replace(month=9)
LATER = EXPIRY + timedelta(days=400)


@pytest.fixture
def history() -> History:
    return History.of_a_purchase()


def test_a_partial_refund_takes_its_share_rounded_down(history: History):
    assert history.hear(a_reversal(amount_minor=3333)) == -366
    assert history.findings() == []


def test_parts_add_up_to_the_whole(history: History):
    taken = [
        history.hear(a_reversal(reversal_id=f"re_{n}", amount_minor=amount)) for n, amount in enumerate([3333] * 3)
    ]

    assert taken == [-366, -367, -366]
    assert history.hear(a_reversal(reversal_id="re_9", amount_minor=1)) == -1
    assert history.account.wallet.balance == 0


def test_the_same_news_twice_changes_nothing(history: History):
    history.hear(a_reversal())

    assert payments.decide(history.settled_payment(), a_reversal(), NOW) is None


@pytest.mark.parametrize("late", [ReversalStatus.IN_FLIGHT, ReversalStatus.PENDING, ReversalStatus.SUCCEEDED])
def test_a_failed_refund_stays_failed(history: History, late: ReversalStatus):
    history.hear(a_reversal())
    assert history.hear(a_reversal(status=ReversalStatus.FAILED)) == 275

    assert history.hear(a_reversal(status=late)) == 0
    assert history.reversals["re_1"].status is ReversalStatus.FAILED


def test_news_that_only_adds_stripes_id_moves_no_credits(history: History):
    history.hear(a_reversal(status=ReversalStatus.IN_FLIGHT))

    assert history.hear(a_reversal(status=ReversalStatus.IN_FLIGHT, stripe_id="re_stripe")) == 0
    assert history.reversals["re_1"].stripe_id == "re_stripe"


def test_what_expiry_took_before_counts_as_taken(history: History):
    history.spend(600)
    history.expire(EXPIRY)

    assert history.hear(a_reversal(amount_minor=5000), EXPIRY) == -50
    assert history.hear(a_reversal(reversal_id="re_2", amount_minor=5000), EXPIRY) == -550
    assert history.account.wallet.debt == 600
    assert history.findings(EXPIRY) == []


def test_what_was_taken_before_expiry_does_not_come_back_when_a_later_refund_fails(history: History):
    history.hear(a_reversal(amount_minor=5000))
    history.expire(EXPIRY)
    assert history.hear(a_reversal(reversal_id="re_2", amount_minor=5000), EXPIRY) == 0

    assert history.hear(a_reversal(reversal_id="re_2", amount_minor=5000, status=ReversalStatus.FAILED), EXPIRY) == 0
    assert history.findings(EXPIRY) == []


def test_what_a_refund_took_after_expiry_comes_back_when_it_fails(history: History):
    history.spend(600)
    history.expire(EXPIRY)
    history.hear(a_reversal(amount_minor=5000), EXPIRY)
    history.hear(a_reversal(reversal_id="re_2", amount_minor=5000), EXPIRY)

    assert history.hear(a_reversal(reversal_id="re_2", amount_minor=5000, status=ReversalStatus.FAILED), EXPIRY) == 550


def test_a_refund_that_fails_late_gives_back_no_more_than_is_still_out(history: History):
    # 33.33 of 100.00 is 366 or 367 credits, so what a refund took may have gone back in part with another one's end.
    in_flight = [
        a_reversal(reversal_id=f"re_{n}", amount_minor=3333, status=ReversalStatus.IN_FLIGHT) for n in range(3)
    ]
    assert [history.hear(update) for update in in_flight[:2]] == [-366, -367]
    history.expire(EXPIRY)
    assert history.hear(replace(in_flight[0], status=ReversalStatus.FAILED), EXPIRY) == 367
    history.expire(EXPIRY)
    assert history.hear(in_flight[2], EXPIRY) == 0  # expiry has taken its share already

    assert history.hear(replace(in_flight[1], status=ReversalStatus.FAILED), EXPIRY) == 366
    assert history.order.clawed_back == 0
    assert history.findings(EXPIRY) == []


def test_the_largest_refund_without_debt_is_exact(history: History):
    for spent in (1, 99, 550, 1099):
        fresh = History.of_a_purchase()
        fresh.spend(spent)
        largest = payments.largest_without_debt(fresh.settled_payment(), NOW)

        assert largest == 0 or debt_after(fresh, largest) == 0
        assert debt_after(fresh, largest + 1) > 0


def debt_after(history: History, amount: int) -> int:
    change = payments.decide(history.settled_payment(), a_reversal(amount_minor=amount), NOW)
    assert change
    return payments.debt_of(change)


def test_with_all_credits_there_everything_is_refundable(history: History):
    assert payments.largest_without_debt(history.settled_payment(), NOW) == AMOUNT


STEPS = st.lists(
    st.one_of(
        st.tuples(st.just("refund"), st.integers(0, 3), st.integers(1, 6000)),
        st.tuples(st.just("end_refund"), st.integers(0, 3), st.just(0)),
        st.tuples(st.just("dispute"), st.integers(0, 1), st.integers(1, 10000)),
        st.tuples(st.sampled_from(["win", "lose"]), st.integers(0, 1), st.just(0)),
        st.tuples(st.just("spend"), st.just(0), st.integers(1, 1500)),
        st.tuples(st.just("buy"), st.integers(0, 2), st.integers(1, 900)),
        st.tuples(st.just("expire"), st.just(0), st.just(0)),
    ),
    max_size=25,
)


@given(STEPS)
def test_no_history_breaks_an_invariant_and_when_everything_ends_everything_is_back(
    steps: list[tuple[str, int, int]],
):
    history, now, bought = History.of_a_purchase(), NOW, set[int]()
    for step, number, amount in steps:
        now = take(history, step, number, amount, now, bought)
        assert history.findings(now) == []
    for reversal in list(history.reversals.values()):
        end = ReversalStatus.FAILED if reversal.kind is Kind.REFUND else ReversalStatus.WON
        history.hear(replace(reversal, status=end), now)
        assert history.findings(now) == []
    assert (history.order.clawed_back, history.order.reversed_minor) == (0, 0)


def take(history: History, step: str, number: int, amount: int, now: Any, bought: set[int]) -> Any:
    refund, dispute = f"re_{number}", f"dp_{number}"
    if step == "refund" and amount <= history.order.refundable_minor and refund not in history.reversals:
        history.hear(a_reversal(reversal_id=refund, amount_minor=amount), now)
    elif step == "end_refund" and refund in history.reversals:
        history.hear(replace(history.reversals[refund], status=ReversalStatus.FAILED), now)
    elif step == "dispute" and dispute not in history.reversals:
        update = a_reversal(
            kind=Kind.DISPUTE, reversal_id=dispute, amount_minor=amount, status=ReversalStatus.NEEDS_RESPONSE
        )
        history.hear(update, now)
    elif step in ("win", "lose") and dispute in history.reversals:
        status = ReversalStatus.WON if step == "win" else ReversalStatus.LOST
        history.hear(replace(history.reversals[dispute], status=status), now)
    elif step == "spend":
        with contextlib.suppress(InsufficientCredits):
            history.spend(amount, now)
    elif step == "buy" and number not in bought:
        bought.add(number)
        history.buy_another(f"other-{number}", amount, now)
    elif step == "expire":
        now = EXPIRY
        history.expire(now)
    return now


def test_no_reversal_of_the_same_kind_stands_at_two_ranks():
    assert set(RANK) == set(ReversalStatus)
    assert an_order().credits_purchased == CREDITS
