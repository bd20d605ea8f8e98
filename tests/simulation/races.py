"""The narrow windows: steps that bring several people into the same moment, where chance alone hardly ever does."""

from functools import partial
from typing import Any

from tests.simulation.actions import HALF_A_YEAR, USERS, Deeds, Json
from tests.simulation.shadow import open_lots
from topup.domain.credits import Lot


class Windows(Deeds):
    """What people do, and what they do at the same time."""

    def at_expiry(self, *, user: int, deeds: list[tuple[float, str]], share: float) -> None:
        """Be there in the very second in which credits expire."""
        if lot := self._just_before_expiry(user):
            for offset, deed in deeds:
                self._in_that_second(user, deed, share, self._until(lot) + offset)

    def late_spends(self, *, user: int) -> None:
        """Several spends are received just before an expiry and hinder each other; a refund begins just after it."""
        lot = self._just_before_expiry(user)
        bought = [purchase.payment_id for purchase in self.purchases]
        if lot and lot.payment_id in bought:
            for _ in range(4):
                self._spend(USERS[user], 0.2, 2, after=self._until(lot) - 0.005)
            which = bought.index(lot.payment_id)
            self.refund(which=which, share=None, force=True, key=True, tries=2, after=self._until(lot) + 0.01)

    def _just_before_expiry(self, user: int) -> Lot | None:
        """Let time pass until the user's next lot is about to expire; None if there is none."""
        account, now = self._world.mirror.account(USERS[user]), self._world.scheduler.now
        lot = next((lot for lot in open_lots(account, now)), None) if account else None
        if lot is None:
            return None
        self._world.pass_time(max(0.0, (lot.expires_at - now).total_seconds() - 2.0))
        if self._until(lot) <= 0.0:
            return None  # reconcile took longer
        self._world.hit("something in the very second of an expiry")
        return lot

    def _until(self, lot: Lot) -> float:
        return (lot.expires_at - self._world.scheduler.now).total_seconds()

    def failure_after_expiry(self, *, which: int) -> None:
        """A refund of the Dashboard fails when the credits that it took would have expired."""
        self.dashboard_refund(which=which, share=0.37, pending=True)
        self._world.pass_time(HALF_A_YEAR)
        self.refund_outcome(which=-1, does="fails")

    def _in_that_second(self, user: int, deed: str, share: float, after: float) -> None:
        which = self._chance.randrange(6)
        match deed:
            case "spend":
                self._spend(USERS[user], share, 2, after=after)
            case "refund":
                self.refund(which=which, share=None, force=False, key=True, tries=2, after=after)
            case "dashboard refund":
                self._begin(lambda: self.dashboard_refund(which=which, share=share, pending=False), after)
            case "buy":
                how: Json = {"pay": "card", "after": 0.1, "settles": "succeeded", "settles_after": 1.0, "reads": 0}
                buy = partial(self._buy, user=user, package="trial", key=True, tries=3, twice=False, **how)
                self._begin(buy, max(0.0, after - 1.0))
            case _:
                self._begin(lambda: self._read_credits(USERS[user]), after)

    def refund_while_spending(self, *, which: int, **how: Any) -> None:
        if purchase := self._purchase(which):
            self._spend(purchase.user, 0.5, 2)
            self.refund(which=which, after=self._chance.uniform(0, 0.05), **how)
            self._spend(purchase.user, 1.0, 2, after=self._chance.uniform(0, 0.05))

    def two_refunds(self, *, which: int, **how: Any) -> None:
        self.refund(which=which, **how)
        self.refund(which=which, after=self._chance.uniform(0, 0.1), **how)

    def dispute_during_refund(self, *, which: int, **how: Any) -> None:
        self.refund(which=which, **how)
        after = self._chance.uniform(0, 0.4)
        self._begin(lambda: self.dispute(which=which, share=how["share"], inquiry=False), after)

    def refund_before_grant(self, **how: Any) -> None:
        """Our endpoint is away while somebody pays, and gets the money back in the Dashboard."""
        self._world.postman.away_until = self._world.scheduler.seconds + 30.0

        def pay_and_refund() -> None:
            self._buy(**{**how, "pay": "card", "tries": 3, "after": 0.1, "reads": 0})
            if self.purchases and self.purchases[-1].intent:
                self.dashboard_refund(which=len(self.purchases) - 1, share=None, pending=False)
                self._world.hit("a refund before its grant")

        self._begin(pay_and_refund)
