"""What the steps of a verification share: the stack's API, its users, Stripe, and patience."""

import itertools
import uuid
from collections.abc import Callable
from dataclasses import dataclass, field
from datetime import timedelta
from decimal import Decimal
from http import HTTPStatus
from typing import Any, TypeVar

import httpx

from local.client import TRANSACTIONS, Api, Credentials, Json, document, expect, poll, session_of
from ops.verify import as_asked
from ops.verify.at_stripe import ACCEPTED, AtStripe
from ops.verify.place import Place
from topup.domain import money

Seen = TypeVar("Seen")

EARLIER = timedelta(minutes=5)  # than its start, because the clocks of Stripe and of this machine differ


@dataclass
class Asked:
    """What was asked of the stack's API, a line for each request; the same one again and again is one line."""

    lines: list[str] = field(default_factory=list)

    def add(self, line: str) -> None:
        self.lines.append(line)

    def __str__(self) -> str:
        counted = [(line, len(list(same))) for line, same in itertools.groupby(self.lines)]
        return "\n".join(f"{line} (×{count})" if count > 1 else line for line, count in counted)


@dataclass(frozen=True, kw_only=True)
class Bought:
    """A payment that its buyer has paid; `price` in minor units."""

    user_id: str
    payment: Json
    session_id: str
    intent_id: str
    credits: int
    price: int
    currency: str

    @property
    def id(self) -> str:
        return str(self.payment["payment_id"])

    @property
    def cost(self) -> str:
        return f"{money.to_text(self.price, self.currency)} {self.currency}"


class Scene:
    """One run: `asked` is what the present step has asked; `bought` are the payments of all steps.

    Nothing of the run is older than `since`.
    """

    def __init__(self, place: Place, http: httpx.Client, stripe: AtStripe) -> None:
        self.place = place
        self.stripe = stripe
        self.api = Api(place.api_url, self._send, Credentials(place.environment))
        self.asked = Asked()
        self.bought: list[Bought] = []
        self.since = place.clock.now() - EARLIER
        self._http = http
        self._run = uuid.uuid4().hex[:8]

    def user(self, step: str) -> str:
        """A user of this step's own, without a history."""
        return f"verify-{self._run}-{step}"

    def package(self) -> tuple[str, Json]:
        """The package of the lowest price among those that have one."""
        packages = document(self.api.packages())["packages"]
        priced = [(Decimal(package["price"]), name) for name, package in packages.items() if "price" in package]
        expect(bool(priced), "a package of one price is for sale")
        name = min(priced)[1]
        return name, packages[name]

    def checkout(self, user_id: str) -> Json:
        """A payment that waits for its buyer."""
        name, _ = self.package()
        payment = document(self.api.create(user_id, name, str(uuid.uuid4())))
        expect(payment["status"] == "pending", "a new payment is pending")
        as_asked.open_session(payment["payment_id"], session_of(payment))
        return payment

    def buy(self, user_id: str, token: str = ACCEPTED) -> Bought:
        """A payment that is paid, whose credits have been granted."""
        bought = self.pay(user_id, token)
        self.eventually(lambda: self.entries(user_id, "purchased"), bool, "the webhook grants the credits")
        return bought

    def pay(self, user_id: str, token: str = ACCEPTED) -> Bought:
        """A payment that is paid at Stripe; the stack may not have heard of it."""
        payment = self.checkout(user_id)
        session_id = session_of(payment)
        self.stripe.pay(session_id, token)
        session = self.stripe.session(session_id)
        expect(session["status"] == "complete", "Stripe's session is complete")
        bought = Bought(
            user_id=user_id,
            payment=payment,
            session_id=session_id,
            intent_id=session["payment_intent"]["id"],
            credits=payment["credits_purchased"],
            price=money.to_minor(Decimal(payment["amount"]), payment["currency"]),
            currency=payment["currency"],
        )
        self.bought.append(bought)
        return bought

    def payment(self, bought: Bought) -> Json:
        return document(self.api.payment(bought.payment, bought.user_id))

    def balance(self, user_id: str) -> int:
        return int(document(self.api.credits(user_id))["balance"])

    def entries(self, user_id: str, kind: str) -> list[Json]:
        """The user's ledger entries of this kind, the newest first."""
        listed = document(self.api.get(TRANSACTIONS, user_id, params={"limit": "100"}))["transactions"]
        return [entry for entry in listed if entry["transaction_type"] == kind]

    def grant(self, user_id: str, credits: int, **more: Any) -> Json:
        granted = self.api.grant(user_id, credits, "Verification", str(uuid.uuid4()), **more)
        return document(granted, HTTPStatus.CREATED)

    def eventually(self, read: Callable[[], Seen], condition: Callable[[Seen], bool], promise: str) -> Seen:
        """Read until the condition holds. Raises BrokenPromiseError when patience ends."""
        return poll(read, condition, promise, self.place.patience, self.place.patience / 100)

    def _send(self, method: str, url: str, **request: Any) -> httpx.Response:
        response = self._http.request(method, url, **request)
        path = url.removeprefix(self.place.api_url)
        self.asked.add(f"{method} {path} → {response.status_code}")
        return response
