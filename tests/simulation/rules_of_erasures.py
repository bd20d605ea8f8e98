"""Rules about users who are erased, told from the stored records alone: what may change meanwhile, and what is left."""

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from tests.simulation.database import Database
from tests.simulation.invocations import Invocation, Invocations
from tests.simulation.rules import Violation
from topup.domain.audit import Account
from topup.domain.orders import Order

ERASE = "person_erase"
WALLET, PLACE = "WALLET", "PENDING#"
# What people write, by the attribute that has it: with a word in its place, or gone.
WORDS = ("description", "reason", "metadata", "return_url", "payment_url")
ERASED = {"S": "erased"}

Records = Mapping[str, Any]


@dataclass(eq=False)
class Move:
    """A user whose records move to a pseudonym: what there was when they began to, and the commits of both ends."""

    account: Account
    pseudonym: str
    begun: int
    done_with: dict[str, int]  # the payments of the user's that were not under way, and the attempt of each
    records: dict[str, Any] = field(default_factory=dict)
    ended: int | None = None

    @property
    def user(self) -> str:
        return self.account.user_id


class Erasures:
    """The users whose records move, or have moved."""

    def __init__(self, database: Database, invocations: Invocations) -> None:
        self._database, self._invocations = database, invocations
        self.moves: list[Move] = []

    def pseudonyms_of(self, user: str) -> Iterator[str]:
        """The pseudonyms under which the records of the user's earlier wallets stand."""
        return (move.pseudonym for move in self.moves if move.user == user and move.ended)

    def is_moving(self, user: str) -> bool:
        """Whether the records of this user, or of this pseudonym, are in two places."""
        return any(user in (move.user, move.pseudonym) for move in self._under_way)

    def has_moved_since(self, user: str | None, commit: int) -> bool:
        """Whether the user's records have moved after that commit, if only in part."""
        return any(move.user == user and (move.ended is None or move.ended > commit) for move in self.moves)

    def moved_entries(self, pseudonym: str) -> int:
        """How many entries have come to the pseudonym: nobody is told of them again."""
        return sum(len(move.account.entries) for move in self.moves if move.pseudonym == pseudonym)

    @property
    def _under_way(self) -> Iterator[Move]:
        return (move for move in self.moves if move.ended is None)

    # ---------------------------------------------------------------------------------------------------- commits

    def begin(self, account: Account, commit: int, payments: Iterable[Any]) -> None:
        """The wallet is locked; raises Violation where something is under way, or somebody else has locked it."""
        if not self._is_by_an_erasure() or account.wallet.unfinished:
            raise Violation(f"user {account.user_id}: the wallet was locked: {account.wallet}")
        if is_open := [hold.hold_id for hold in account.holds if hold.status == "open"]:
            raise Violation(f"user {account.user_id}: the wallet was locked, and these holds are open: {is_open}")
        done_with = {
            one.last.order.payment_id: one.last.order.attempt
            for one in payments
            if one.last.order.user_id == account.user_id and not one.last.order.is_unfinished
        }
        pseudonym = str(account.wallet.moves_to)
        self.moves.append(Move(account, pseudonym, commit, done_with, dict(self._records(account.user_id))))

    def written(self, users: set[str]) -> set[str]:
        """Of the users that a commit has written, those whose records move; raises Violation if it was another's."""
        moving = {user for user in users if self.is_moving(user) or self._is_new(user)}
        if moving and not self._is_by_an_erasure():
            for move in self._under_way:
                self._check_untouched(move)
                if move.pseudonym in moving:
                    raise Violation(f"{move.pseudonym} changed while the records of {move.user} moved to it")
        return moving

    def _is_new(self, user: str) -> bool:
        """Whether it is a pseudonym, to which records have just begun to move."""
        return bool(self._records(user).get(WALLET, {}).get("moves_to", {}).get("S") == user)

    def _check_untouched(self, move: Move) -> None:
        """Nobody changes what is to move: what is written then would be lost. Places in line lapse by themselves."""
        changed = [
            record
            for record, item in self._records(move.user).items()
            if not record.startswith(PLACE) and move.records.get(record) is not item
        ]
        if changed:
            raise Violation(f"user {move.user}: {changed} changed while the records moved")

    def ended(self, users: set[str]) -> list[Move]:
        """The moves that a commit has brought to their end: the wallet of the pseudonym is not locked any more."""
        return [
            move
            for move in self._under_way
            if move.pseudonym in users and "moves_to" not in self._records(move.pseudonym).get(WALLET, {"moves_to": 0})
        ]

    def renamed(self, before: Order, after: Order) -> Order:
        """The order before a commit, under the name that it has now, where its user is being erased."""
        renames = {move.user: move.pseudonym for move in self._under_way}
        if before.user_id != after.user_id and renames.get(before.user_id) == after.user_id:
            if before.is_unfinished:
                raise Violation(
                    f"payment {before.payment_id} is the pseudonym's, and {before.user_id} may still pay it"
                )
            return replace(before, user_id=after.user_id)
        return before

    def _is_by_an_erasure(self) -> bool:
        author = self._invocations.author
        return author is not None and author.function == ERASE

    def _records(self, user: str) -> Records:
        return self._database.items(self._database.credits).get(user, {})

    # ---------------------------------------------------------------------------------------------------- the end

    def check(self, move: Move, account: Account, payments: Iterable[Any]) -> None:
        """The pseudonym has all that the user had, and nothing says who it was; raises Violation."""
        findings = [
            *_differences(move.account, account),
            *self._left_behind(move),
            *(
                f"payment {one.last.order.payment_id} is still the user's"
                for one in payments
                # One that was opened again meanwhile belongs to the user's next wallet.
                if move.done_with.get(one.last.order.payment_id) == one.last.order.attempt
                and one.last.order.user_id != move.pseudonym
            ),
            *self.traces(move),
            *self._words(move),
        ]
        if findings:
            raise Violation(f"user {move.user} was erased: {'; '.join(findings)}")

    def _left_behind(self, move: Move) -> Iterator[str]:
        """Only who has come to the line since then may have a place in it."""
        for record, item in self._records(move.user).items():
            if not record.startswith(PLACE) or move.records.get(record) is item:
                yield f"{record} is still there"

    def traces(self, move: Move) -> Iterator[str]:
        """Records of the pseudonym that say who it was."""
        for name, record, item in self._stands_under(move.pseudonym):
            if f"'{move.user}" in str(item) or f" {move.user}" in str(item):
                yield f"{record} of {name} names the user"

    def _words(self, move: Move) -> Iterator[str]:
        """Records of the pseudonym with what people had written. Why a card was disputed is a word of the bank's."""
        for name, record, item in self._stands_under(move.pseudonym):
            words = [one for one in WORDS if item.get(one, ERASED) != ERASED]
            if words and not record.startswith("DISPUTE#"):
                yield f"{record} of {name} has words: {words}"

    def _stands_under(self, pseudonym: str) -> Iterator[tuple[str, str, Any]]:
        """All records of its credits and payments."""
        places = [(pseudonym, self._records(pseudonym))]
        for payment_id, records in self._database.items(self._database.orders).items():
            if records.get("ORDER", {}).get("user_id", {}).get("S") == pseudonym:
                places.append((payment_id, records))
        return ((name, record, item) for name, records in places for record, item in records.items())

    def findings(self) -> Iterator[str]:
        """What is wrong with those who have been erased, when nothing is under way any more."""
        for move in self.moves:
            if move.ended is None:
                yield f"user {move.user}: the records still move to {move.pseudonym}"
            else:
                yield from self.traces(move)


