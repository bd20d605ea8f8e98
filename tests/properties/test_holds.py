"""Random histories of grants, spends, expiries and holds, step by step against a model in plain arithmetic."""

from dataclasses import dataclass, field
from datetime import datetime, timedelta

import pytest
from hypothesis import strategies as st
from hypothesis.stateful import Bundle, RuleBasedStateMachine, consumes, invariant, rule

from local.in_process.environment import NOW, USER_ID
from tests.support.builders import a_cause
from tests.support.examples import run_machine
from tests.support.ledger import InMemoryLedger
from topup.domain import clawbacks, hold_changes, holds
from topup.domain.credits import TransactionType
from topup.domain.errors import HoldEnded, InsufficientCredits
from topup.domain.hold_changes import Capture
from topup.domain.holds import Hold, HoldStatus, Overrun
from topup.domain.takings import Clawback

HISTORIES, STEPS = 250, 40
FOREVER = NOW.replace(year=9999)
AMOUNTS = st.integers(1, 60)
DAYS = st.integers(1, 20)


@dataclass
class Model:
    """Piles of credits by expiry and reservations by end: no lots, no wallet, no versions."""

    now: datetime = NOW
    piles: dict[datetime, int] = field(default_factory=dict)
    reserved: dict[str, tuple[datetime, int]] = field(default_factory=dict)
    debt: int = 0

    def there(self, at: datetime) -> int:
        return sum(left for expires, left in self.piles.items() if expires > at)

    def held(self, at: datetime, besides: str = "") -> int:
        return sum(left for name, (ends, left) in self.reserved.items() if ends > at and name != besides)

    def available(self, besides: str = "") -> int:
        return self.there(self.now) - self.debt - self.held(self.now, besides)

    def lasting(self, ends: datetime, besides: str = "") -> int:
        """What could be reserved until then: the least that is free, second by second where anything changes."""
        moments = [self.now, *(expires for expires in self.piles if self.now < expires < ends)]
        return min(self.there(at) - self.held(at, besides) for at in moments) - self.debt

    def give(self, credits: int, expires: datetime) -> None:
        paid = min(credits, self.debt)
        self.debt -= paid
        self.piles[expires] = self.piles.get(expires, 0) + credits - paid

    def take(self, credits: int) -> None:
        for expires in sorted(self.piles):
            if expires > self.now:
                part = min(self.piles[expires], credits)
                self.piles[expires] -= part
                credits -= part
        assert credits == 0

    def pay_from_free(self) -> None:
        """What is owed is paid by what a hold no longer reserves."""
        paid = max(0, min(self.debt, self.there(self.now) - self.held(self.now)))
        self.debt -= paid
        self.take(paid)


