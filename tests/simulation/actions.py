"""The actors of a run and their actions: buyers, services that spend, administrators, banks and operators."""

import random
from collections.abc import Callable
from dataclasses import dataclass
from functools import partial
from typing import TYPE_CHECKING, Any

from local.client import session_of
from local.stripe_simulator import Refused
from tests.simulation.catalogues import EDITED, EDITED_FILE
from tests.simulation.clients import SERVICE, Response, as_admin, as_buyer, as_user
from topup.domain import idempotency

if TYPE_CHECKING:
    from tests.simulation.rules_of_quotes import Quoted
    from tests.simulation.world import World

Json = dict[str, Any]

USERS = ("user-0", "user-1")
DAY = 86400.0
HALF_A_YEAR = 185 * DAY
LONGEST_WINDOW = 720  # hours that a run of reconcile by hand looks back
CARD, DECLINED, CHALLENGED = "4242424242424242", "4000000000000002", "4000002500003155"
RETRY_AFTER = (0.3, 3.0)  # seconds
RETRIED_STATUSES = (202, 500, 502, 503)  # 202: a refund whose outcome is not known yet


@dataclass
class Purchase:
    """A payment as its buyer knows it."""

    user: str
    payment_id: str
    session: str
    intent: str | None = None


class Actions:
    """One method for each kind of step; each starts something and does not wait for its end."""

    def __init__(self, world: "World", rng: random.Random) -> None:
        self._world, self._rng = world, rng
        self._keys = 0
        self.purchases: list[Purchase] = []

    def do(self, what: str, args: dict[str, Any]) -> None:
        getattr(self, what)(**args)

    # ------------------------------------------------------------------------------------------------- buying

    def buy(self, **how: Any) -> None:
        self._begin(partial(self._buy, **how))

    def _buy(
        self,
        *,
        user: int,
        package: str,
        key: bool,
        tries: int,
        twice: bool,
        cancel: float | None = None,
        amount: str | None = None,
        other_amount: str | None = None,
        **how: Any,
    ) -> None:
        name = USERS[user]
        given = self._key(name) if key else None
        if twice and given:
            self._begin(lambda: self._create(name, package, given, 1, other_amount or amount))
        response = self._create(name, package, given, tries, amount)
        if response is None or response.status != 200:
            return
        document = response.document
        purchase = Purchase(name, document["payment_id"], session_of(document))
        if purchase.payment_id not in [known.payment_id for known in self.purchases]:
            self.purchases.append(purchase)
        if cancel is not None:
            self._begin(lambda: self._cancel(purchase, tries), max(0.0, how["after"] + cancel))
        self._pay(purchase, **how)

    def _create(
        self, name: str, package: str, key: str | None, tries: int, amount: str | None = None
    ) -> Response | None:
        """`amount`: in yuan, where the package is sold for any."""
        headers = as_buyer(name) | ({"idempotency-key": key} if key else {})
        about: Json = {"user": name, "package": package, "amount": amount, "key": key}
        body = {"package": package} | ({"amount": amount} if amount else {})
        # Without a key, a retry is another purchase.
        return self._ask("create_checkout", headers, body, tries if key else 1, **about)

    def _pay(
        self,
        purchase: Purchase,
        *,
        pay: str,
        after: float,
        settles: str,
        settles_after: float,
        reads: int,
        terms: tuple[float, float] | list[float] = (0.0, 0.0),
        **_rest: Any,
    ) -> None:
        self._world.scheduler.pause(after)
        simulator, session = self._world.simulator, purchase.session
        if session not in simulator._world.tables["checkout.session"]:
            return  # it was opened in the other mode
        entered = self._entered(session, *terms)
        try:
            match pay:
                case "never":
                    return
                case "alipay" | "wechat_pay":
                    simulator.pay(session, method=pay, **entered)
                    self._begin(lambda: self._settle(session, settles), settles_after)
                case "declined first":
                    simulator.pay(session, card=DECLINED, **entered)
                    self._world.scheduler.pause(after)
                    simulator.pay(session, card=CARD)
                case "3-D Secure":
                    simulator.pay(session, card=CHALLENGED, three_d_secure="complete", **entered)
                case _:
                    simulator.pay(session, card=CARD, **entered)
        except Refused:
            return  # paid or expired already
        finally:
            intent = simulator.session(session)["payment_intent"]
            purchase.intent = intent and str(intent["id"])
        for _ in range(reads):
            self._read_payment(purchase)
            self._world.scheduler.pause(self._rng.uniform(0.1, 7.0))

    def _entered(self, session_id: str, discount: float, tax: float) -> Json:
        """What the code and the address of the buyer come to, where the pay page asks for them: shares of the price."""
        session = self._world.simulator.session(session_id)
        entered: Json = {}
        if off := int(session["amount_subtotal"] * discount) if session["allow_promotion_codes"] else 0:
            self._world.hit("a promotion code takes the whole price" if discount == 1 else "a promotion code is used")
            entered["discount_minor"] = off
        if tax and session["automatic_tax"]["enabled"]:
            self._world.hit("tax is paid")
            entered["tax_minor"] = int((session["amount_subtotal"] - off) * tax)
        return entered

    def _settle(self, session: str, outcome: str) -> None:
        try:
            self._world.simulator.settle(session, outcome)
        except Refused:
            return

    def session_expires(self, which: int) -> None:
        if purchase := self._purchase(which):
            self._at_stripe(lambda: self._world.simulator.expire(purchase.session))

    def cancel(self, *, which: int, tries: int) -> None:
        if purchase := self._purchase(which):
            self._begin(lambda: self._cancel(purchase, tries))

    def _cancel(self, purchase: Purchase, tries: int) -> None:
        about: Json = {"user": purchase.user, "payment": purchase.payment_id}
        about["path"] = {"payment_id": purchase.payment_id}
        self._ask("cancel_checkout", as_user(purchase.user), None, tries, **about)

    # ------------------------------------------------------------------------------------------------- spending

    def spend(self, *, user: int, share: float, tries: int, times: int, twice: bool) -> None:
        for _ in range(times):
            self._spend(USERS[user], share, tries, twice=twice)

    def _spend(self, name: str, share: float, tries: int, *, twice: bool = False, after: float = 0.0) -> None:
        account = self._world.shadow.account(name)
        open_credits = sum(lot.remaining for lot in account.lots) if account else 100
        ask = self._spending(name, max(1, int(open_credits * share)), tries)
        self._begin(ask, after)
        if twice:
            self._begin(ask, after + self._rng.uniform(0, 0.05))

    def _spending(self, name: str, amount: int, tries: int) -> Callable[[], Any]:
        """The request for a spend, to send once or several times."""
        key = self._key(name)
        body = {"user_id": name, "amount": amount, "description": "work"}
        about: Json = {"user": name, "key": key, "amount": amount}
        return partial(self._ask, "spend_credits", SERVICE | {"idempotency-key": key}, body, tries, **about)

    # ------------------------------------------------------------------------------------------------- money back

    def refund(self, *, which: int, key: bool, after: float = 0.0, twice: bool = False, **how: Any) -> None:
        if purchase := self._purchase(which):
            ask = partial(self._refund, purchase, key=self._key("refund") if key else None, **how)
            self._begin(ask, after)
            if twice:
                self._begin(ask, after + self._rng.uniform(0, 0.3))

    def _refund(
        self,
        purchase: Purchase,
        *,
        share: float | None,
        force: bool,
        key: str | None,
        tries: int,
        reason: str = "Customer request",
        quoted: "Quoted | None" = None,
    ) -> Response | None:
        amount_minor = self._amount(purchase, share)
        body = {
            "payment_id": purchase.payment_id,
            "reason": reason,
            "amount": None if amount_minor is None else amount_minor / 100,
            "force": force,
        }
        if quoted:
            body["quote_token"] = quoted.says["quote_token"]
        about: Json = {
            "user": purchase.user,
            "payment": purchase.payment_id,
            "force": force,
            "key": key,
            "amount_minor": amount_minor,
            "quoted": quoted,
        }
        headers = as_admin() | ({"idempotency-key": key} if key else {})
        return self._ask("refund_payment", headers, body, tries if key else 1, **about)

    def _amount(self, purchase: Purchase, share: float | None) -> int | None:
        """That share of what was paid; None for all that is left."""
        payment = self._world.shadow.payment(purchase.payment_id)
        return max(1, int(payment.order.charged_minor * share)) if share and payment else None

    def dashboard_refund(self, *, which: int, share: float | None, pending: bool) -> None:
        purchase = self._purchase(which)
        if purchase and (intent := purchase.intent):
            self._at_stripe(lambda: self._world.simulator.refund(intent, self._part(intent, share), pending=pending))

    def refund_outcome(self, *, which: int, does: str) -> None:
        made = list(self._world.simulator._world.tables["refund"])
        if not made:
            return
        refund_id = made[which % len(made)]
        if does == "fails":
            if self._world.simulator._world.tables["refund"][refund_id]["status"] == "succeeded":
                self._world.hit("a refund fails after it had succeeded")
            self._at_stripe(lambda: self._world.simulator.fail_refund(refund_id))
        else:
            self._at_stripe(lambda: self._world.simulator.settle_refund(refund_id, "succeeded"))

    def dispute(self, *, which: int, share: float | None, inquiry: bool) -> None:
        purchase = self._purchase(which)
        if purchase and (intent := purchase.intent):
            status = "warning_needs_response" if inquiry else "needs_response"
            self._at_stripe(
                lambda: self._world.simulator.dispute(intent, amount=self._part(intent, share), status=status)
            )

    def dispute_outcome(self, *, which: int, status: str) -> None:
        made = list(self._world.simulator._world.tables["dispute"].values())
        if made:
            dispute = made[which % len(made)]
            end = "warning_closed" if dispute["status"].startswith("warning") else status
            self._at_stripe(lambda: self._world.simulator.close_dispute(dispute["id"], end))

    def _part(self, intent: str, share: float | None) -> int | None:
        amount = self._world.simulator._world.tables["payment_intent"][intent]["amount"]
        return max(1, int(amount * share)) if share else None

    # ------------------------------------------------------------------------------------------------- reading

    def read(self, *, user: int, which: int, what: str) -> None:
        name = USERS[user]
        match what:
            case "credits":
                self._begin(lambda: self._read_credits(name))
            case "payment":
                if purchase := self._purchase(which):
                    self._begin(lambda: self._read_payment(purchase))
            case "transactions":
                about: Json = {"query": {"limit": "5"}, "user": name, "limit": 5}
                self._begin(partial(self._ask, "list_transactions", as_user(name), **about))
            case "payments":
                self._begin(partial(self._ask, "list_payments", as_user(name), user=name))
            case _:
                self._begin(partial(self._ask, "list_packages", {}))

    def _read_credits(self, name: str) -> None:
        self._ask("get_credits", as_user(name), user=name)

    def _read_payment(self, purchase: Purchase) -> None:
        about: Json = {"user": purchase.user, "payment": purchase.payment_id}
        about["path"] = {"payment_id": purchase.payment_id}
        self._ask("get_payment", as_user(purchase.user), **about)

    # ------------------------------------------------------------------------------------------------- operating

    def wait(self, *, days: float, leap: bool) -> None:
        self._world.pass_time(days * DAY, leap=leap)

    def endpoint_down(self, *, seconds: float) -> None:
        self._world.delivery.down_until = self._world.scheduler.seconds + seconds

    def replay(self) -> None:
        """Stripe sends every event again, however old."""
        events = self._world.simulator._world.tables["event"]
        now = self._world.scheduler.seconds
        for event_id, event in list(events.items()):
            self._world.simulator.resend(event_id)
            if now - event["created"] > 30 * DAY:
                self._world.hit("a webhook replayed after 30 days")

    def reconcile(self) -> None:
        self._begin(self._world.reconcile)

    def edit_catalogue(self) -> None:
        self._world.use_catalogue(EDITED, EDITED_FILE)
        self._world.hit("a catalogue edit")

    def rotate_secret(self) -> None:
        self._world.rotate_secret()
        self._world.hit("a secret rotation")

    # ------------------------------------------------------------------------------------------------- common

    def _ask(
        self, function: str, headers: dict[str, str], body: dict[str, Any] | None = None, tries: int = 1, **about: Any
    ) -> Response | None:
        """Send a request; retry it with the same key if it failed or no response came."""
        for number in range(tries):
            if number:
                self._world.scheduler.pause(self._rng.uniform(*RETRY_AFTER))
            response = self._world.clients.http(function, headers, body, **about)
            if response is not None and response.status not in RETRIED_STATUSES:
                return response
        return response

    def _begin(self, run: Callable[[], Any], after: float = 0.0) -> None:
        self._world.scheduler.start(run, after)

    def _at_stripe(self, do: Callable[[], Any]) -> Any:
        try:
            return do()
        except Refused:
            return None  # the bank, or the Dashboard, would refuse that too

    def _purchase(self, which: int) -> Purchase | None:
        return self.purchases[which % len(self.purchases)] if self.purchases else None

    def _key(self, name: str) -> str:
        """A fresh Idempotency-Key whose order falls into one of the index's shards that a run reads."""
        while True:
            self._keys += 1
            key = f"{name}-{self._keys}"
            if idempotency.id_from_key(name, key)[0] in self._world.shards:
                return key
