"""One client of a running stack: Topup's API, the local switches and the Stripe simulator.

The demo, the load run, the end-to-end tests and the security tests use it, each with its own `send`.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

import httpx

from local import tokens

TIMEOUT = 15.0  # seconds for a webhook to arrive or a status to change
CARD, DECLINED_CARD = "4242424242424242", "4000000000000002"

CREATE = "/api/payments/stripe/create"
PAYMENTS = "/api/payments"
REFUND = "/api/payments/stripe/refund"
QUOTE = f"{REFUND}/quote"
FIND = "/api/admin/payments"
CREDITS = "/api/users/credits"
TRANSACTIONS = "/api/users/credits/transactions"
SPEND = "/api/users/credits/spend"
GRANT = "/api/admin/credits/grant"
ADJUST = "/api/admin/credits/adjust"
HOLDS = "/api/users/credits/holds"
REVERSE = "/api/users/credits/spend/reverse"

Json = dict[str, Any]
Send = Callable[..., httpx.Response]  # called like httpx.Client.request; it may also print, measure or check


class BrokenPromiseError(Exception):
    """A response is not what the integration guide promises."""


class UnexpectedStatusError(BrokenPromiseError):
    def __init__(self, response: httpx.Response) -> None:
        request = response.request
        super().__init__(f"{request.method} {request.url} returned {response.status_code}: {response.text}")
        self.status = response.status_code


@dataclass(frozen=True)
class Credentials:
    """The headers that each kind of caller sends; `values` are the stack's settings."""

    values: Mapping[str, str] = field(repr=False)

    def user(self, user_id: str, **claims: Any) -> dict[str, str]:
        """`claims` add to or replace what the token says."""
        return {"authorization": f"Bearer {tokens.mint(self.values, user_id, datetime.now(UTC), **claims)}"}

    def service(self, key: str | None = None) -> dict[str, str]:
        """A trusted service; `key` is the Idempotency-Key, here and below."""
        return {"x-api-key": tokens.service_key(self.values)} | _idempotency(key)

    def buyer(self, user_id: str, key: str | None = None) -> dict[str, str]:
        """A user, whose purchase a trusted service passes on."""
        return self.user(user_id) | self.service(key)

    def admin(self, key: str | None = None) -> dict[str, str]:
        token = tokens.mint_admin(self.values, "admin-demo", datetime.now(UTC))
        return {"authorization": f"Bearer {token}"} | _idempotency(key)

    def support(self, key: str | None = None) -> dict[str, str]:
        token = tokens.mint_support(self.values, "support-demo", datetime.now(UTC))
        return {"authorization": f"Bearer {token}"} | _idempotency(key)


