"""A user of the stack, with the hands of a buyer, a service that spends, an administrator, and Stripe's own people."""

import itertools
import time
import uuid
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from threading import Barrier
from typing import Any

import httpx

from local.launcher import Stack

DEADLINE = 20.0  # seconds; what is waited for takes milliseconds
_users = itertools.count(1)

NewBuyer = Callable[[Stack], "Buyer"]


class Buyer:
    """A user of their own, with the API, the simulated buyer's hands and nothing else."""

    def __init__(self, stack: Stack, clients: ExitStack) -> None:
        self.user_id = f"buyer-{next(_users)}"
        user = {"authorization": f"Bearer {stack.token(self.user_id)}", "x-api-key": stack.api_key}
        self.admin = {"authorization": f"Bearer {stack.admin_token}"}
        key = {"authorization": f"Bearer {stack.values['STRIPE_SECRET_KEY']}"}
        self.stripe_api = clients.enter_context(
            httpx.Client(base_url=f"{stack.stripe_url}/v1", headers=key, timeout=30)
        )
        self.api = clients.enter_context(httpx.Client(base_url=stack.api_url, headers=user, timeout=30))
        self.stripe = clients.enter_context(httpx.Client(base_url=f"{stack.stripe_url}/_sim", timeout=30))

    def create(self, package: str = "standard", **headers: str) -> dict[str, Any]:
        answer = self.api.post("/api/payments/stripe/create", json={"package": package}, headers=headers)
        assert answer.status_code == 200, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def pay(self, payment: dict[str, Any], **how: str) -> str:
        session = str(payment["payment_url"]).rpartition("/")[2]
        answer = self.stripe.post(f"/checkout/{session}/pay", json=how or {"card": "4242424242424242"})
        assert answer.status_code == 200, answer.text
        return session

    def status(self, payment: dict[str, Any]) -> dict[str, Any]:
        seen: dict[str, Any] = self.api.get(f"/api/payments/{payment['payment_id']}").json()
        return seen

    def ledger(self) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = self.api.get("/api/users/credits/transactions?limit=100").json()["transactions"]
        return entries

    def balance(self) -> int:
        return int(self.api.get("/api/users/credits").json()["balance"])

    def deliveries(self, session: str) -> list[dict[str, Any]]:
        found: list[dict[str, Any]] = self.stripe.get("/deliveries").json()["deliveries"]
        return found

    def buy(self, package: str = "standard") -> dict[str, Any]:
        """A payment that is paid, with its credits there."""
        payment = self.create(package)
        self.pay(payment)
        eventually(lambda: self.status(payment)["status"] == "succeeded")
        return payment

    def spend(self, amount: int, key: str) -> httpx.Response:
        """Asked for until it is answered with more than "busy", each time with the same key."""
        body = {"user_id": self.user_id, "amount": amount, "description": "A test"}
        return until_not_busy(
            lambda: self.api.post("/api/users/credits/spend", json=body, headers={"idempotency-key": key})
        )

    def refund(self, payment: dict[str, Any], amount: float | None = None, **more: Any) -> httpx.Response:
        """An administrator's, with a key of its own."""
        body = {"payment_id": payment["payment_id"], "reason": "Customer request", "amount": amount, **more}
        headers = self.admin | {"idempotency-key": str(uuid.uuid4())}
        return until_not_busy(lambda: self.api.post("/api/payments/stripe/refund", json=body, headers=headers))

    def intent(self, payment: dict[str, Any]) -> str:
        """The payment intent, as Stripe knows it."""
        session = str(payment["payment_url"]).rpartition("/")[2]
        return str(self.stripe_api.get(f"/checkout/sessions/{session}").json()["payment_intent"])

    def refunded_at_stripe(self, payment: dict[str, Any]) -> int:
        """In minor units."""
        refunds = self.stripe_api.get("/refunds", params={"payment_intent": self.intent(payment), "limit": 100})
        return sum(int(made["amount"]) for made in refunds.json()["data"] if made["status"] in ("succeeded", "pending"))

    def refunded_here(self, payment: dict[str, Any]) -> int:
        """In minor units."""
        refunded: float = self.status(payment).get("amount_refunded", 0)
        return round(refunded * 100)

    def amounts(self, *kinds: str) -> list[int]:
        """The amounts of the ledger's entries of these kinds."""
        return [entry["amount"] for entry in self.ledger() if entry["transaction_type"] in kinds]

    def move_clock(self, seconds: float) -> None:
        self.api.post("/_local/clock", json={"advance_seconds": int(seconds)}).raise_for_status()


def until_not_busy(ask: Callable[[], httpx.Response]) -> httpx.Response:
    """Ask again at once, for as long as the answer is 503 with a Retry-After."""
    deadline = time.monotonic() + DEADLINE
    while (answer := ask()).status_code == 503:
        assert answer.headers["retry-after"].isdecimal()
        assert time.monotonic() < deadline, "busy for too long"
    return answer


def at_once(*calls: Callable[[], Any]) -> list[Any]:
    """What the calls return, each made in a thread of its own, all let go at the same moment."""
    gate = Barrier(len(calls))

    def call(one: Callable[[], Any]) -> Any:
        gate.wait()
        return one()

    with ThreadPoolExecutor(len(calls)) as pool:
        return list(pool.map(call, calls))


def eventually(holds: Callable[[], bool]) -> None:
    deadline = time.monotonic() + DEADLINE
    while not holds():
        assert time.monotonic() < deadline, "it never happened"
        time.sleep(0.02)
