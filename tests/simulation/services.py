"""Services that hold credits before work whose cost they do not know, spend in batches, and give spends back."""

from collections.abc import Callable
from datetime import timedelta
from functools import partial
from typing import Any

from tests.simulation.actions import DAY, USERS, Json
from tests.simulation.clients import SERVICE
from tests.simulation.faults import Fault
from tests.simulation.grants import NEVER, STANDARD, Grants
from tests.simulation.names import MOST_HOLDS
from topup.domain import times

CREATED, OK = 201, 200


class Services(Grants):
    """All other actions, and those of services that do not know the cost yet, or knew it wrong."""

    def __init__(self, *args: Any) -> None:
        super().__init__(*args)
        self.holds: list[tuple[str, str]] = []  # user and public id of each that a response named
        self.spends: list[tuple[str, str]] = []  # user and transaction id, likewise
        self._spent_keys: set[str] = set()  # of items that a response has confirmed

    # ------------------------------------------------------------------------------------------------- holds

    def hold(
        self, *, user: int, share: float, ttl: int, overrun: str, tries: int, twice: bool, then: list[list[Any]]
    ) -> None:
        """A hold for a share of the user's credits; then what `then` says, in seconds from now or from the end."""
        self._begin(partial(self._hold, USERS[user], share, ttl, overrun, tries, twice=twice, then=then))

    def _hold(
        self, name: str, share: float, ttl: int, overrun: str, tries: int, *, twice: bool, then: list[list[Any]]
    ) -> None:
        amount = max(1, int(self._open_credits(name) * share))
        body: Json = {"user_id": name, "amount": amount, "ttl_seconds": ttl, "overrun": overrun, "description": "work"}
        ask = self._of_a_service("open_hold", name, body, tries, amount=amount, ttl=timedelta(seconds=ttl))
        if twice:
            self._begin(ask, self._rng.uniform(0, 0.05))
        response = ask()
        if response is None or response.status != CREATED:
            return
        hold = response.document
        if (name, hold["hold_id"]) not in self.holds:
            self.holds.append((name, hold["hold_id"]))
        until = (times.from_text(hold["ends_at"]) - self._world.scheduler.now).total_seconds()
        for what, after, of in then:
            is_of_the_end = what in ("capture at the end", "late capture")
            self._begin(partial(self._do, what, name, hold, of), max(0.0, after + (until if is_of_the_end else 0.0)))

    def _do(self, what: str, name: str, hold: Json, share: float) -> None:
        amount = max(1, int(hold["amount"] * share))
        match what:
            case "extend":
                more, ttl = self._rng.choice((0, 1, amount)), self._rng.choice((1, 60, 4000, 86_400))
                about: Json = {"more": more, "ttl": timedelta(seconds=ttl)}
                self._change("extend_hold", name, hold, {"ttl_seconds": ttl, "add": more}, **about)
            case "release":
                self._change("release_hold", name, hold, None)
            case _:
                is_final = what != "capture a part"
                self._change("capture_hold", name, hold, {"amount": amount, "final": is_final}, amount=amount)

    def _change(self, function: str, name: str, hold: Json, body: Json | None, **about: Any) -> None:
        """A request about a hold, often sent again after its answer."""
        about |= {"path": {"hold_id": hold["hold_id"]}, "hold": hold["hold_id"].partition(".")[0]}
        ask = self._of_a_service(function, name, body, 3, **about)
        for _ in range(self._rng.choice((1, 1, 2))):
            response = ask()
            if response and response.status == OK and response.document.get("transaction_id"):
                self._note_spend(name, response.document["transaction_id"])

    def many_holds(self, *, user: int, ttl: int) -> None:
        """More holds than a user may have at once, some while others are opened."""
        name = USERS[user]

        def run() -> None:
            self._give(name, 2 * MOST_HOLDS, NEVER)
            for number in range(MOST_HOLDS + 2):
                ask = partial(self._hold, name, 0.001, ttl, "available", 2, twice=False, then=[])
                self._begin(ask, number * self._rng.choice((0.02, 1.0)))

        self._begin(run)

    def taken_under_hold(self, *, which: int, share: float, overrun: str, takes: str, captures: float) -> None:
        """A hold of a purchase's credits, whose money goes back: by force, by the bank, or as far as it is free."""
        purchase = self._purchase(which)
        if purchase is None or purchase.intent is None:
            return
        self._world.hit(f"money goes back whose credits are held: {takes}")
        which, after = self.purchases.index(purchase), self._rng.choice((0.02, 0.05, 5.0, 5.0))
        then: list[list[Any]] = [["capture", after + self._rng.choice((0.0, 0.1, 0.3, 20.0)), captures]]
        self._begin(partial(self._hold, purchase.user, share, 900, overrun, 3, twice=False, then=then))
        match takes:
            case "a dispute":
                self._begin(lambda: self.dispute(which=which, share=None, inquiry=False), after)
            case "the Dashboard":
                self._begin(lambda: self.dashboard_refund(which=which, share=None, pending=False), after)
            case _:
                forced = takes == "force"
                self.refund(which=which, share=None, force=forced, key=True, tries=3, after=after)

    def hold_under_debt(self, *, which: int, overrun: str) -> None:
        """Credits are spent and clawed back; then holds are asked for, before and after a grant pays the debt."""
        purchase = self._purchase(which)
        if purchase is None or purchase.intent is None:
            return
        name = purchase.user
        self._spend(name, 1.0, 3)
        self._begin(lambda: self.dashboard_refund(which=self.purchases.index(purchase), share=None, pending=False), 2.0)
        self._world.hit("a hold under debt")
        for after in (1.0, 60.0):
            ask = partial(self._hold, name, 0.5, 900, overrun, 2, twice=False, then=[["capture", 30.0, 1.5]])
            self._begin(ask, after)
        self._begin(lambda: self._give(name, 300, NEVER), 40.0)

    def hold_beside_another(self, *, user: int, overrun: str, captures: float, frees: str) -> None:
        """One of two holds is captured beyond what it has; then the other one goes, and a third is asked for."""
        name = USERS[user]
        self._world.scheduler.run_for(60.0)
        then: list[list[Any]] = [[frees, 30.0, 0.5]]
        self._begin(partial(self._hold, name, 0.5, 900, "refuse", 3, twice=False, then=then))
        then = [["capture", 5.0, captures]]
        self._begin(partial(self._hold, name, 0.4, 900, overrun, 3, twice=False, then=then), 2.0)
        self._begin(partial(self._hold, name, 1.0, 900, "available", 3, twice=False, then=[]), 60.0)

    def owing_beside_a_hold(self, *, user: int, lives: float | str, ends: str, refunds: float | None) -> None:
        """A capture makes its user owe beside what another hold reserves; then this one ends, and more happens.

        `lives`: seconds, or NEVER, of credits that both rest on. `refunds`: the share of a purchase that is asked back
        without force, when the other hold is over.
        """
        name = USERS[user]
        self._world.scheduler.run_for(60.0)
        self._begin(lambda: self._give(name, 200, lives))
        then: list[list[Any]] = [] if ends == "by itself" else [[ends, 30.0, 0.3]]
        self._begin(partial(self._hold, name, 0.6, 900, "refuse", 3, twice=False, then=then), 1.0)
        owes = [["capture", 5.0, 2.0]]
        self._begin(partial(self._hold, name, 0.4, 900, "debt", 3, twice=False, then=owes), 2.0)
        if refunds is not None:
            after = 910.0 if ends == "by itself" else 40.0
            self.refund(which=user, share=refunds, force=False, key=True, tries=3, after=after)

    # ------------------------------------------------------------------------------------------------- batches

    def batch(
        self, *, user: int, shares: list[float], tries: int, twice: bool, repeats: int, after: float, misuses: bool
    ) -> None:
        """Several spends in one request; then another one, where `repeats` of them come again beside a new one.

        With `misuses` one of them asks for another amount, so that all of that request is refused.
        """
        name = USERS[user]
        items = [self._item(name, share) for share in shares]
        ask = self._batch(name, items, tries)
        self._begin(ask)
        if twice:
            self._begin(ask, self._rng.choice((0.0, 0.02, 0.05, 20.0)))
        if repeats:
            self._begin(lambda: self._repeat(name, items[:repeats], tries, misuses=misuses), after)

    def _repeat(self, name: str, known: list[Json], tries: int, *, misuses: bool) -> None:
        about: Json = {}
        if misuses and known[0]["key"] in self._spent_keys:
            about["misused"] = known[0]["key"]
            known = [known[0] | {"amount": known[0]["amount"] + 1}, *known[1:]]
        self._world.hit("a batch with items that were spent before")
        self._batch(name, [self._item(name, 0.01), *known], tries, **about)()

    def _item(self, name: str, share: float) -> Json:
        """A spend; its description names it, so that the ledger shows which of a batch are there."""
        key = self._key(name)
        return {"key": key, "amount": max(1, int(self._open_credits(name) * share)), "description": f"item {key}"}

    def _batch(self, name: str, items: list[Json], tries: int, **about: Any) -> Callable[[], None]:
        body: Json = {"user_id": name, "items": items}
        about |= {"user": name, "items": items, "key": items[0]["key"]}

        def send() -> None:
            response = self._ask("spend_batch", SERVICE, body, tries, **about)
            if response and response.status == OK:
                self._spent_keys |= {item["key"] for item in items}
                for receipt in response.document["items"]:
                    self._note_spend(name, receipt["transaction_id"])

        return send

    # ------------------------------------------------------------------------------------------------- in line

    def crowd(
        self, *, user: int, shares: list[float], gaps: list[float], tries: int, beside: str, dies: list[Any] | None
    ) -> None:
        """Many spends of one user at the same moment, while something else changes the credits; one of them may die."""
        name, database = USERS[user], self._world.database
        self._world.scheduler.run_for(60.0)
        if dies:
            operation, fault, calls_before = dies
            database.planned += [("spend_credits", operation, None)] * calls_before
            database.planned.append(("spend_credits", operation, Fault(fault)))
        for share, gap in zip(shares, gaps, strict=True):
            self._begin(self._spending(name, max(1, int(self._open_credits(name) * share)), tries), gap)
        after = self._rng.uniform(0.0, 0.1)
        match beside:
            case "grant":
                self._begin(lambda: self._give(name, 50, NEVER), after)
            case "adjust":
                self._begin(self._adjusting(name, -max(1, int(self._open_credits(name) * 0.3)), tries), after)
            case "hold":
                then: list[list[Any]] = [["capture", 0.05, 1.0]]
                self._begin(partial(self._hold, name, 0.3, 900, "available", 3, twice=False, then=then), after)
        self._world.scheduler.run_for(60.0)
        database.forget_planned()

    # ------------------------------------------------------------------------------------------------- given back

    def reverse(self, *, which: int, shares: list[float | None], gap: float, tries: int, twice: bool) -> None:
        """Parts of one spend are given back: more than there is, in the end."""
        if not self.spends:
            return
        name, transaction_id = self.spends[which % len(self.spends)]
        for number, share in enumerate(shares):
            self._reverse(name, transaction_id, share, tries, twice=twice, after=number * gap)

    def give_back_to_many_lots(self, *, user: int, lots: list[int], share: float, parts: list[float | None]) -> None:
        """A spend from many small lots comes back in parts."""
        name = USERS[user]

        def run() -> None:
            self._small_lots(name, lots, (NEVER, STANDARD, 40 * DAY))
            self._spending(name, max(1, int(self._open_credits(name) * share)), 3)()
            spent = [spend for owner, spend in self.spends if owner == name]
            for part in parts if spent else ():
                self._reverse(name, spent[-1], part, 3, twice=False, after=0.0)
                self._world.scheduler.pause(self._rng.choice((0.0, 0.02, 1.0)))

        self._begin(run)

    def refund_while_reversing(self, *, which: int, share: float, first: float, force: bool) -> None:
        """Credits of a purchase come back from a spend at the same moment as its money goes back."""
        purchase = self._purchase(which)
        if purchase is None:
            return
        self._spend(purchase.user, share, 3)
        self._world.scheduler.run_for(60.0)
        spent = [spend for owner, spend in self.spends if owner == purchase.user]
        if spent:
            self._reverse(purchase.user, spent[-1], None, 3, twice=False, after=first)
        which = self.purchases.index(purchase)
        self.refund(which=which, share=None, force=force, key=True, tries=3, after=self._rng.uniform(0, 0.3))

    def _reverse(
        self, name: str, transaction_id: str, share: float | None, tries: int, *, twice: bool, after: float
    ) -> None:
        account = self._world.shadow.account(name)
        entry = (
            next((one for one in account.entries if one.transaction_id == transaction_id), None) if account else None
        )
        amount = max(1, int(-entry.amount * share)) if entry and share else None
        body: Json = {"user_id": name, "transaction_id": transaction_id, "amount": amount, "reason": "not needed"}
        ask = self._of_a_service("reverse_spend", name, body, tries, amount=amount, spend=transaction_id)
        self._begin(ask, after)
        if twice:
            self._begin(ask, after + self._rng.choice((0.0, 0.02, 0.05, 20.0)))

    def _note_spend(self, name: str, transaction_id: str) -> None:
        if (name, transaction_id) not in self.spends:
            self.spends.append((name, transaction_id))

    def _spending(self, name: str, amount: int, tries: int) -> Callable[[], Any]:
        ask = super()._spending(name, amount, tries)

        def spend() -> None:
            response = ask()
            if response and response.status == OK:
                self._note_spend(name, response.document["transaction_id"])

        return spend

    # ------------------------------------------------------------------------------------------------- requests

    def _of_a_service(self, function: str, name: str, body: Json | None, tries: int, **about: Any) -> Any:
        """A request that is sent with a key of its own, once or several times."""
        key = self._key(name)
        return partial(
            self._ask, function, SERVICE | {"idempotency-key": key}, body, tries, **{"user": name, "key": key, **about}
        )

    def _near_an_end(self, name: str, action: str, share: float, after: float) -> None:
        """One of these requests within a second of the expiry of credits."""
        if action == "hold":
            then: list[list[Any]] = [["extend", 0.2, 0.5], ["capture", 1.0, share]]
            ttl = self._rng.choice((1, 3, 60))
            self._begin(partial(self._hold, name, share, ttl, "available", 2, twice=False, then=then), after)
        else:
            self._begin(self._spending(name, max(1, int(self._open_credits(name) * share)), 2))
            self._begin(lambda: self._reverse_the_last(name), max(0.0, after))

    def _reverse_the_last(self, name: str) -> None:
        spent = [spend for owner, spend in self.spends if owner == name]
        if spent:
            self._world.hit("a spend is given back at the expiry of credits")
            self._reverse(name, spent[-1], None, 2, twice=False, after=0.0)
