"""The API as a stranger meets it, over HTTP. All responses are kept, and searched for leaks at the end."""

import uuid
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import httpx

from local import discovery
from local.client import PAYMENTS, Api, Client, Json, document
from local.launcher import Stack
from ops import target
from ops.audit import audit, clock_of
from tests.e2e.buyer import eventually
from tests.security import leaks
from tests.security.forging import as_stripe_writes, event, session, signed

WEBHOOK = "/api/payments/webhook/stripe"
JSON = {"content-type": "application/json"}
PROBLEM = "application/problem+json"
OF_THE_GATEWAY = (
    *('{"message":"Request Entity Too Large"}', "Request Entity Too Large"),
    '{"message":"Request Header Fields Too Large"}',
    "Invalid HTTP request received.",  # the local server, for headers beyond what it reads
)
SHORTEST_SECRET = 16  # characters; anything shorter is found by chance
CREDENTIALS = ("authorization", "x-api-key", "stripe-signature")


class Edge:
    """One stack's API port and function URL. Every response is below 500, and every error is a problem document."""

    def __init__(self, stack: Stack, root: Path, http: httpx.Client, *, may_fail: bool = False) -> None:
        """`root`: where the stack runs from. `may_fail`: a stack without its configuration responds with 500."""
        self.stack = stack
        self.root = root
        self.http = http  # for requests whose responses are not checked
        self.may_fail = may_fail
        self.responses: list[str] = []
        self.sent: set[str] = set()  # credentials that requests carried
        self.planted: set[str] = set()  # may be in no log and in no response
        self.unlogged: set[str] = set()  # may be in no log; its owner may see it
        client = Client(stack.api_url, stack.stripe_url, stack.values, http.request)
        callers = client.credentials
        self.user, self.buyer, self.service = callers.user, callers.buyer, callers.service
        self.admin, self.support = callers.admin, callers.support
        self.stripe = client.stripe
        self.api = Api(stack.api_url, self.request, callers)

    def request(self, method: str, target: str, **more: Any) -> httpx.Response:
        """`target` is a path of the API, or a whole address."""
        url = target if target.startswith("http") else self.stack.api_url + target
        return self.checked(self.http.request(method, url, **more))

    def checked(self, response: httpx.Response) -> httpx.Response:
        """Keep the response, and check what is true of every response."""
        self.sent |= credentials_of(response.request.headers)
        self.responses.append(f"{response.headers}\n{response.text}")
        if not self.may_fail:
            assert response.status_code < 500, response.text
        if response.status_code >= 400 and response.text not in OF_THE_GATEWAY and response.request.method != "HEAD":
            assert response.headers["content-type"] == PROBLEM
            assert response.json()["status"] == response.status_code
            assert response.headers["cache-control"] == "no-store"
            assert response.headers.get("x-request-id") == response.json().get("request_id")
        assert "Traceback" not in response.text
        return response

    def get(self, path: str, headers: Any = None, **more: Any) -> httpx.Response:
        return self.request("GET", path, headers=headers, **more)

    def post(self, path: str, body: Any = None, headers: Mapping[str, Any] | None = None) -> httpx.Response:
        """Bytes are sent as they are, any other body as JSON."""
        if isinstance(body, bytes):
            return self.request("POST", path, content=body, headers={**JSON, **(headers or {})})
        return self.request("POST", path, json=body, headers=headers)

    def deliver(self, body: bytes, header: str | None = None, to: str = WEBHOOK, **more: str) -> httpx.Response:
        """A webhook with this Stripe-Signature; by default a valid one."""
        signature = signed(body, self.webhook_secret) if header is None else header
        return self.post(to, body, {"stripe-signature": signature, **more})

    # -------------------------------------------------------------------------------------------------- the stack

    @property
    def webhook_secret(self) -> str:
        return str(self.stack.values["STRIPE_WEBHOOK_SECRET"]).partition(",")[0]

    @property
    def function_url(self) -> str:
        return self.stack.webhook_url

    @property
    def stack_name(self) -> str:
        """What marks Stripe's objects as this stack's."""
        return discovery.of(self.stack, self.root).environment["STACK_NAME"]

    # ------------------------------------------------------------------------------------------------- purchases

    def create(self, user_id: str, package: str = "standard", key: str | None = None) -> Json:
        """A pending payment; `key` is the Idempotency-Key."""
        return document(self.api.create(user_id, package, key))

    def buy(self, user_id: str, package: str = "standard") -> Json:
        """A paid payment, reported by a webhook of our own, so there is nothing to wait for."""
        payment = self.create(user_id, package)
        assert self.deliver(self.paid_event(payment, user_id)).json() == {"received": True}
        assert self.balance(user_id) >= payment["credits_purchased"]
        return payment

    def pay(self, payment: Json) -> None:
        """The buyer pays at Stripe, whose webhook reports it."""
        self.stripe.pay(payment)
        eventually(lambda: self.status(payment)["status"] == "succeeded")

    def paid_event(self, payment: Json, user_id: str, **changes: Any) -> bytes:
        """Stripe API: event checkout.session.completed, for exactly this payment unless `changes` say otherwise."""
        subject = session(payment, user_id, self.stack_name, **changes)
        return as_stripe_writes(event("checkout.session.completed", subject))

    def balance(self, user_id: str) -> int:
        return int(self.api.credits(user_id).json()["balance"])

    def status(self, payment: Json) -> Json:
        """The payment as an administrator sees it."""
        seen: Json = self.get(f"{PAYMENTS}/{payment['payment_id']}", self.admin()).json()
        return seen

    def sessions(self) -> set[str]:
        """The latest hundred Checkout Sessions at Stripe."""
        return {made["id"] for made in self.stripe.read("/checkout/sessions", params={"limit": "100"})["data"]}

    # ----------------------------------------------------------------------------------------------------- leaks

    def plant(self, *, in_responses: bool = False) -> str:
        """A unique text that no log may have, and no response either, unless its owner may see it."""
        text = f"planted-{uuid.uuid4().hex}"
        (self.unlogged if in_responses else self.planted).add(text)
        return text

    @property
    def log(self) -> str:
        """Everything that the functions have logged."""
        return "".join((self.root / "logs" / name).read_text(encoding="utf-8") for name in ("app.log", "metrics.log"))

    @property
    def configured(self) -> set[str]:
        """The secrets of the configuration, one by one."""
        names = ("JWT_SECRET", "PROXY_API_KEY", "STRIPE_SECRET_KEY", "STRIPE_WEBHOOK_SECRET")
        return {part.strip() for name in names for part in self.stack.values[name].split(",") if part.strip()}

    def leaked(self) -> set[str]:
        """Secrets that are in a response or in a log."""
        log = self.log
        everything = "\n".join([log, *self.responses])
        sent = {credential for credential in self.sent if credential in everything}
        return sent | leaks.found(self.configured | self.planted, everything) | leaks.found(self.unlogged, log)

    def violations(self) -> list[str]:
        """What the audit finds in the stack's tables."""
        running = discovery.of(self.stack, self.root)
        with target.tables(running.environment):
            return audit(clock_of(running)).findings


def credentials_of(headers: httpx.Headers) -> set[str]:
    """The secrets in a request's headers: signatures of tokens, keys, and digests of webhooks."""
    words = [
        word
        for name in CREDENTIALS
        for value in headers.get_list(name)
        for word in value.replace(",", " ").replace("=", " ").replace(".", " ").split()
    ]
    return {word for word in words if len(word) >= SHORTEST_SECRET and word.isascii()}
