"""Who is worse off for a reversal that came to nothing? Each user's history is told again without those reversals.

Written from DESIGN 6.6 to 6.8 in other words than the product's: lots, spends and money as they follow each other, and
no figure that the product keeps. The history without the ended reversals is the measure: what the user can spend in
truth may be less only by what was spent while such a reversal had their credits.
"""

from collections import Counter
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import datetime
from typing import TYPE_CHECKING

from tests.simulation.shadow import Shadow
from topup.domain.credits import Entry, TransactionType
from topup.domain.orders import Order
from topup.domain.payments import Payment
from topup.domain.reversals import Reversal

if TYPE_CHECKING:
    from topup.domain.audit import Account

GIVES = {TransactionType.PURCHASED, TransactionType.GRANTED}


@dataclass
class Pile:
    """Credits with one expiry: a lot, told again. `order` is the payment that it was bought with."""

    name: str
    left: int
    expires_at: datetime | None
    order: str | None

    def is_open(self, now: datetime) -> bool:
        return self.left > 0 and (self.expires_at is None or self.expires_at > now)


@dataclass
class Told:
    """One user's credits in the history without the reversals that have ended."""

    piles: dict[str, Pile] = field(default_factory=dict)
    owed: int = 0
    returned: int = 0  # from spends that were given back
    out: dict[str, list[tuple[Pile | None, int]]] = field(default_factory=dict)  # by payment: from where, how many
    spends: dict[int, list[tuple[Pile | None, int]]] = field(default_factory=dict)  # by entry, likewise

    def spendable(self, now: datetime) -> int:
        return sum(pile.left for pile in self.piles.values() if pile.is_open(now)) - self.owed

    def lapsed(self, now: datetime) -> int:
        return sum(pile.left for pile in self.piles.values() if not pile.is_open(now))

    def give(self, pile: Pile) -> None:
        paid = min(self.owed, pile.left)
        self.owed -= paid
        pile.left -= paid
        self.piles[pile.name] = pile

    def draw(self, amount: int, now: datetime, first: str | None = None) -> list[tuple[Pile | None, int]]:
        """Take credits, those of the order `first` before the others, the soonest to expire before the later ones."""
        drawn: list[tuple[Pile | None, int]] = []
        for pile in sorted(
            (one for one in self.piles.values() if one.is_open(now)), key=lambda one: _place(one, first)
        ):
            if taken := min(pile.left, amount):
                pile.left -= taken
                amount -= taken
                drawn.append((pile, taken))
        if amount:
            self.owed += amount
            drawn.append((None, amount))
        return drawn

    def taken(self, order: Order) -> int:
        return sum(number for _, number in self.out.get(order.payment_id, ()))

    def stand(self, order: Order, due: int, now: datetime) -> None:
        """As many of the order's credits must be gone as its standing reversals say: lost to expiry, or taken."""
        own = [pile for pile in self.piles.values() if pile.order == order.payment_id]
        lost = sum(pile.left for pile in own if not pile.is_open(now))
        out = self.out.setdefault(order.payment_id, [])
        taken = self.taken(order)
        in_hand = taken + sum(pile.left for pile in own if pile.is_open(now))
        wanted = max(min(due, in_hand), due - lost)
        if wanted > taken:
            out += self.draw(wanted - taken, now, first=order.payment_id)
        else:
            self._return(out, taken - wanted)

    def spend(self, number: int, amount: int, now: datetime, owed: int = 0) -> None:
        """Take credits; `owed` is what a capture left owing although there were some, which another hold had."""
        self.spends[number] = [*self.draw(amount - owed, now), *([(None, owed)] if owed else [])]
        self.owed += owed

    def give_back(self, number: int, amount: int, now: datetime) -> None:
        """Give back what a spend drew last: to piles that are open, once what is owed is paid."""
        drawn = self.spends[number]
        for place in sorted(range(len(drawn)), key=lambda one: (drawn[one][0] is not None, -one)):
            pile, of_it = drawn[place]
            back = min(of_it, amount)
            amount -= back
            drawn[place] = (pile, of_it - back)
            if pile is None or pile.expires_at is None or pile.expires_at > now:
                paid = min(self.owed, back)
                self.owed -= paid
                self.returned += paid if pile is None else back
                if pile is not None:
                    pile.left += back - paid

    def _return(self, out: list[tuple[Pile | None, int]], amount: int) -> None:
        """Give back what was taken last: what is owed first, then to the piles."""
        for place in sorted(range(len(out)), key=lambda one: (out[one][0] is not None, -one)):
            pile, number = out[place]
            back = min(number, amount)
            amount -= back
            out[place] = (pile, number - back)
            if pile is None and self.owed:
                self.owed -= min(back, self.owed)
            elif pile is not None:
                pile.left += back


