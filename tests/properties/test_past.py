"""In random histories, what is answered of an earlier or a later moment is what was or will be answered then."""

from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import pairwise
from typing import Any

from hypothesis import strategies as st
from hypothesis.stateful import invariant, rule

from tests.properties.test_holds import AMOUNTS, DAYS, HoldMachine
from tests.support.builders import a_cause
from tests.support.examples import run_machine
from topup.api import responses
from topup.domain import clawbacks, past, reversed_spends
from topup.domain.credits import TransactionType, UserCredits
from topup.domain.reversed_spends import ReversedSpend

HISTORIES, STEPS = 150, 40


def answer(user: UserCredits, moment: datetime) -> Mapping[str, Any]:
    return {**responses.user_credits(user, moment)}


class PastMachine(HoldMachine):
    """The histories of holds, with sweeps, purchases that pay debts, and credits that come back."""

    def __init__(self) -> None:
        super().__init__()
        self.answered: dict[datetime, UserCredits] = {}
        self.given: dict[int, ReversedSpend] = {}

    @rule()
    def is_swept(self) -> None:
        for lot in list(self.ledger.account.lots):
            self.ledger.sweep(lot.lot_id, self.now)

    @rule(place=st.integers(0, 5), more=st.integers(0, 5), days=DAYS, seconds=st.integers(1, 3))
    def extends_one_that_is_open(self, place: int, more: int, days: int, seconds: int) -> None:
        """Without this, hardly any history has an extension that is granted."""
        self.model.now += timedelta(seconds=seconds)
        reserving = [hold.hold_id for hold in self.ledger.account.holds if hold.is_open(self.now)]
        if reserving:
            self.extends(reserving[place % len(reserving)], more, days)

    @rule(place=st.integers(0, 5), seconds=st.integers(1, 3))
    def reverses_a_spend(self, place: int, seconds: int) -> None:
        self.model.now += timedelta(seconds=seconds)
        account = self.ledger.account
        spends = [
            entry
            for entry in account.entries
            if entry.transaction_type is TransactionType.SPENT
            and reversed_spends.left_of(entry, self.given_back(entry.number))
        ]
        if not spends:
            return
        spend = spends[-1 - place % len(spends)]
        cause = a_cause(transaction_type=TransactionType.SPEND_REVERSED, spend=spend.number)
        lots = {lot.lot_id: lot for lot in account.lots}
        given = self.given_back(spend.number)
        reversal = reversed_spends.reverse(account.wallet, spend, given, lots, None, cause, self.now)
        self.given[spend.number] = reversal.after
        account.reversed_spends[:] = self.given.values()
        self.ledger.apply(reversal.change)
        self.model_follows()

    def given_back(self, number: int) -> ReversedSpend:
        return self.given.get(number, ReversedSpend(user_id=self.ledger.account.user_id, spend=number))

    @rule(credits=AMOUNTS, days=DAYS)
    def gets_credits_back(self, credits: int, days: int) -> None:
        """Of a claw-back that came to nothing, maybe after its lots have expired."""
        account = self.ledger.account
        out = account.clawbacks.get("an-order")
        if out is None or not out.credits:
            return
        self.model.now += timedelta(days=days)
        cause = a_cause(transaction_type=TransactionType.DISPUTE_REVERSED, payment_id="an-order")
        lots = {lot.lot_id: lot for lot in account.lots}
        amount = min(credits, out.credits)
        self.ledger.apply(clawbacks.give_back(account.wallet, out, lots, amount, cause, self.now))
        self.model_follows()

    def model_follows(self) -> None:
        """These changes are compared with a model elsewhere: this one goes on from what they have made."""
        self.model.debt, self.model.piles = self.ledger.account.wallet.debt, {}
        for lot in self.ledger.account.lots:
            expires_at = lot.expires_at or self.now.replace(year=9999)
            self.model.piles[expires_at] = self.model.piles.get(expires_at, 0) + lot.remaining

    @invariant()
    def is_asked_now(self) -> None:
        account = self.ledger.account
        holds = list(account.holds)
        self.answered[self.now] = UserCredits(wallet=account.wallet, lots=list(account.lots), holds=holds)

    def teardown(self) -> None:
        moments = [*self.answered, self.now + timedelta(days=30)]
        for moment, following in pairwise(moments):
            self.past_is(moment, answer(self.answered[moment], moment))
            # Nothing happened in between, so what will be left was known at the first of them.
            for later in (moment + (following - moment) / 3, following - timedelta(microseconds=1)):
                self.past_is(later, answer(self.answered[moment], later))

    def past_is(self, moment: datetime, expected: Mapping[str, Any]) -> None:
        account = self.ledger.account
        now = UserCredits(wallet=account.wallet, lots=account.lots, holds=account.holds)
        for figures in (
            past.from_the_beginning(iter(account.entries), moment),
            past.from_now_back(now, iter(account.entries), moment),
        ):
            lots = [lot for lot in account.lots if figures.remaining[lot.lot_id]]
            then = past.credits_at(account.user_id, figures, lots, account.holds, moment)
            assert then.knows_holds
            assert answer(then.user, moment) == expected


def test_what_was_and_what_will_be_is_what_is_answered_then():
    run_machine(PastMachine, HISTORIES, steps=STEPS)