def check_buyer(author: Invocation | None, order: Order) -> None:
    """Nobody opens a checkout for somebody else, not even with a key that was used before; raises Violation."""
    if author and author.function == "create_checkout" and order.user_id != author.about["user"]:
        raise Violation(f"payment {order.payment_id}: {author.about['user']} has opened a checkout for {order.user_id}")


def _differences(before: Account, after: Account) -> Iterator[str]:
    """What the pseudonym has otherwise than the user had, but for words."""
    for name, of in (("wallet", _wallet), ("ledger", _entries), ("lots", _lots), ("holds", _holds), ("rest", _rest)):
        if of(before) != of(after):
            yield f"the {name} was {of(before)}, and is {of(after)}"


def _wallet(account: Account) -> Any:
    return replace(account.wallet, user_id="", moves_to=None)


def _entries(account: Account) -> Any:
    return [
        replace(entry, user_id="", cause=replace(entry.cause, description="", reason=None, metadata={}))
        for entry in account.entries
    ]


def _lots(account: Account) -> Any:
    return sorted((replace(lot, user_id="", name="") for lot in account.lots), key=lambda lot: lot.lot_id)


def _holds(account: Account) -> Any:
    holds = [replace(hold, user_id="", description="", metadata={}) for hold in account.holds]
    return sorted(holds, key=lambda hold: hold.hold_id)


def _rest(account: Account) -> Any:
    given_back = [replace(one, user_id="") for one in account.reversed_spends]
    return account.clawbacks, sorted(given_back, key=lambda one: one.spend)