def _place(pile: Pile, first: str | None) -> tuple[bool, bool, str, str]:
    return pile.order != first or first is None, pile.expires_at is None, str(pile.expires_at), pile.name


@dataclass
class Meanwhile:
    """What happened while a reversal that came to nothing had some of the user's credits."""

    used: int = 0
    since: datetime | None = None
    periods: list[tuple[datetime, datetime]] = field(default_factory=list)


@dataclass(frozen=True)
class GivenBack:
    """Credits of a spend that came back, or would have if their lot had not lapsed; `spend` is the entry's number."""

    spend: int
    credits: int
    at: datetime


@dataclass(frozen=True)
class Changed:
    """A payment as it is after a change of it, which was decided at this moment."""

    payment: Payment
    at: datetime


class Story:
    """The facts of one user's history, in the order of their commits."""

    def __init__(self, shadow: Shadow, user: str) -> None:
        self._shadow, self._user = shadow, user
        self.account: Account = shadow.accounts[user].last
        self._payments = [one for one in shadow.payments.values() if one.last and one.last.order.user_id == user]
        self._final = {_key(one): one.reversed_minor for pay in self._payments for one in pay.last.reversals}
        self._lots = {lot.lot_id: lot for lot in self.account.lots}
        self.told, self.meanwhile = Told(), Meanwhile()
        self._excess: dict[str, int] = {}  # by payment: money that its reversals had at the time and have not now

    def tell(self) -> None:
        """Tell it again without the reversals, or parts of them, that came to nothing."""
        for _, fact in sorted(self._facts(), key=lambda one: one[0]):
            if isinstance(fact, Changed):
                self._payment(fact.payment, fact.at)
            elif isinstance(fact, GivenBack):
                self.told.give_back(fact.spend, fact.credits, fact.at)
            else:
                self._entry(fact)

    def _facts(self) -> Iterator[tuple[tuple[int, int], Entry | GivenBack | Changed]]:
        known, given = 0, Counter[int]()
        decided: dict[int, datetime] = {}  # when, by the entry: what is written a moment later may lapse in between
        versions = self._shadow.accounts[self._user].own
        for number, account in zip(versions.numbers, versions.states, strict=True):
            for entry in account.entries[known:]:
                decided[number] = entry.created_at
                yield (number, 0), entry
            known = len(account.entries)
            for one in account.reversed_spends:
                if more := one.credits - given[one.spend]:
                    yield (number, 0), GivenBack(one.spend, more, decided.get(number, self._shadow.times[number]))
                given[one.spend] = one.credits
        for payment in self._payments:
            for number, state in zip(payment.numbers, payment.states, strict=True):
                if state is not None and state.order.is_settled:
                    yield (number, 1), Changed(state, decided.get(number, self._shadow.times[number]))

    def _entry(self, entry: Entry) -> None:
        if entry.transaction_type in GIVES or (entry.transaction_type is TransactionType.ADJUSTED and entry.amount > 0):
            [name] = entry.moves
            lot = self._lots[name]
            self.told.give(Pile(name, entry.amount, lot.expires_at, lot.payment_id))
        elif entry.transaction_type in (TransactionType.SPENT, TransactionType.ADJUSTED):
            self.told.spend(entry.number, -entry.amount, entry.created_at, entry.debt_change)
            if any(self._excess.values()):
                self.meanwhile.used -= entry.amount

    def _payment(self, payment: Payment, now: datetime) -> None:
        order = payment.order
        now_out = sum(one.reversed_minor for one in payment.reversals)
        stands = sum(min(one.reversed_minor, self._final.get(_key(one), 0)) for one in payment.reversals)
        due = order.credits_purchased * min(order.charged_minor, stands) // max(1, order.charged_minor)
        before = self.told.taken(order)
        self.told.stand(order, due, now)
        was_out = any(self._excess.values())
        self._excess[order.payment_id] = now_out - stands
        is_out = any(self._excess.values())
        if was_out or is_out:
            self.meanwhile.used += max(0, self.told.taken(order) - before)
        if is_out and not was_out:
            self.meanwhile.since = now
        elif was_out and not is_out and self.meanwhile.since:
            self.meanwhile.periods.append((self.meanwhile.since, now))

    @property
    def returned(self) -> int:
        """What has come back from spends that were given back."""
        reversed_ones = TransactionType.SPEND_REVERSED
        return sum(entry.amount for entry in self.account.entries if entry.transaction_type is reversed_ones)

    @property
    def has_ended_ones(self) -> bool:
        return bool(self.meanwhile.periods)

    @property
    def has_standing_ones(self) -> bool:
        return any(self._final.values())

    @property
    def has_paid_with_what_came_back(self) -> bool:
        """Whether what a reversal gave back paid what was owed: there it would have stayed in its lot, and lapsed."""
        back = (TransactionType.REFUND_REVERSED, TransactionType.DISPUTE_REVERSED)
        return any(entry.transaction_type in back and entry.debt_change < 0 for entry in self.account.entries)

    def has_lapsed_meanwhile(self) -> bool:
        """Whether a lot lapsed while a reversal that came to nothing was out: what it had taken lives longer now."""
        expiries = [lot.expires_at for lot in self.account.lots if lot.expires_at]
        return any(first <= expiry <= last for first, last in self.meanwhile.periods for expiry in expiries)