@dataclass(frozen=True)
class Api:
    """Topup's API. Responses are returned as they are, errors too; `more` goes to `send`."""

    url: str
    send: Send
    credentials: Credentials

    def packages(self, **more: Any) -> httpx.Response:
        return self.send("GET", f"{self.url}{PAYMENTS}/packages", **more)

    def get(self, path: str, user_id: str, **more: Any) -> httpx.Response:
        return self.send("GET", self.url + path, headers=self.credentials.user(user_id), **more)

    def payment(self, payment: Mapping[str, Any], user_id: str, **more: Any) -> httpx.Response:
        return self.get(f"{PAYMENTS}/{payment['payment_id']}", user_id, **more)

    def credits(self, user_id: str, **more: Any) -> httpx.Response:
        return self.get(CREDITS, user_id, **more)

    def ledger(self, user_id: str, **more: Any) -> Iterator[Json]:
        """All of a user's transactions, newest first."""
        cursor: str | None = ""
        while cursor is not None:
            query = {"limit": "100"} | ({"cursor": cursor} if cursor else {})
            page = document(self.get(TRANSACTIONS, user_id, params=query, **more))
            yield from page["transactions"]
            cursor = page["next_cursor"]

    def create(self, user_id: str, package: str = "standard", key: str | None = None, **more: Any) -> httpx.Response:
        headers = self.credentials.buyer(user_id, key)
        return self.send("POST", self.url + CREATE, headers=headers, json={"package": package}, **more)

    def spend(self, user_id: str, amount: int, description: str, key: str, **more: Any) -> httpx.Response:
        body = {"user_id": user_id, "amount": amount, "description": description}
        return self.send("POST", self.url + SPEND, headers=self.credentials.service(key), json=body, **more)

    def open_hold(self, user_id: str, amount: int, description: str, key: str, **more: Any) -> httpx.Response:
        """`more` may have `body`: the fields `ttl_seconds`, `overrun` and `metadata`, where they are sent."""
        body = {"user_id": user_id, "amount": amount, "description": description} | more.pop("body", {})
        return self.send("POST", self.url + HOLDS, headers=self.credentials.service(key), json=body, **more)

    def capture(
        self, hold: Mapping[str, Any], amount: int, key: str, *, final: bool = True, **more: Any
    ) -> httpx.Response:
        address = f"{self.url}{HOLDS}/{hold['hold_id']}/capture"
        body = {"amount": amount, "final": final}
        return self.send("POST", address, headers=self.credentials.service(key), json=body, **more)

    def reverse(
        self, user_id: str, transaction_id: str, amount: int | None, reason: str, key: str, **more: Any
    ) -> httpx.Response:
        """`amount` None is all that is left of the spend."""
        body = {"user_id": user_id, "transaction_id": transaction_id, "amount": amount, "reason": reason}
        return self.send("POST", self.url + REVERSE, headers=self.credentials.service(key), json=body, **more)

    def grant(self, user_id: str, credits: int, reason: str, key: str, **more: Any) -> httpx.Response:
        """`more` may have `body`: the fields `campaign` and `expires_at`, where they are sent."""
        body = {"user_id": user_id, "credits": credits, "reason": reason} | more.pop("body", {})
        return self.send("POST", self.url + GRANT, headers=self.credentials.admin(key), json=body, **more)

    def adjust(self, user_id: str, amount: int, reason: str, key: str, **more: Any) -> httpx.Response:
        body = {"user_id": user_id, "amount": amount, "reason": reason}
        return self.send("POST", self.url + ADJUST, headers=self.credentials.admin(key), json=body, **more)

    def refund(
        self,
        payment: Mapping[str, Any],
        amount: float | None = None,
        key: str | None = None,
        *,
        force: bool = False,
        **more: Any,
    ) -> httpx.Response:
        """`amount` in major units; None is all that is left. `more` may have `body`: further fields."""
        body = {"payment_id": payment["payment_id"], "reason": "Customer request", "amount": amount}
        body |= ({"force": True} if force else {}) | more.pop("body", {})
        return self.send("POST", self.url + REFUND, headers=self.credentials.admin(key), json=body, **more)


@dataclass(frozen=True)
class Switches:
    """The local stack's own switches, under /_local. Raises UnexpectedStatusError."""

    url: str
    send: Send

    def now(self) -> datetime:
        return datetime.fromisoformat(self.call("GET", "/clock")["now"])

    def move_clock(self, seconds: float) -> None:
        self.call("POST", "/clock", {"advance_seconds": int(seconds)})

    def reconcile(self, **event: Any) -> Json:
        """The report; `event` is what functions/reconcile takes."""
        return self.call("POST", "/reconcile", event, timeout=300)

    def reaper(self) -> Json:
        return self.call("GET", "/reaper")

    def set_reaper(self, **switches: bool) -> None:
        self.call("PUT", "/reaper", switches)

    def call(self, method: str, path: str, body: Json | None = None, **more: Any) -> Json:
        return document(self.send(method, f"{self.url}/_local{path}", json=body, **more))


