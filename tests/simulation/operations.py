"""Accidents of operation: endpoints, keys, names and tables that are wrong for a while, and other users of Stripe."""

from functools import partial

from local.client import session_of
from tests.simulation.actions import DAY, USERS, Json, Purchase
from tests.simulation.clients import as_admin
from tests.simulation.faults import Fault
from tests.simulation.money import REFUNDS
from tests.simulation.names import OUR_URL
from tests.simulation.quotes import Quotes
from topup.stripe_gateway import client as stripe_client

CREATE = "/v1/checkout/sessions"


class Operations(Quotes):
    """All other actions, and what happens around the product."""

    def endpoint_missing(self, *, which: int, how: str, seconds: float, meanwhile: str) -> None:
        """Our endpoint is missing, or lacks types, for so long; meanwhile money goes back."""
        self._world.endpoint.lose(how, seconds)
        share = 0.37 if meanwhile == "a refund in part" else None
        if meanwhile == "a dispute":
            self._begin(lambda: self.dispute(which=which, share=None, inquiry=False), 1.0)
        elif meanwhile != "nothing":
            self._begin(lambda: self.dashboard_refund(which=which, share=share, pending=False), 1.0)

    def other_mode(self, *, seconds: float, buys: bool = False) -> None:
        """The functions have the key of the other mode for so long; a buyer opens a checkout meanwhile."""
        self._world.use_other_mode(seconds)
        if buys:
            self._begin(lambda: self._unpaid(0))
            self._world.hit("a checkout is opened with the key of the other mode")

    def rename_stack(self, *, which: int = 0, then: str = "nothing") -> None:
        """The stack gets another name; money of a payment that it has made under the old one goes back."""
        purchase = self._settled(which)
        self._world.rename_stack()
        if purchase and then != "nothing":
            self._world.hit("money goes back that was paid under the stack's old name")
        if purchase and then == "a refund":
            self.dashboard_refund(which=self.purchases.index(purchase), share=0.37, pending=False)
        elif purchase and then == "a dispute":
            self.dispute(which=self.purchases.index(purchase), share=None, inquiry=False)

    def restore_orders(self, *, steps: int, buys: bool = False) -> None:
        """The orders as they were some steps ago; or just before a buyer paid."""
        if buys:
            self._pay_after_a_copy()
        self._world.restore_orders(1 if buys else steps)

    def _pay_after_a_copy(self) -> None:
        purchase = self._world.run_now(lambda: self._unpaid(0))
        self._world.copy_orders()
        if purchase and self._is_in_our_mode(purchase):
            purchase.intent = self._world.account.pay(purchase.session)
            self._world.hit("the orders are restored to what they were before a payment")
            self._world.scheduler.run_for(60.0)

    def newer_version(self) -> None:
        self._world.finish_calls()  # a write of a newer version would raise versions, so that these lose their race
        self._world.shadow.newer.mark()
        self._world.hit("a newer version has written to the tables")

    # ------------------------------------------------------------------------------------------------- others

    def foreign_objects(self, *, which: int, whose: str, does: str) -> None:
        """Payments, refunds and disputes of other systems, some of which carry our orders' names."""
        purchase = self._purchase(which)
        if purchase and self._is_in_our_mode(purchase):
            self._begin(lambda: self._foreign_objects(purchase, whose, does))

    def _foreign_objects(self, purchase: Purchase, whose: str, does: str) -> None:
        account, ours = self._world.account, self._metadata_of(purchase)
        if whose == "another order's name":
            others = [one for one in self.purchases if one is not purchase and self._is_settled(one)]
            if others and account.refund(str(others[0].intent), 100, ours):
                self._world.hit("a refund names another order than its payment intent does")
            return
        of_another_stack = ours | {"topup_stack": "another-stack"}
        metadata = of_another_stack if whose == "another stack" else {"order_id": "4711", "shop": "another"}
        intent = account.foreign_payment(5000, metadata)
        self._world.hit(f"a foreign object of {whose}")
        if does == "refunds":
            account.refund(intent, 2000, ours if whose == "our name on it" else metadata)
        elif does == "is disputed":
            self._at_stripe(lambda: self._world.simulator.dispute(intent))

    def _is_in_our_mode(self, purchase: Purchase) -> bool:
        return purchase.session in self._world.simulator._world.tables["checkout.session"]

    def _metadata_of(self, purchase: Purchase) -> Json:
        return dict(self._world.simulator.session(purchase.session)["metadata"])

    def foreign_account(self, *, which: int, says: str, what: str) -> None:
        """An event of an account that is connected to ours, with metadata that its owner has written."""
        if what == "payment":
            self._begin(lambda: self._foreign_account(self._unpaid(which), says, what))
        elif purchase := self._purchase(which):
            self._begin(lambda: self._foreign_account(purchase, says, what))

    def _unpaid(self, which: int) -> Purchase | None:
        user = which % len(USERS)
        before = len(self.purchases)
        how: Json = {"pay": "never", "after": 0.1, "settles": "failed", "settles_after": 1.0, "reads": 0}
        self._buy(user=user, package="standard", key=True, tries=3, twice=False, **how)
        return self.purchases[-1] if len(self.purchases) > before else None

    def _foreign_account(self, purchase: Purchase | None, says: str, what: str) -> None:
        payment = self._world.shadow.payment(purchase.payment_id) if purchase else None
        if purchase is None or payment is None or not self._is_in_our_mode(purchase):
            return
        subject: Json = {
            "id": "pi_of_another_account",
            "object": "payment_intent",
            "amount": payment.order.amount_minor,
            "amount_received": payment.order.amount_minor,
            "currency": payment.order.currency.lower(),
            "created": int(self._world.scheduler.seconds),
            "livemode": payment.order.livemode,
            "metadata": self._metadata_of(purchase),
            "status": "succeeded",
        }
        if what == "refund":
            of_a_refund = {"payment_intent": subject["id"], "charge": "ch_1", "reason": None}
            subject |= {"id": "re_of_another_account", "object": "refund", **of_a_refund}
        event = {
            "id": f"evt_{self._rng.randrange(10**9)}",
            "object": "event",
            "api_version": stripe_client.API_VERSION,
            "created": subject["created"],
            "data": {"object": subject},
            "livemode": payment.order.livemode,
            "type": "payment_intent.succeeded" if what == "payment" else "refund.created",
            says: "acct_of_somebody_else",
        }
        self._world.hit(f"an event of another account ({says})")
        delivery = self._world.account.delivery_of(event, self._world.endpoint.id, OUR_URL)
        self._world.delivery.deliver(delivery, is_ours=False)

    def release(
        self,
        *,
        which: int,
        pays: str,
        share: float,
        after: float,
        action: str,
        tries: int,
        other: str | None,
        is_lost: bool = False,
    ) -> None:
        """An order is paid by a session that somebody made by hand, for a part of the price or once more.

        `after` so many seconds an administrator ends the quarantine, and sometimes another one does at the same time.
        Or the table of orders is restored after that (`is_lost`), and another one decides otherwise.
        """
        purchase = self._world.run_now(lambda: self._unpaid(which)) if pays == "a part" else self._settled(which)
        if purchase is None or purchase.session not in self._world.simulator._world.tables["checkout.session"]:
            return
        self._begin(lambda: self._world.account.pay(self._world.account.open_again(purchase.session, share)))
        if is_lost:
            self._release_twice(purchase, after, tries)
            return
        self._begin(partial(self._release, purchase, action, tries), after)
        if other:
            self._begin(partial(self._release, purchase, other, tries), after + self._rng.choice((0.0, 0.05, 0.3)))

    def released_again(self, *, which: int, share: float, then: str) -> None:
        """A part of the price is paid; the bank returns an administrator's refund of it, and it is fulfilled then."""
        purchase = self._world.run_now(lambda: self._unpaid(which))
        simulator = self._world.simulator
        if purchase is None or purchase.session not in simulator._world.tables["checkout.session"]:
            return
        intent = self._world.account.pay(self._world.account.open_again(purchase.session, share))
        self._world.scheduler.run_for(60.0)
        self._world.run_now(lambda: self._release(purchase, "refund", 3))
        self._world.scheduler.run_for(60.0)
        for refund in [one for one in simulator._world.tables["refund"].values() if one["payment_intent"] == intent]:
            self._fail(refund["id"])
        self._world.scheduler.run_for(60.0)
        self._world.run_now(lambda: self._release(purchase, "fulfil", 3))
        payment = self._world.shadow.payment(purchase.payment_id)
        if intent is None or payment is None or payment.order.transaction_id != intent:
            return
        self._world.hit("a payment is fulfilled after its refund came back")
        if then == "disputed":
            self._at_stripe(lambda: simulator.dispute(intent))
        elif then == "refunded":
            self._at_stripe(lambda: simulator.refund(intent, None))

    def resumed_release(self, *, which: int, then: str) -> None:
        """An order is paid once more; the refund that an administrator wants for that is not heard by Stripe.

        Reconcile carries it on, and may find that the bank decides over the money by now, or that it has gone back.
        """
        purchase = self._settled(which)
        if purchase is None or purchase.session not in self._world.simulator._world.tables["checkout.session"]:
            return
        intent = self._world.account.pay(self._world.account.open_again(purchase.session, 1.0))
        self._world.scheduler.run_for(60.0)
        stripe = self._world.stripe
        unheard = [("POST", REFUNDS, Fault.TIMEOUT_BEFORE)] * 3
        stripe.planned += unheard
        self._world.run_now(lambda: self._release(purchase, "refund", 1))
        stripe.planned = [one for one in stripe.planned if one not in unheard]
        payment = self._world.shadow.payment(purchase.payment_id)
        if intent is None or payment is None or payment.order.release_under_way is None:
            return
        self._world.hit("a refund of a refused payment is carried on later")
        if then == "disputed":
            self._at_stripe(lambda: self._world.simulator.dispute(intent))
        elif then == "refunded":
            self._at_stripe(lambda: self._world.simulator.refund(intent, None))

    def _release_twice(self, purchase: Purchase, after: float, tries: int) -> None:
        self._world.scheduler.run_for(after)
        self._world.copy_orders()
        self._world.run_now(lambda: self._release(purchase, "fulfil", tries))
        self._world.restore_orders(1)
        self._world.hit("a decision over a quarantine is lost")
        self._world.run_now(lambda: self._release(purchase, "refund", tries))

    def _release(self, purchase: Purchase, action: str, tries: int) -> None:
        about: Json = {"user": purchase.user, "payment": purchase.payment_id, "action": action}
        about["path"] = {"payment_id": purchase.payment_id}
        self._ask("release_payment", as_admin(), {"action": action, "reason": "It was looked at"}, tries, **about)

    # ------------------------------------------------------------------------------------------------- reconcile

    def hasty_reconcile(self, *, seconds: float, slowness: float, twice: bool) -> None:
        """A run with little time, while Stripe is slow; often another one at the same time."""
        run = partial(self._world.hasty_reconcile, seconds, slowness)
        self._begin(run)
        if twice:
            self._begin(run, self._rng.uniform(0, 2.0))
            self._world.hit("two runs of reconcile at once")

    def reopen(
        self, *, user: int, package: str, hours: float, after: float, pays: bool, throttled: bool = False
    ) -> None:
        """A checkout that failed is requested again a day later, while reconcile runs: slowly, if it is `throttled`."""
        name, stripe = USERS[user], self._world.stripe
        key = self._key(name)
        failing = [("POST", CREATE, Fault.TIMEOUT_BEFORE), ("POST", CREATE, Fault.TIMEOUT_BEFORE)]
        stripe.planned += failing
        self._begin(partial(self._create, name, package, key, 1))
        self._world.scheduler.run_for(60.0)
        stripe.planned = [one for one in stripe.planned if one not in failing]
        self._world.pass_time(hours * 3600.0)
        self._world.finish_calls()
        if throttled:
            self._world.database.planned.append(("reconcile", "BatchGetItem", Fault.THROTTLE))
        self._begin(self._world.reconcile)
        pay: Json = {"pay": "card" if pays else "never", "after": 5.0, "reads": 0}
        pay |= {"settles": "succeeded", "settles_after": 1.0}
        self._begin(partial(self._create_again, name, package, key, pay), after)

    def _create_again(self, name: str, package: str, key: str, pay: Json) -> None:
        response = self._create(name, package, key, 3)
        if response is None or response.status != 200:
            return
        document = response.document
        purchase = Purchase(name, document["payment_id"], session_of(document))
        self.purchases.append(purchase)
        self._world.hit("a checkout is opened anew")
        if pay["pay"] == "card":
            self._world.endpoint.lose("disabled", 2 * DAY)
        self._pay(purchase, **pay)

    # ------------------------------------------------------------------------------------------------- many lots

    def hundred_lots(self, *, which: int, number: int, dashboard: bool) -> None:
        """A claw-back that takes from more lots than DynamoDB's own transactions hold."""
        self._world.hit("a user has more than a hundred lots")
        self.claw_back_many_lots(which=which, lots=[1] * number, share=None, dashboard=dashboard)
