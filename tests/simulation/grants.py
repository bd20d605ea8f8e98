"""Administrators who give and correct credits, and users with so many lots that one transaction cannot change all."""

from collections.abc import Sequence
from datetime import timedelta
from functools import partial
from typing import Any

from tests.simulation.actions import USERS, Actions, Json, Purchase
from tests.simulation.clients import as_admin
from tests.simulation.rules import open_lots
from topup.domain import times

NEVER, STANDARD = "never", "standard"


class Grants(Actions):
    """All other actions, and those that bring credits without a purchase."""

    def grant(self, *, user: int, amount: int, expires: float | str, tries: int, again: float | None) -> None:
        """A grant; the same request comes once more, so many seconds later."""
        ask = self._granting(USERS[user], amount, expires, None, tries)
        self._begin(ask)
        if again is not None:
            self._begin(ask, again)
            if isinstance(expires, float) and again > expires:
                self._world.hit("a grant is requested again after its expiry")

    def campaign(self, *, user: int, name: str, amount: int, expires: float | str, gaps: list[float]) -> None:
        """The same campaign for the same user under several keys: at once, or as far apart as the gaps say."""
        after = 0.0
        for gap in (0.0, *gaps):
            after += gap
            self._begin(partial(self._give, USERS[user], amount, expires, name), after)

    def adjust(self, *, user: int, up: int | None, share: float, tries: int, twice: bool) -> None:
        """Up by `up` credits, or down by a share of what the user has."""
        name = USERS[user]
        ask = self._adjusting(name, up or -max(1, int(self._open_credits(name) * share)), tries)
        self._begin(ask)
        if twice:
            self._begin(ask, self._rng.choice((0.0, 0.02, 0.05, 20.0)))

    def spend_many_lots(self, *, user: int, lots: list[int], shares: list[float], down: bool) -> None:
        """A spend (or an adjustment down) from many small lots, others at the same time, and a look meanwhile."""
        name = USERS[user]

        def run() -> None:
            self._small_lots(name, lots, (NEVER, STANDARD, 40 * 86400.0))
            if down:
                self.adjust(user=user, up=None, share=shares[0], tries=3, twice=False)
            for share in shares[down:]:
                self._spend(name, share, 3, after=self._rng.uniform(0, 0.05))
            self._begin(lambda: self._read_credits(name), self._rng.uniform(0, 0.3))

        self._begin(run)

    def claw_back_many_lots(self, *, which: int, lots: list[int], share: float | None, dashboard: bool) -> None:
        """A refund whose own lot is used up, so that it takes from many small ones."""
        if purchase := self._purchase(which):
            self._begin(lambda: self._claw_back_many_lots(purchase, lots, share, dashboard=dashboard))

    def _claw_back_many_lots(
        self, purchase: Purchase, lots: list[int], share: float | None, *, dashboard: bool
    ) -> None:
        self._small_lots(purchase.user, lots, (NEVER,))
        amount = self._open_credits(purchase.user) - sum(lots)
        if amount > 0:
            self._spending(purchase.user, amount, 3)()
        which = self.purchases.index(purchase)
        if dashboard:
            self.dashboard_refund(which=which, share=share, pending=True)
        else:
            self.refund(which=which, share=share, force=True, key=True, tries=3)

    def _small_lots(self, name: str, lots: Sequence[int], expires: Sequence[float | str]) -> None:
        for amount in lots:
            self._give(name, amount, self._rng.choice(expires))

    def give(self, name: str, amount: int, expires: float | str) -> None:
        """One request for a grant, at once."""
        self._begin(self._granting(name, amount, expires, None, 1))

    def _give(self, name: str, amount: int, expires: float | str, campaign: str | None = None) -> None:
        self._granting(name, amount, expires, campaign, 3)()

    # ------------------------------------------------------------------------------------------------- requests

    def _granting(self, name: str, amount: int, expires: float | str, campaign: str | None, tries: int) -> Any:
        """The request for a grant, to send once or several times."""
        body: Json = {"user_id": name, "credits": amount, "reason": "a gift", "campaign": campaign}
        if expires != STANDARD:
            body["expires_at"] = None if expires == NEVER else self._in(float(expires))
        about: Json = {"user": name, "amount": amount, "campaign": campaign, "expires_at": body.get("expires_at")}
        about["given"] = campaign and f"{name} {campaign}"
        return self._repeatable("grant_credits", name, body, tries, about)

    def _adjusting(self, name: str, amount: int, tries: int) -> Any:
        body: Json = {"user_id": name, "amount": amount, "reason": "a correction"}
        return self._repeatable("adjust_credits", name, body, tries, {"user": name, "amount": amount})

    def _repeatable(self, function: str, name: str, body: Json, tries: int, about: Json) -> Any:
        key = self._key(name)
        headers = as_admin() | {"idempotency-key": key}
        return partial(self._ask, function, headers, body, tries, key=key, **about)

    def _in(self, seconds: float) -> str:
        return times.to_text((self._world.scheduler.now + timedelta(seconds=seconds)).replace(microsecond=0))

    def _open_credits(self, name: str) -> int:
        account = self._world.shadow.account(name)
        return sum(lot.remaining for lot in open_lots(account, self._world.scheduler.now)) if account else 0