@dataclass(frozen=True)
class Simulator:
    """What buyers, banks, the Dashboard and the network do at the Stripe simulator. Raises UnexpectedStatusError."""

    url: str
    send: Send
    secret_key: str = field(repr=False)

    def pay(self, payment: Mapping[str, Any], **how: Any) -> Json:
        """`how`: a `card` or a `method`, by default a card that is accepted; and the tax, a code and so on."""
        way = how if "method" in how else {"card": CARD, **how}
        return self.call("POST", f"/checkout/{session_of(payment)}/pay", way)

    def settle(self, payment: Mapping[str, Any], outcome: str) -> Json:
        return self.call("POST", f"/checkout/{session_of(payment)}/settle", {"outcome": outcome})

    def expire(self, payment: Mapping[str, Any]) -> None:
        self.call("POST", f"/checkout/{session_of(payment)}/expire")

    def refund(self, intent: str, amount: int | None = None, *, pending: bool = False) -> Json:
        """Made in the Dashboard. `amount` in minor units, here and below; None is all that is left."""
        return self.call("POST", f"/payment_intents/{intent}/refund", {"amount": amount, "pending": pending})

    def fail_refund(self, refund_id: str) -> None:
        self.call("POST", f"/refunds/{refund_id}/fail")

    def dispute(self, intent: str, amount: int | None = None) -> Json:
        return self.call("POST", f"/payment_intents/{intent}/dispute", {"amount": amount})

    def close_dispute(self, dispute: Mapping[str, Any], status: str) -> None:
        self.call("POST", f"/disputes/{dispute['id']}/close", {"status": status})

    def deliveries(self) -> list[Json]:
        return list(self.call("GET", "/deliveries")["deliveries"])

    def set_webhooks(self, **behaviour: Any) -> None:
        """What is not named goes back to normal."""
        self.call("PUT", "/webhooks", behaviour)

    def faults(self) -> list[Json]:
        """The faults that have not struck yet."""
        return list(self.call("GET", "/faults")["next"])

    def set_faults(self, *faults: Json) -> None:
        self.call("PUT", "/faults", {"next": list(faults)})

    def intent_of(self, payment: Mapping[str, Any]) -> str:
        return str(self.read(f"/checkout/sessions/{session_of(payment)}")["payment_intent"])

    def listed(self, path: str, **query: str) -> Iterator[Json]:
        """All objects of a list of Stripe's API, newest first."""
        page: Json = {"has_more": True, "data": []}
        while page["has_more"]:
            after = {"starting_after": page["data"][-1]["id"]} if page["data"] else {}
            page = self.read(path, params={"limit": "100", **query, **after})
            yield from page["data"]

    def read(self, path: str, **more: Any) -> Json:
        """Stripe's own API."""
        headers = {"authorization": f"Bearer {self.secret_key}"}
        return document(self.send("GET", f"{self.url}/v1{path}", headers=headers, **more))

    def call(self, method: str, path: str, body: Json | None = None) -> Json:
        """The simulator's controls."""
        return document(self.send(method, f"{self.url}/_sim{path}", json=body))


class Client:
    def __init__(self, api_url: str, stripe_url: str, values: Mapping[str, str], send: Send) -> None:
        """`values` are the stack's settings."""
        self.credentials = Credentials(values)
        self.api = Api(api_url, send, self.credentials)
        self.local = Switches(api_url, send)
        self.stripe = Simulator(stripe_url, send, values["STRIPE_SECRET_KEY"])


Seen = TypeVar("Seen")


def poll(
    read: Callable[[], Seen],
    condition: Callable[[Seen], bool],
    promise: str,
    seconds: float = TIMEOUT,
    every: float = 0.02,
) -> Seen:
    """Read until the condition holds. Raises BrokenPromiseError after `seconds`."""
    deadline = time.monotonic() + seconds
    while not condition(seen := read()):
        if time.monotonic() > deadline:
            broken(f"{promise}, within {seconds:.0f} s; the last value was {seen}")
        time.sleep(every)
    return seen


def session_of(payment: Mapping[str, Any]) -> str:
    """The Checkout Session's id: the last part of its page's address."""
    return str(payment["payment_url"]).partition("#")[0].rpartition("/")[2]


def document(response: httpx.Response, *expected: int) -> Json:
    """The response's JSON. Raises UnexpectedStatusError unless the status is one of `expected` (default: 200)."""
    if response.status_code not in (expected or (httpx.codes.OK,)):
        raise UnexpectedStatusError(response)
    read: Json = response.json()
    return read


def expect(kept: bool, promise: str) -> None:
    if not kept:
        broken(promise)


def broken(promise: str) -> NoReturn:
    raise BrokenPromiseError(f"not as promised: {promise}")


def _idempotency(key: str | None) -> dict[str, str]:
    return {"idempotency-key": key} if key else {}