class HoldMachine(RuleBasedStateMachine):
    """One user: whatever happens, what is held is there until the hold's end, unless a claw-back has taken it."""

    opened: Bundle[str] = Bundle("opened")

    def __init__(self) -> None:
        super().__init__()
        self.ledger, self.model = InMemoryLedger(), Model()
        self.has_clawed_back = False
        self.number = 0

    @property
    def now(self) -> datetime:
        return self.model.now

    def name(self, what: str) -> str:
        self.number += 1
        return f"{what}-{self.number}"

    def hold(self, name: str) -> Hold:
        return next(one for one in self.ledger.account.holds if one.hold_id == name)

    @rule(credits=AMOUNTS, days=st.one_of(st.none(), DAYS))
    def is_granted(self, credits: int, days: int | None) -> None:
        expires_at = None if days is None else self.now + timedelta(days=days)
        self.ledger.grant(self.name("lot"), credits, self.now, expires_at)
        self.model.give(credits, expires_at or FOREVER)

    @rule(days=st.integers(0, 6), hours=st.integers(1, 23))
    def time_passes(self, days: int, hours: int) -> None:
        self.model.now += timedelta(days=days, hours=hours)

    @rule(name=opened, hours=st.integers(0, 30))
    def passes_the_end_of(self, name: str, hours: int) -> None:
        if name:
            self.model.now = max(self.now, self.model.reserved[name][0] + timedelta(hours=hours))

    @rule(credits=AMOUNTS)
    def spends(self, credits: int) -> None:
        if credits > self.model.available():
            with pytest.raises(InsufficientCredits) as refused:
                self.ledger.spend(credits, self.now)
            assert refused.value.figures["available"] == self.model.available()
        else:
            self.ledger.spend(credits, self.now)
            self.model.take(credits)

    @rule(target=opened, credits=AMOUNTS, days=DAYS, overrun=st.sampled_from(Overrun))
    def opens(self, credits: int, days: int, overrun: Overrun) -> str:
        name, ends_at = self.name("hold"), self.now + timedelta(days=days)
        hold = Hold(
            hold_id=name,
            user_id=USER_ID,
            amount=credits,
            ends_at=ends_at,
            overrun=overrun,
            actor="service:default",
            description="work",
            created_at=self.now,
        )
        if credits > self.model.lasting(ends_at):
            with pytest.raises(InsufficientCredits):
                hold_changes.open_hold(self.ledger.user(), hold, self.now)
            return ""
        self.ledger.apply(hold_changes.open_hold(self.ledger.user(), hold, self.now))
        self.model.reserved[name] = (ends_at, credits)
        return name

    @rule(name=opened, more=st.integers(0, 40), days=DAYS)
    def extends(self, name: str, more: int, days: int) -> None:
        if not name:
            return
        ends, left = self.model.reserved.get(name, (self.now, 0))
        until = max(ends, self.now + timedelta(days=days))
        if ends <= self.now:
            with pytest.raises(HoldEnded):
                hold_changes.extend(self.ledger.user(), self.hold(name), more, until, self.now)
        elif left + more > self.model.lasting(until, name):
            with pytest.raises(InsufficientCredits):
                hold_changes.extend(self.ledger.user(), self.hold(name), more, until, self.now)
        else:
            self.ledger.apply(hold_changes.extend(self.ledger.user(), self.hold(name), more, until, self.now))
            self.model.reserved[name] = (until, left + more)

    @rule(name=opened, credits=AMOUNTS, is_final=st.booleans())
    def captures(self, name: str, credits: int, is_final: bool) -> None:
        if not name or not self.hold(name).may_be_captured(self.now):
            return
        hold, user = self.hold(name), self.ledger.user()
        ends, left = self.model.reserved[name]
        held = left if ends > self.now else 0
        there = self.model.there(self.now)
        first = min(credits, held, there)
        taken = first + max(0, min(credits - first, self.model.available(besides=name) - first))
        wanted = Capture(amount=credits, is_final=is_final)
        is_refused = credits > left or (ends <= self.now and taken < credits)
        if hold.overrun is Overrun.REFUSE and is_refused:
            with pytest.raises(InsufficientCredits):
                hold_changes.capture(user, hold, wanted, a_cause(hold_id=name), self.now)
            return
        self.ledger.apply(hold_changes.capture(user, hold, wanted, a_cause(hold_id=name), self.now))
        self.model.take(taken)
        self.model.debt += credits - taken if hold.overrun is Overrun.DEBT else 0
        self.model.reserved[name] = (self.now if is_final else ends, left - min(credits, held))
        self.model.pay_from_free()

    @rule(name=consumes(opened))
    def releases(self, name: str) -> None:
        if name and self.hold(name).is_open(self.now):
            self.ledger.apply(hold_changes.release(self.ledger.user(), self.hold(name), self.now))
            self.model.reserved[name] = (self.now, 0)
            self.model.pay_from_free()

    @rule(name=opened)
    def ends_by_itself(self, name: str) -> None:
        before = self.ledger.user().available(self.now)
        if name and (change := hold_changes.end(self.ledger.user(), self.hold(name), self.now)):
            self.ledger.apply(change)
            self.model.pay_from_free()
            assert self.hold(name).status is HoldStatus.EXPIRED
        assert self.ledger.user().available(self.now) == before

    @rule(credits=AMOUNTS)
    def is_clawed_back(self, credits: int) -> None:
        self.has_clawed_back = True
        cause = a_cause(transaction_type=TransactionType.DISPUTED, payment_id="an-order")
        out = self.ledger.account.clawbacks.get("an-order", Clawback(payment_id="an-order"))
        wallet, lots = self.ledger.account.wallet, self.ledger.account.lots
        self.ledger.apply(clawbacks.claw_back(wallet, out, (), lots, credits, cause, self.now))
        taken = min(credits, self.model.there(self.now))
        self.model.take(taken)
        self.model.debt += credits - taken

    @invariant()
    def what_is_available_is_what_the_model_says(self) -> None:
        user = self.ledger.user()
        assert user.balance(self.now) == self.model.there(self.now) - self.model.debt
        assert user.available(self.now) == self.model.available()

    @invariant()
    def every_hold_stays_covered(self) -> None:
        user = self.ledger.user()
        assert self.has_clawed_back or not holds.uncovered(user.lots, user.holds, self.now)

    @invariant()
    def the_audit_finds_nothing(self) -> None:
        assert self.ledger.findings(self.now) == []


def test_holds_stay_covered_in_any_history():
    run_machine(HoldMachine, HISTORIES, steps=STEPS)
