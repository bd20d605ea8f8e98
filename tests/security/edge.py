"""The API as whoever is outside meets it, over HTTP; what it answers is kept, to be looked through at the end."""

import uuid
from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import httpx

from local import discovery
from local.launcher import Stack
from ops import target
from ops.audit import audit, clock_of
from tests.e2e.buyer import eventually
from tests.security import leaks
from tests.security.forging import as_stripe_writes, event, session, signed

CREATE = "/api/payments/stripe/create"
WEBHOOK = "/api/payments/webhook/stripe"
PAYMENTS = "/api/payments"
REFUND = "/api/payments/stripe/refund"
CREDITS = "/api/users/credits"
TRANSACTIONS = "/api/users/credits/transactions"
SPEND = "/api/users/credits/spend"

JSON = {"content-type": "application/json"}
PROBLEM = "application/problem+json"
GATEWAYS_OWN = ('{"message":"Not Found"}', '{"message":"Request Entity Too Large"}', "Request Entity Too Large")
SHORTEST_SECRET = 16  # characters; anything shorter is found by chance
CREDENTIALS = ("authorization", "x-api-key", "stripe-signature")


@dataclass
class Edge:
    """One stack's API port and function URL. Whatever it is asked, it answers below 500, and errors as problems."""

    stack: Stack
    root: Path  # where the stack runs from
    client: httpx.Client
    may_fail: bool = False  # a stack that is not configured says so with 500
    answers: list[str] = field(default_factory=list)
    credentials: set[str] = field(default_factory=set)  # that requests carried
    planted: set[str] = field(default_factory=set)  # must be in no log and in no answer
    unlogged: set[str] = field(default_factory=set)  # must be in no log; its owner may be told it

    def request(self, method: str, target: str, **more: Any) -> httpx.Response:
        """`target` is a path of the API, or a whole address."""
        url = target if target.startswith("http") else self.stack.api_url + target
        answer = self.client.request(method, url, **more)
        return self.seen(answer)

    def seen(self, answer: httpx.Response) -> httpx.Response:
        """What every answer keeps to, whatever was asked."""
        self.credentials |= credentials_of(answer.request.headers)
        self.answers.append(f"{answer.headers}\n{answer.text}")
        if not self.may_fail:
            assert answer.status_code < 500, answer.text
        if answer.status_code >= 400 and answer.text not in GATEWAYS_OWN and answer.request.method != "HEAD":
            assert answer.headers["content-type"] == PROBLEM
            assert answer.json()["status"] == answer.status_code
            assert answer.headers["cache-control"] == "no-store"
        assert "Traceback" not in answer.text
        return answer

    def get(self, path: str, headers: Any = None, **more: Any) -> httpx.Response:
        return self.request("GET", path, headers=headers, **more)

    def post(self, path: str, body: Any = None, headers: Mapping[str, Any] | None = None) -> httpx.Response:
        """`body` is sent as JSON, or as it is where it is bytes."""
        if isinstance(body, bytes):
            return self.request("POST", path, content=body, headers={**JSON, **(headers or {})})
        return self.request("POST", path, json=body, headers=headers)

    def deliver(self, body: bytes, header: str | None = None, to: str = WEBHOOK, **more: str) -> httpx.Response:
        """A webhook with this Stripe-Signature, by default the right one."""
        signature = signed(body, self.webhook_secret) if header is None else header
        return self.post(to, body, {"stripe-signature": signature, **more})

    # ----------------------------------------------------------------------------------------------------- who asks

    @property
    def webhook_secret(self) -> str:
        return str(self.stack.values["STRIPE_WEBHOOK_SECRET"]).partition(",")[0]

    @property
    def function_url(self) -> str:
        return self.stack.webhook_url

    def user(self, user_id: str, **claims: Any) -> dict[str, str]:
        return {"authorization": f"Bearer {self.stack.token(user_id, **claims)}"}

    def buyer(self, user_id: str) -> dict[str, str]:
        return self.user(user_id) | self.service()

    def service(self, key: str | None = None) -> dict[str, str]:
        return {"x-api-key": self.stack.api_key} | ({"idempotency-key": key} if key else {})

    def admin(self) -> dict[str, str]:
        return {"authorization": f"Bearer {self.stack.admin_token}"}

    # ---------------------------------------------------------------------------------------------- what came of it

    def create(self, user_id: str, package: str = "standard", key: str | None = None) -> dict[str, Any]:
        """A pending payment; `key` is its Idempotency-Key."""
        headers = self.buyer(user_id) | ({"idempotency-key": key} if key else {})
        answer = self.post(CREATE, {"package": package}, headers)
        assert answer.status_code == 200, answer.text
        created: dict[str, Any] = answer.json()
        return created

    def buy(self, user_id: str, package: str = "standard") -> dict[str, Any]:
        """A payment that is paid, told by a webhook of our own, so that there is nothing to wait for."""
        payment = self.create(user_id, package)
        told = self.deliver(self.paid_event(payment, user_id))
        assert told.json() == {"received": True}
        assert self.balance(user_id) >= payment["credits_purchased"]
        return payment

    def pay(self, payment: Mapping[str, Any]) -> None:
        """The buyer pays at Stripe's, whose webhook tells of it."""
        session_id = str(payment["payment_url"]).rpartition("/")[2]
        url = f"{self.stack.stripe_url}/_sim/checkout/{session_id}/pay"
        self.client.post(url, json={"card": "4242424242424242"}).raise_for_status()
        eventually(lambda: self.status(payment)["status"] == "succeeded")

    def paid_event(self, payment: Mapping[str, Any], user_id: str, **changes: Any) -> bytes:
        """Stripe API: event checkout.session.completed, for the payment as it was asked for."""
        told = session(payment, user_id, self.stack_name, **changes)
        return as_stripe_writes(event("checkout.session.completed", told))

    @property
    def stack_name(self) -> str:
        """What marks Stripe's objects as this stack's."""
        return discovery.of(self.stack, self.root).environment["STACK_NAME"]

    def balance(self, user_id: str) -> int:
        return int(self.get(CREDITS, self.user(user_id)).json()["balance"])

    def status(self, payment: Mapping[str, Any]) -> dict[str, Any]:
        """As an administrator sees it."""
        seen: dict[str, Any] = self.get(f"{PAYMENTS}/{payment['payment_id']}", self.admin()).json()
        return seen

    def sessions(self) -> set[str]:
        """The Checkout Sessions that Stripe knows of, the latest hundred."""
        key = {"authorization": f"Bearer {self.stack.values['STRIPE_SECRET_KEY']}"}
        listed = self.client.get(f"{self.stack.stripe_url}/v1/checkout/sessions?limit=100", headers=key)
        return {session["id"] for session in listed.json()["data"]}

    # --------------------------------------------------------------------------------------------- what may not leak

    def plant(self, *, in_answers: bool = False) -> str:
        """A text that nobody else has, and that no log may have; `in_answers`: its owner may be told it."""
        text = f"planted-{uuid.uuid4().hex}"
        (self.unlogged if in_answers else self.planted).add(text)
        return text

    @property
    def log(self) -> str:
        """Everything that the functions have logged."""
        return (self.root / "logs" / "app.log").read_text(encoding="utf-8")

    @property
    def configured(self) -> set[str]:
        """The secrets of the configuration, each by itself."""
        names = ("JWT_SECRET", "PROXY_API_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET")
        return {part.strip() for name in names for part in self.stack.values[name].split(",") if part.strip()}

    def leaked(self) -> set[str]:
        """Secrets that are in an answer or in a log."""
        log = self.log
        everything = "\n".join([log, *self.answers])
        sent = {credential for credential in self.credentials if credential in everything}
        return sent | leaks.found(self.configured | self.planted, everything) | leaks.found(self.unlogged, log)

    def violations(self) -> list[str]:
        """What the audit finds in the stack's tables."""
        running = discovery.of(self.stack, self.root)
        with target.tables(running.environment):
            return audit(clock_of(running)).findings


def credentials_of(headers: httpx.Headers) -> set[str]:
    """What a request's headers would give away: tokens' signatures, keys, and webhooks' digests."""
    words = [
        word
        for name in CREDENTIALS
        for value in headers.get_list(name)
        for word in value.replace(",", " ").replace("=", " ").replace(".", " ").split()
    ]
    return {word for word in words if len(word) >= SHORTEST_SECRET and word.isascii()}