def findings(shadow: Shadow, now: datetime) -> Iterator[str]:
    """Users who have other credits than without the reversals that came to nothing."""
    has_lost = {shadow.payments[one].last.order.user_id for one in shadow.lost_refunds}
    for user in sorted(shadow.accounts.keys() - has_lost):
        story = Story(shadow, user)
        story.tell()
        if story.has_ended_ones:
            yield from (f"user {user} {finding}" for finding in _compare(story, now))


def _compare(story: Story, now: datetime) -> Iterator[str]:
    lots, told, used = story.account.lots, story.told, story.meanwhile.used
    has = sum(lot.remaining for lot in lots if lot.is_open(now)) - story.account.wallet.debt
    lapsed = sum(lot.lost_to_expiry(now) for lot in lots)
    without = f"without the reversals that came to nothing it were {told.spendable(now)}"
    if has < told.spendable(now) - used:
        yield f"can spend {has}, {without}, less at most {used} that were used meanwhile"
    is_less_lapsed = story.has_paid_with_what_came_back and has - told.spendable(now) == told.lapsed(now) - lapsed
    is_explained = used or story.has_lapsed_meanwhile() or (is_less_lapsed and lapsed < told.lapsed(now))
    if has != told.spendable(now) and not is_explained:
        yield f"can spend {has}, {without}, and nothing was used or lapsed meanwhile"
    # A spend may have drawn from other lots here than there, and what comes back to one that has lapsed is nobody's.
    kept, kept_there = has + lapsed - story.returned, told.spendable(now) + told.lapsed(now) - told.returned
    if not story.has_standing_ones and kept != kept_there:
        yield f"has {has} and lost {lapsed} to expiry, {without}, and {told.lapsed(now)} lost"


def _key(reversal: Reversal) -> str:
    return f"{reversal.payment_id} {reversal.reversal_id}"
