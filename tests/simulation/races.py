"""Steps that make actors race: several actions within milliseconds, which chance alone hardly ever brings together."""

from typing import Any

from tests.simulation.actions import DAY, HALF_A_YEAR, USERS
from tests.simulation.commands import Commands
from tests.simulation.rules import open_lots
from topup.domain.lots import Lot

HALF_A_DAY = DAY / 2  # in which every webhook arrives, or reconcile finds what is missing


class Races(Commands):
    """All actions, and races between them."""

    def at_expiry(self, *, user: int, actions: list[tuple[float, str]], share: float) -> None:
        """Several actions within a second of an expiry."""
        if lot := self._just_before_expiry(user):
            for offset, action in actions:
                self._near_expiry(user, action, share, self._until(lot) + offset)

    def late_spends(self, *, user: int) -> None:
        """Several spends arrive just before an expiry and conflict with each other; a refund starts just after it."""
        lot = self._just_before_expiry(user)
        bought = [purchase.payment_id for purchase in self.purchases]
        if lot and lot.payment_id in bought:
            for _ in range(4):
                self._spend(USERS[user], 0.2, 2, after=self._until(lot) - 0.005)
            which = bought.index(lot.payment_id)
            self.refund(which=which, share=None, force=True, key=True, tries=2, after=self._until(lot) + 0.01)

    def _just_before_expiry(self, user: int) -> Lot | None:
        """Let time pass until the user's next lot is about to expire; None if there is none."""
        account, now = self._world.shadow.account(USERS[user]), self._world.scheduler.now
        lot = next((lot for lot in open_lots(account, now)), None) if account else None
        if lot is None or lot.expires_at is None:
            return None
        self._world.pass_time(max(0.0, (lot.expires_at - now).total_seconds() - DAY / 4))
        # Whatever reconcile has taken of these hours: a few runs that failed come an hour after each other.
        self._world.scheduler.run_for(max(0.0, self._until(lot) - 2.0))
        if self._until(lot) <= 0.0:
            return None
        self._world.hit("an action within a second of an expiry")
        return lot

    def _until(self, lot: Lot) -> float:
        assert lot.expires_at
        return (lot.expires_at - self._world.scheduler.now).total_seconds()

    def failure_after_expiry(self, *, which: int) -> None:
        """A refund made in the Dashboard fails after the expiry of the credits that it took."""
        self.dashboard_refund(which=which, share=0.37, pending=True)
        self._world.pass_time(HALF_A_YEAR)
        self.refund_outcome(which=-1, does="fails")

    def failures_across_expiry(self, *, which: int, share: float, first: int) -> None:
        """Two partial refunds are pending at an expiry: one fails, a third one is made, the other one fails."""
        self._world.pass_time(60.0)
        purchase = self._purchase(which)
        if purchase is None or purchase.intent is None:
            return
        pending = [self._pending_refund(purchase.intent, share) for _ in range(2)]
        self._world.pass_time(HALF_A_YEAR)
        self._fail(pending[first])
        self._world.pass_time(HALF_A_DAY)
        self._pending_refund(purchase.intent, share)
        self._world.pass_time(HALF_A_DAY)
        self._fail(pending[1 - first])
        if all(pending):
            self._world.hit("refunds that span an expiry fail one after the other")

    def _pending_refund(self, intent: str, share: float) -> str | None:
        """The id of a new refund; None if Stripe refuses it."""
        amount = self._part(intent, share)
        made = self._at_stripe(lambda: self._world.simulator.refund(intent, amount, pending=True))
        return str(made["id"]) if made else None

    def _near_expiry(self, user: int, action: str, share: float, after: float) -> None:
        which = self._rng.randrange(6)
        match action:
            case "spend":
                self._spend(USERS[user], share, 2, after=after)
            case "refund":
                self.refund(which=which, share=None, force=False, key=True, tries=2, after=after)
            case "dashboard refund":
                self._begin(lambda: self.dashboard_refund(which=which, share=share, pending=False), after)
            case "hold" | "reverse":
                self._near_an_end(USERS[user], action, share, after)
            case "buy":
                self._begin(lambda: self._buy_another(user), max(0.0, after - 1.0))
            case _:
                self._begin(lambda: self._read_credits(USERS[user]), after)

    def refund_while_spending(self, *, which: int, **how: Any) -> None:
        if purchase := self._purchase(which):
            self._spend(purchase.user, 0.5, 2)
            self.refund(which=which, after=self._rng.uniform(0, 0.05), **how)
            self._spend(purchase.user, 1.0, 2, after=self._rng.uniform(0, 0.05))

    def two_refunds(self, *, which: int, **how: Any) -> None:
        self.refund(which=which, **how)
        self.refund(which=which, after=self._rng.uniform(0, 0.1), **how)

    def dispute_during_refund(self, *, which: int, **how: Any) -> None:
        self.refund(which=which, **how)
        after = self._rng.uniform(0, 0.4)
        self._begin(lambda: self.dispute(which=which, share=how["share"], inquiry=False), after)

    def refund_before_grant(self, **how: Any) -> None:
        """Our endpoint is down while a buyer pays and is refunded in the Dashboard."""
        self._world.delivery.down_until = self._world.scheduler.seconds + 30.0

        def pay_and_refund() -> None:
            self._buy(**{**how, "pay": "card", "tries": 3, "after": 0.1, "reads": 0})
            if self.purchases and self.purchases[-1].intent:
                self.dashboard_refund(which=len(self.purchases) - 1, share=None, pending=False)
                self._world.hit("a refund before its grant")

        self._begin(pay_and_refund)
