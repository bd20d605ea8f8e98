"""What a user's credits were at an earlier moment: by the ledger, from its beginning on or from its end back.

What was then is what there is after the last entry before the first one that was received later. An entry that was
received before the moment and written after a later one does not count: nobody could read it then.
"""

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass, field, replace
from datetime import datetime
from itertools import dropwhile, takewhile

from topup.domain import holds
from topup.domain.credits import EARNS, Entry, UserCredits, Wallet
from topup.domain.holds import Hold
from topup.domain.lots import Lot


@dataclass
class Figures:
    """The figures of a user's credits after an entry; `remaining` is what is left of each lot, by its id."""

    last_entry: int = 0
    balance: int = 0
    debt: int = 0
    total_credits_earned: int = 0
    remaining: Counter[str] = field(default_factory=Counter)

    def _move(self, entry: Entry, sign: int) -> None:
        self.last_entry += sign
        self.balance += sign * entry.amount
        self.debt += sign * entry.debt_change
        self.total_credits_earned += sign * entry.amount if entry.transaction_type in EARNS else 0
        for lot_id, change in entry.moves.items():
            self.remaining[lot_id] += sign * change

    def with_entries(self, entries: Iterable[Entry]) -> "Figures":
        """These figures after entries that follow."""
        for entry in entries:
            self._move(entry, 1)
        return self

    def without(self, entries: Iterable[Entry]) -> "Figures":
        """These figures before the last entries."""
        for entry in entries:
            self._move(entry, -1)
        return self


@dataclass(frozen=True, kw_only=True)
class Past:
    """A user's credits as they were at a moment; `knows_holds`: whether it is known what holds reserved then."""

    user: UserCredits
    knows_holds: bool


def from_the_beginning(entries: Iterable[Entry], moment: datetime) -> Figures:
    """The figures at the moment; `entries` are all from the first one on, and read no further than needed."""
    return Figures().with_entries(takewhile(lambda entry: entry.created_at <= moment, entries))


def from_now_back(user: UserCredits, entries: Iterable[Entry], moment: datetime) -> Figures:
    """The figures at the moment; `entries` are all from an earlier one on, none of those before was received later.

    The user's lots are all that have credits, also those past their expiry.
    """
    wallet = user.wallet
    now = Figures(
        last_entry=wallet.last_entry,
        balance=wallet.balance,
        debt=wallet.debt,
        total_credits_earned=wallet.total_credits_earned,
        remaining=Counter({lot.lot_id: lot.remaining for lot in user.lots}),
    )
    return now.without(dropwhile(lambda entry: entry.created_at <= moment, entries))


def credits_at(
    user_id: str, figures: Figures, lots: Iterable[Lot], known_holds: Iterable[Hold] | None, moment: datetime
) -> Past:
    """The user's credits with these figures, and the holds as they were.

    `lots` are those that had credits, `known_holds` all that may have reserved some, None where these are not known.
    """
    reserving = [holds.as_of(hold, moment) for hold in known_holds or ()]
    user = UserCredits(
        wallet=Wallet(
            user_id=user_id,
            balance=figures.balance,
            debt=figures.debt,
            total_credits_earned=figures.total_credits_earned,
            last_entry=figures.last_entry,
        ),
        lots=[replace(lot, remaining=figures.remaining[lot.lot_id]) for lot in lots],
        holds=[hold for hold in reserving if hold],
    )
    return Past(user=user, knows_holds=known_holds is not None and None not in reserving)
