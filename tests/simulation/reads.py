"""Reads by services and users: what is now, what was, what will be, and why."""

from collections.abc import Sequence
from datetime import datetime, timedelta
from functools import partial
from typing import Any

from tests.simulation.actions import DAY, USERS, Json
from tests.simulation.clients import SERVICE, Response, as_user
from tests.simulation.credit_responses import quiet_times
from tests.simulation.rules import Violation
from tests.simulation.services import OK, Services
from topup.domain import times

MOMENTS = 3  # of each user that are asked about at the end
LARGEST_PAGE = 100


class Reads(Services):
    """All other actions, and all reads."""

    def read(self, *, user: int, which: int, what: str) -> None:
        name = USERS[user]
        match what:
            case "holds":
                self._begin(lambda: self._ask("list_holds", SERVICE, user=name, path={"user_id": name}))
            case "explained":
                self._begin(lambda: self._explain(name, 5))
            case "future":
                moment = self._world.scheduler.now + timedelta(
                    seconds=self._rng.choice((30, 4000, 40 * DAY, 400 * DAY))
                )
                self._begin(lambda: self._read_at(name, moment))
            case "past":
                if quiet := list(quiet_times(self._world.shadow, name, self._world.scheduler.now)):
                    self._begin(lambda: self._read_at(name, self._within(quiet)))
            case _:
                super().read(user=user, which=which, what=what)

    def look_back(self) -> None:
        """Ask at the end what was answered at earlier moments, and what each change has moved; raises Violation."""
        for name in sorted(self._world.shadow.accounts):
            quiet = list(quiet_times(self._world.shadow, name, self._world.scheduler.now))
            asked = [partial(self._read_at, name, self._within([time])) for time in self._some_of(quiet)]
            for ask in (*asked, partial(self._explain, name, LARGEST_PAGE)):
                response = self._world.run_now(ask)
                if response.status != OK:
                    raise Violation(f"what {name} had is not told: {response}")

    def _some_of(self, quiet: Sequence[Any]) -> list[Any]:
        return self._rng.sample(quiet, min(len(quiet), MOMENTS))

    def _explain(self, name: str, limit: int) -> Response | None:
        about: Json = {"query": {"limit": str(limit), "explain": "true"}, "limit": limit, "is_explained": True}
        return self._ask("list_transactions", as_user(name), user=name, **about)

    def _read_at(self, name: str, moment: datetime) -> Response | None:
        moment = times.whole_second(moment)
        query = {"as_of": times.to_text(moment)}
        return self._ask("get_credits", as_user(name), user=name, query=query, as_of=moment)

    def _within(self, quiet: Sequence[tuple[datetime, datetime]]) -> datetime:
        first, last = self._rng.choice(quiet)
        return first + (last - first) * self._rng.random()
