"""Rules about spends that wait in line, told from the stored places, receipts and entries alone."""

from collections.abc import Mapping
from datetime import UTC, datetime
from typing import Any

from tests.simulation.invocations import Invocation, Invocations
from tests.simulation.rules import Violation, open_lots
from tests.simulation.rules_of_holds import held_at
from tests.simulation.scheduler import Scheduler
from topup.domain.audit import Account
from topup.domain.line import PATIENCE

Records = Mapping[str, Any]  # of one user, as they are stored, by what follows the kind
Order = tuple[datetime, str]  # of the turns
REFUSED, BUSY = 409, 503
LONG, MANY = 4.0, 8  # seconds, and looks at the line


class Lines:
    """Who waits for whose wallet, after each commit."""

    def __init__(self, scheduler: Scheduler, invocations: Invocations) -> None:
        self._scheduler, self._invocations = scheduler, invocations
        self._places: dict[str, Records] = {}
        self._used: dict[str, set[str]] = {}  # the keys that have receipts
        self._first: dict[str, str | None] = {}
        self._moved_at: dict[str, float] = {}  # when another one became the first
        self._arrived: dict[tuple[str, str], int] = {}  # the order in which the places were taken
        self._gone: dict[str, list[tuple[int, Order, float]]] = {}  # who left: how they arrived, their order, and when
        self._unanswered: dict[tuple[str, str], set[int]] = {}
        self._refused: set[tuple[str, str]] = set()
        self.hit: Any = lambda _name: None

    # ------------------------------------------------------------------------------------------------- requests

    def begun(self, invocation: Invocation) -> None:
        if invocation.function == "spend_credits":
            request = (invocation.about["user"], invocation.about["key"])
            self._unanswered.setdefault(request, set()).add(invocation.number)
            self._refused.discard(request)

    def answered(self, invocation: Invocation, status: int) -> None:
        """Note what a spend was told; raises Violation for one in whose line nobody has led."""
        user, _ = request = (invocation.about["user"], invocation.about["key"])
        if status == BUSY:
            if "PutItem" in invocation.calls and self._places.get(user):
                self._check_patience(user, invocation)
            return
        others = self._unanswered[request]
        others.discard(invocation.number)
        if status == REFUSED and not others:  # a request that has no answer may be carried out still
            self._refused.add(request)

    def forget(self, invocation: Invocation) -> None:
        """A spend has ended, and nobody knows what of it counts."""
        request = (invocation.about["user"], invocation.about["key"])
        self._unanswered[request].discard(invocation.number)

    def _check_patience(self, user: str, invocation: Invocation) -> None:
        """Whoever sees for seconds that nothing moves tries to lead."""
        stood_still = self._scheduler.seconds - self._moved_at[user]
        since = _from_last("PutItem", invocation.calls)
        looks = since.count("GetItem")  # for its receipt; then it reads the line, page after page
        if stood_still <= LONG or looks <= MANY:
            return
        led = since[: -len(_from_last("Query", since))]  # then it takes its own place out, and gives up
        if "TransactWriteItems" not in led:
            raise Violation(f"user {user}: the line stood still for {stood_still:.1f} s, and nobody led it")

    # ------------------------------------------------------------------------------------------------- commits

    def check(self, user: str, records: Records, before: Account, after: Account) -> None:
        """Check a commit; raises Violation."""
        places, used = _named(records, "PENDING#"), _named(records, "IDEMPOTENCY#").keys()
        known, known_used = self._places.get(user, {}), self._used.get(user, set())
        gone = [known[key] for key in known.keys() - places.keys()]
        left = [one for one in gone if int(one["ttl"]["N"]) > self._scheduler.seconds]  # TTL has removed the others
        new = after.entries[len(before.entries) :]
        author = self._invocations.author
        if author and author.function == "spend_credits":
            if len(used - known_used) < len(new):
                raise Violation(f"user {user}: of {len(new)} spends in one change some have no receipt")
            if left:
                self._check_turn(user, author)
                self._check_left(user, [one for one in left if _key(one) not in used], before, after)
            self._note(author, known, used - known_used)
        if wrong := [key for key in used - known_used if (user, key) in self._refused]:
            raise Violation(f"user {user}: these spends were refused, and made afterwards: {wrong}")
        self._gone.setdefault(user, []).extend(
            (self._arrived[user, _key(one)], _order(one), self._scheduler.seconds) for one in gone
        )
        for key in sorted(places.keys() - known.keys()):
            self._arrived[user, key] = max(self._arrived.values(), default=0) + 1
        self._places[user], self._used[user] = places, set(used)
        first = min(places.values(), key=_order, default=None)
        if first is None or _key(first) != self._first.get(user):
            self._first[user] = _key(first) if first else None
            self._moved_at[user] = self._scheduler.seconds

    def erased(self, user: str, records: Records) -> None:
        """The user's records are somebody else's now: what was asked for before counts no more."""
        self._places[user], self._used[user], self._first[user] = _named(records, "PENDING#"), set(), None
        self._moved_at[user] = self._scheduler.seconds
        self._refused = {request for request in self._refused if request[0] != user}
        self._arrived |= {(user, key): 0 for key in self._places[user]}

    def _check_turn(self, user: str, author: Invocation) -> None:
        """Only the first leads; the others one after another, where the first has not moved for long.

        Told from what the leader must have seen: it may have read the line before somebody with a slower clock came,
        or before its own place was taken again by a repetition of the same request. And it may have seen the first one
        for long, and not one that came before that one, and left again, between two of its looks.
        """
        now, places = author.about["now"].timestamp(), self._places[user]
        if (mine := places.get(author.about["key"])) is None:
            return
        arrived = self._arrived[user, _key(mine)]
        my_order = min(_order(mine), (author.about["now"], _key(mine)))
        known = [one for one in places.values() if self._arrived[user, _key(one)] < arrived]
        before = [_order(one) for one in known if int(one["ttl"]["N"]) > now and _order(one) < my_order]
        place, first = len(before), min(before, default=my_order)
        came = min(arrived, self._arrived[user, first[1]])
        left_at = [at for number, order, at in self._gone.get(user, ()) if number < came and order < first]
        stood_still = self._scheduler.seconds - max([author.begun, *left_at])
        if stood_still < place * PATIENCE - 0.001:
            raise Violation(f"user {user}: number {place} in line led after {stood_still:.3f} seconds")
        if place:
            self.hit("a request that has died in line is replaced")

    def _check_left(self, user: str, unpaid: list[Any], before: Account, after: Account) -> None:
        """Who leaves the line unpaid could not be paid of what the ones before had left."""
        if unpaid:
            self.hit("a spend in line cannot be paid")
        new = after.entries[len(before.entries) :]
        if not new:
            return  # nobody could be paid of what was read; it may have changed since
        at: datetime = new[-1].created_at
        left = sum(lot.remaining for lot in open_lots(after, at)) - after.wallet.debt - held_at(after, at)
        if refused := [_key(one) for one in unpaid if int(one["amount"]["N"]) <= left]:
            raise Violation(f"user {user}: {refused} left the line unpaid, and {left} credits were left for them")

    def _note(self, author: Invocation, places: Records, paid: set[str]) -> None:
        if len(paid) > 1:
            self.hit("spends that waited in line are written together")
        if any(key in places and key != author.about["key"] for key in paid):
            self.hit("a spend in line is written by another request")


def _named(records: Records, prefix: str) -> dict[str, Any]:
    return {record.removeprefix(prefix): item for record, item in records.items() if record.startswith(prefix)}


def _from_last(operation: str, calls: list[str]) -> list[str]:
    return calls[len(calls) - 1 - calls[::-1].index(operation) :]


def _key(place: Any) -> str:
    return str(place["record"]["S"]).partition("#")[2]


def _order(place: Any) -> Order:
    return datetime.fromisoformat(place["received_at"]["S"]).astimezone(UTC), _key(place)
