"""Money that goes back in all its ways: refunds retried late and made many times, disputes of every course."""

from functools import partial
from typing import Any

from tests.simulation.actions import DAY, HALF_A_YEAR, Json, Purchase
from tests.simulation.bank import tried
from tests.simulation.faults import Fault
from tests.simulation.grants import STANDARD
from tests.simulation.reads import Reads

REFUNDS = "/v1/refunds"
LONG_REASON = "The customer asked for it. " * 8


class Money(Reads):
    """All other actions, and what happens to money after a purchase."""

    # ------------------------------------------------------------------------------------------------- refunds

    def late_refund(
        self,
        *,
        which: int,
        share: float | None,
        key: bool,
        first: str,
        hours: float,
        again: str | None,
        heard: bool,
        write: str | None = None,
    ) -> None:
        """A refund whose answer is lost is requested again hours or days later; meanwhile nobody repairs it.

        With `write` its first write gets no answer, nor does any later call to the tables.
        """
        purchase = self._settled(which)
        if purchase is None:
            return
        stripe, database = self._world.stripe, self._world.database
        if write:
            self._world.hit("the answer to a refund's first write is lost")
            database.planned.append(("refund_payment", "TransactWriteItems", Fault(write)))
            database.cut_off = "refund_payment"
        else:
            stripe.planned.append(("POST", REFUNDS, Fault(first)))
        if not heard:
            self._world.endpoint.lose("lacks refunds", hours * 3600.0 + DAY)
        given = self._key("late") if key else None
        ask = partial(self._refund, purchase, share=share, force=True, key=given, tries=1)
        self._begin(ask)
        self._world.scheduler.run_for(max(60.0, hours * 3600.0))
        stripe.planned.clear()
        database.forget_planned()
        if again:
            stripe.planned.append(("POST", REFUNDS, Fault(again)))
        self._world.hit("a refund is requested again a day later" if hours > 24 else "a refund is requested again")
        self._begin(ask)
        self._world.scheduler.run_for(60.0)
        stripe.planned.clear()

    def many_refunds(self, *, which: int, number: int, share: float, dashboard: bool) -> None:
        """More refunds of one payment than fit on a page."""
        purchase = self._settled(which)
        if purchase is None or purchase.intent is None:
            return
        intent = purchase.intent

        def run() -> None:
            for _ in range(number):
                if dashboard:
                    self._at_stripe(lambda: self._world.simulator.refund(intent, self._part(intent, share)))
                else:
                    given = self._key("refund")
                    self._refund(purchase, share=share, force=True, key=given, tries=2, reason=LONG_REASON)
            self._world.hit("a payment is refunded many times")

        self._begin(run)

    # ------------------------------------------------------------------------------------------------- disputes

    def dispute_story(
        self,
        *,
        which: int,
        share: float | None,
        case: str | None,
        currency: str | None,
        course: list[list[Any]],
    ) -> None:
        """A dispute that goes through these statuses: each with seconds before it, and what changes with it."""
        purchase = self._settled(which)
        if purchase and purchase.intent:
            intent = purchase.intent
            self._begin(lambda: self._dispute_story(intent, share, case, currency, course))

    def _dispute_story(
        self, intent: str, share: float | None, case: str | None, currency: str | None, course: list[list[Any]]
    ) -> None:
        amount = self._part(intent, share) or int(self._intent(intent)["amount"])
        bank = self._world.bank
        [status, _, _], *rest = course
        dispute = tried(lambda: bank.open(intent, status, amount, currency=currency, case=case))
        if dispute is None:
            return
        self._world.hit(f"a dispute in {'another' if currency else 'the same'} currency")
        for next_status, after, changes in rest:
            self._world.scheduler.pause(after)
            grown = int(self._intent(intent)["amount"]) if changes.get("grows") and not currency else None
            bank.move(dispute, next_status, amount=grown, keeps=changes.get("keeps", 0.0))
            self._world.hit(f"a dispute becomes {next_status}")
            if changes.get("replays"):
                self._begin(lambda: self._world.account.resend(dispute["id"]), 30.0)

    def won_after_expiry(self, *, which: int, spends: float) -> None:
        """Credits are spent, others bought, the first purchase is disputed, its credits expire, the dispute is won."""
        purchase = self._settled(which)
        if purchase is None or purchase.intent is None:
            return
        user = int(purchase.user[-1])
        self._spend(purchase.user, spends, 3)
        self._world.pass_time(150 * DAY)
        self._buy_another(user)
        self._world.pass_time(DAY / 4)
        dispute = self._at_stripe(lambda: self._world.simulator.dispute(str(purchase.intent)))
        self._world.pass_time(HALF_A_YEAR - 150 * DAY)
        if dispute:
            self._at_stripe(lambda: self._world.simulator.close_dispute(dispute["id"], "won"))
            self._world.hit("a dispute is won after the expiry of what it disputed")

    def paid_debt(self, *, which: int, kind: str, payer: str) -> None:
        """Money goes back whose credits are spent; other credits pay what is owed; then the money comes back."""
        purchase = self._settled(which)
        if purchase is None or purchase.intent is None:
            return
        intent, simulator = purchase.intent, self._world.simulator
        user = int(purchase.user[-1])
        self._spend(purchase.user, 1.0, 3)
        self._world.scheduler.run_for(60.0)
        made = self._at_stripe(
            lambda: simulator.dispute(intent) if kind == "dispute" else simulator.refund(intent, None, pending=True)
        )
        self._world.scheduler.run_for(60.0)
        if payer == "a purchase":
            self._buy_another(user)
        else:
            self.grant(user=user, amount=2000, expires=STANDARD, tries=3, again=None)
        self._world.scheduler.run_for(60.0)
        if made and kind == "dispute":
            self._at_stripe(lambda: simulator.close_dispute(made["id"], "won"))
        elif made:
            self._fail(made["id"])

    def _buy_another(self, user: int) -> None:
        how: Json = {"pay": "card", "after": 0.1, "settles": "succeeded", "settles_after": 1.0, "reads": 0}
        self._begin(partial(self._buy, user=user, package="trial", key=True, tries=3, twice=False, **how))

    def _fail(self, refund_id: str | None) -> None:
        if refund_id:
            self._at_stripe(lambda: self._world.simulator.fail_refund(refund_id))

    # ------------------------------------------------------------------------------------------------- paid twice

    def pay_twice(self, *, which: int, after: float, back: str, share: float | None) -> None:
        """Another session with the same metadata is paid, and its money is given back or disputed."""
        purchase = self._purchase(which)
        if purchase is None or purchase.session not in self._world.simulator._world.tables["checkout.session"]:
            return

        def run() -> None:
            intent = self._world.account.pay(self._world.account.open_again(purchase.session))
            if intent is None:
                return
            self._world.hit("an order is paid twice")
            self._world.scheduler.pause(after)
            if back == "refunded":
                self._at_stripe(lambda: self._world.simulator.refund(intent, self._part(intent, share)))
            elif back == "disputed":
                self._at_stripe(lambda: self._world.simulator.dispute(intent))

        self._begin(run)

    # ------------------------------------------------------------------------------------------------- common

    def _settled(self, which: int) -> Purchase | None:
        """A payment whose credits have been granted, after a minute."""
        self._world.scheduler.run_for(60.0)
        paid = [one for one in self.purchases if self._is_settled(one)]
        return paid[which % len(paid)] if paid else None

    def _is_settled(self, purchase: Purchase) -> bool:
        payment = self._world.shadow.payment(purchase.payment_id)
        return payment is not None and payment.order.is_settled and purchase.intent is not None

    def _intent(self, intent: str) -> Json:
        found: Json = self._world.simulator._world.tables["payment_intent"][intent]
        return found
