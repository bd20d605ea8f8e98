"""A new user, and what the end-to-end tests do in their name: buy, spend, refund, dispute."""

import itertools
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any

import httpx

from local.client import PAYMENTS, TRANSACTIONS, Client, Json, document, poll
from local.launcher import Stack

DEADLINE = 60.0  # seconds; reached only if something is wrong
_users = itertools.count(1)

NewBuyer = Callable[[Stack], "Buyer"]


class Buyer:
    """One user, with the client's calls made in their name."""

    def __init__(self, stack: Stack, clients: ExitStack) -> None:
        self.user_id = f"buyer-{next(_users)}"
        self.http = clients.enter_context(httpx.Client(trust_env=False, timeout=30))
        self.client = client = Client(stack.api_url, stack.stripe_url, stack.values, self.http.request)
        self.api, self.stripe, self.local = client.api, client.stripe, client.local

    # ---------------------------------------------------------------------------------------------------- the user

    def create(self, package: str = "standard", key: str | None = None) -> Json:
        return document(self.api.create(self.user_id, package, key))

    def buy(self, package: str = "standard") -> Json:
        """A paid payment whose credits have been granted."""
        payment = self.create(package)
        self.stripe.pay(payment)
        eventually(lambda: self.status(payment) == "succeeded")
        return payment

    def payment(self, payment: Json) -> Json:
        return document(self.api.payment(payment, self.user_id))

    def status(self, payment: Json) -> str:
        return str(self.payment(payment)["status"])

    def payments(self) -> list[Json]:
        return list(document(self.api.get(PAYMENTS, self.user_id))["payments"])

    def credits(self) -> Json:
        return document(self.api.credits(self.user_id))

    def balance(self) -> int:
        return int(self.credits()["balance"])

    def ledger(self) -> list[Json]:
        """The newest hundred entries, newest first."""
        return list(document(self.api.get(TRANSACTIONS, self.user_id, params={"limit": "100"}))["transactions"])

    def amounts(self, *kinds: str) -> list[int]:
        """The amounts of the ledger's entries of these kinds."""
        return [entry["amount"] for entry in self.ledger() if entry["transaction_type"] in kinds]

    # --------------------------------------------------------------------------- a service, an administrator, Stripe

    def spend(self, amount: int, key: str) -> httpx.Response:
        """Retried with the same key while the response is "busy"."""
        return until_not_busy(lambda: self.api.spend(self.user_id, amount, "A test", key))

    def refund(self, payment: Json, amount: float | None = None, *, force: bool = False) -> httpx.Response:
        """An administrator's, with a new key; retried while the response is "busy"."""
        key = str(uuid.uuid4())
        return until_not_busy(lambda: self.api.refund(payment, amount, key, force=force))

    def wait_for_deliveries(self) -> None:
        """Return once no webhook of this stack waits to be delivered."""
        eventually(lambda: all(sent["state"] != "pending" for sent in self.stripe.deliveries()))

    def refunded_at_stripe(self, payment: Json) -> int:
        """In minor units."""
        refunds = self.stripe.listed("/refunds", payment_intent=self.stripe.intent_of(payment))
        return sum(int(made["amount"]) for made in refunds if made["status"] in ("succeeded", "pending"))

    def refunded_here(self, payment: Json) -> int:
        """In minor units."""
        return round(100 * float(self.payment(payment).get("amount_refunded", 0)))


def until_not_busy(send: Callable[[], httpx.Response]) -> httpx.Response:
    """Retry at once while the response is 503 with a Retry-After."""
    deadline = time.monotonic() + DEADLINE
    while (response := send()).status_code == 503:
        assert response.headers["retry-after"].isdecimal()
        assert time.monotonic() < deadline, "busy for too long"
    return response


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What the calls return; each runs in its own thread, and all start at the same time."""
    gate = Barrier(len(calls))

    def call(one: Callable[[], Any]) -> Any:
        gate.wait()
        return one()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def eventually(condition: Callable[[], object], seconds: float = DEADLINE) -> None:
    poll(condition, bool, "the condition holds", seconds)
