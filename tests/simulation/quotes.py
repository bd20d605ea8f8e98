"""Refunds that an administrator has seen a quote of: they do what it said, or nothing."""

from functools import partial
from typing import Any

from tests.simulation.actions import Json, Purchase
from tests.simulation.clients import as_admin
from tests.simulation.grants import STANDARD
from tests.simulation.money import Money
from tests.simulation.rules_of_quotes import Quoted

OK = 200
MOST_QUOTES = 3  # of one refund: something else may make each of them stale


class Quotes(Money):
    """All other actions, and refunds by a quote."""

    def quoted_refund(self, *, which: int, **how: Any) -> None:
        """A quote, something that may change what it says, and the refund that it was for; again if it was stale."""
        if purchase := self._settled(which):
            self._begin(partial(self._quoted_refund, purchase, **how))

    def _quoted_refund(
        self, purchase: Purchase, *, share: float | None, force: bool, key: bool, tries: int, gap: float, meanwhile: str
    ) -> None:
        for number in range(MOST_QUOTES):
            quoted = self._quote(purchase, share)
            if quoted is None:
                return
            if number == 0:
                self._happen(meanwhile, purchase)
            self._world.scheduler.pause(gap)
            given = self._key("quoted") if key else None
            response = self._refund(purchase, share=share, force=force, key=given, tries=tries, quoted=quoted)
            if response is None or response.document.get("code") != "quote_stale":
                return

    def _quote(self, purchase: Purchase, share: float | None) -> Quoted | None:
        commit, time = self._world.shadow.commit, self._world.scheduler.now
        amount_minor = self._amount(purchase, share)
        body = {"payment_id": purchase.payment_id, "amount": None if amount_minor is None else amount_minor / 100}
        about: Json = {"user": purchase.user, "payment": purchase.payment_id, "amount_minor": amount_minor}
        response = self._ask("quote_refund", as_admin(), body, 3, **about)
        return Quoted(response.document, commit, time) if response and response.status == OK else None

    def _happen(self, what: str, purchase: Purchase) -> None:
        which, user = self.purchases.index(purchase), int(purchase.user[-1])
        match what:
            case "a spend":
                self._spend(purchase.user, 0.5, 2)
            case "another refund":
                self.dashboard_refund(which=which, share=0.1, pending=False)
            case "a grant":
                self.grant(user=user, amount=40, expires=STANDARD, tries=2, again=None)
            case "the same refund":
                self.refund(which=which, share=None, force=True, key=True, tries=2)
