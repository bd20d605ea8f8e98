"""What buyers, services and administrators do; Expected keeps what must follow from it."""

import time
from collections.abc import Callable, Sequence
from functools import partial

from local.client import CREDITS, DECLINED_CARD, PAYMENTS, TRANSACTIONS, Client, Json, UnexpectedStatusError, document
from tools.load.expected import Expected, Purchase
from tools.load.stats import Stats

Job = Callable[[], Sequence["Job"]]  # returns the jobs that follow from it

LOOKS_EVERY = 0.5  # seconds between two looks of a buyer's page at the payment
PATIENCE = 60.0  # seconds for credits to arrive while webhooks are lost and Stripe fails
PATHS = {"credits": CREDITS, "transactions": TRANSACTIONS, "payments": PAYMENTS}
HELD_FOR = {"ttl_seconds": 86_400}  # longer than the end of a run moves the clock
REFUNDS = ("refund", "forced refund", "dashboard refund")
DISPUTES = {"dispute won": "won", "dispute lost": "lost", "dispute open": None}


def minor(payment: Json) -> int:
    """The price of a payment, in minor units."""
    return round(float(payment["amount"]) * 100)


class Actors:
    """Used by many threads at once. Every action raises UnexpectedStatusError and NoResponseError."""

    def __init__(self, client: Client, expected: Expected, stats: Stats) -> None:
        self._api, self._stripe = client.api, client.stripe
        self._expected = expected
        self._stats = stats

    def buy(self, key: str, user: str, package: str, paying: str, reversing: str, share: float) -> Sequence[Job]:
        """`share` of the price is reversed later, in a job that follows."""
        return self.pay(key, user, self.order(key, user, package), paying, reversing, share)

    def order(self, key: str, user: str, package: str) -> Json:
        """A payment that nobody has paid yet."""
        return document(self._api.create(user, package, key, kind="create"))

    def pay(self, key: str, user: str, payment: Json, paying: str, reversing: str, share: float) -> Sequence[Job]:
        """What follows an order: see `buy`."""
        intent = self._pay(payment, paying)
        self._stats.count("payments", "taken by Stripe" if intent else "failed or abandoned")
        if not intent:
            return []
        self._expected.purchases.append(self.purchase(user, payment, intent))
        self._await_credits(payment, user)
        amount_minor = minor(payment)
        amount = max(1, int(amount_minor * share))
        if reversing in DISPUTES:
            return [partial(self._dispute, reversing, intent, amount)]
        if reversing == "dashboard refund":
            return [partial(self._refund_in_the_dashboard, intent, amount)]
        major = None if share == 1 else amount / 100
        return [partial(self._refund, key, payment, major, reversing == "forced refund")] if reversing else []

    def spend(self, key: str, user: str, amount: int, hangs_up: bool) -> Sequence[Job]:
        response = self._api.spend(user, amount, f"Load {key}", key, kind="spend", hangs_up=hangs_up)
        spent = document(response, 200, 409)
        if response.status_code == 200:
            self._expected.spends.append((user, spent["transaction_id"], spent["amount"]))
        elif spent["code"] != "insufficient_credits":
            raise UnexpectedStatusError(response)
        self._stats.count("spends", "accepted" if response.status_code == 200 else "refused for lack of credits")
        return []

    def grant(self, key: str, user: str, credits: int) -> Sequence[Job]:
        """An administrator gives credits."""
        document(self._api.grant(user, credits, f"Load {key}", key, kind="grant"), 200, 201)
        self._expected.granted.append((user, credits))
        return []

    def hold(self, key: str, user: str, amount: int, captured: int) -> Sequence[Job]:
        """A service reserves credits, works, and then takes what the work has cost; 0 = it forgets the hold."""
        hold = self.open_hold(key, user, amount)
        return [partial(self.capture, key, user, hold, captured)] if hold and captured else []

    def open_hold(self, key: str, user: str, amount: int) -> Json | None:
        """The hold; None where there are too few credits for it, or too many holds."""
        response = self._api.open_hold(user, amount, f"Load {key}", f"{key}-open", kind="hold", body=HELD_FOR)
        hold = document(response, 200, 201, 409)
        if response.status_code == 409:
            if hold["code"] not in ("insufficient_credits", "too_many_holds"):
                raise UnexpectedStatusError(response)
            self._stats.count("holds", f"refused: {hold['code']}")
            return None
        self._stats.count("holds", "opened")
        return hold

    def capture(self, key: str, user: str, hold: Json, amount: int) -> Sequence[Job]:
        """Take so many of the credits that are held; there may be fewer, if some were clawed back."""
        taken = document(self._api.capture(hold, amount, f"{key}-capture", kind="capture"))
        if taken["amount_captured"]:
            self._expected.spends.append((user, taken["transaction_id"], taken["amount_captured"]))
        self._stats.count("holds", "captured")
        return []

    def look(self, user: str, page: str) -> Sequence[Job]:
        """The user opens a page: credits, history or payments."""
        document(self._api.get(PATHS[page], user, kind=page))
        return []

    def purchase(self, user: str, payment: Json, intent: str) -> Purchase:
        return Purchase(user, payment["credits_purchased"], minor(payment), intent, payment["payment_id"])

    def _pay(self, payment: Json, paying: str) -> str | None:
        """The payment intent; None if Stripe has taken no money."""
        if paying == "leaves":
            return None
        if paying in ("alipay", "alipay fails"):
            outcome = "succeeded" if paying == "alipay" else "failed"
            self._stripe.pay(payment, method="alipay")
            settled = self._stripe.settle(payment, outcome)
            return str(settled["payment_intent"]) if outcome == "succeeded" else None
        if paying == "second card":
            self._stripe.pay(payment, card=DECLINED_CARD)
        return str(self._stripe.pay(payment)["payment_intent"])

    def _await_credits(self, payment: Json, user: str) -> None:
        """The page that the buyer returns to looks until the payment has succeeded."""
        paid = time.perf_counter()
        while time.perf_counter() - paid < PATIENCE:
            if document(self._api.payment(payment, user, kind="status"))["status"] == "succeeded":
                self._stats.took("paid → credits", time.perf_counter() - paid)
                return
            time.sleep(LOOKS_EVERY)
        self._expected.without_response.append(f"payment {payment['payment_id']}, which Stripe has taken,")

    def _refund(self, key: str, payment: Json, amount: float | None, force: bool) -> Sequence[Job]:
        response = self._api.refund(payment, amount, key, force=force, kind="refund", retry_on=(500, 503))
        document(response, 200, 202, 409, 502)
        self._stats.count("refunds", f"status {response.status_code}")
        return []

    def _refund_in_the_dashboard(self, intent: str, amount: int) -> Sequence[Job]:
        try:
            self._stripe.refund(intent, amount)
        except UnexpectedStatusError as error:
            if error.status >= 500:
                raise
            self._stats.count("refunds", "refused in the Dashboard")
        else:
            self._stats.count("refunds", "made in the Dashboard")
        return []

    def _dispute(self, how: str, intent: str, amount: int) -> Sequence[Job]:
        dispute = self._stripe.dispute(intent, amount)
        self._stats.count("disputes", how.removeprefix("dispute "))
        ending = DISPUTES[how]
        if ending:
            self._stripe.close_dispute(dispute, ending)
        return []
