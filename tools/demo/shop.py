"""The demo's shop: makes the calls as one buyer, prints them, and checks what the guide promises."""

import itertools
import json
import uuid
from collections.abc import Callable, Mapping
from copy import copy
from dataclasses import dataclass, field
from datetime import datetime
from http import HTTPStatus
from typing import Any

import httpx

from local.client import QUOTE, Client, document, poll

Json = dict[str, Any]


@dataclass(frozen=True)
class Site:
    """The stack that the demo talks to, and its settings; `user_id` is the demo's own buyer."""

    api: str
    stripe: str
    values: Mapping[str, str] = field(repr=False)
    user_id: str


class Shop:
    """`shown` prints each request and its response; `quiet` does not."""

    def __init__(self, site: Site, http: httpx.Client) -> None:
        self.quiet = Client(site.api, site.stripe, site.values, http.request)
        self.shown = Client(site.api, site.stripe, site.values, self._show)
        self._http = http
        self.user_id = site.user_id
        self._steps = itertools.count(1)

    def of_another(self) -> "Shop":
        """The same shop, with another buyer; the steps go on."""
        other = copy(self)
        other.user_id = f"{self.user_id}-2"
        return other

    def step(self, words: str) -> None:
        print(f"\n{next(self._steps)}. {words}")

    def get(self, path: str) -> Json:
        return document(self.shown.api.get(path, self.user_id))

    def create(self, package: str, key: str) -> Json:
        return document(self.shown.api.create(self.user_id, package, key))

    def spend(self, amount: int, description: str, key: str, *, expected: int = HTTPStatus.OK) -> Json:
        return document(self.shown.api.spend(self.user_id, amount, description, key), expected)

    def hold(self, amount: int, description: str) -> Json:
        key = str(uuid.uuid4())
        return document(self.shown.api.open_hold(self.user_id, amount, description, key), HTTPStatus.CREATED)

    def capture(self, hold: Json, amount: int, key: str) -> Json:
        return document(self.shown.api.capture(hold, amount, key))

    def reverse(self, transaction_id: str, amount: int, reason: str) -> Json:
        key = str(uuid.uuid4())
        return document(self.shown.api.reverse(self.user_id, transaction_id, amount, reason, key))

    def grant(
        self,
        credits: int,
        reason: str,
        campaign: str,
        expires_at: datetime | None,
        *,
        expected: int = HTTPStatus.CREATED,
    ) -> Json:
        """A request of its own each time: the key is new. The credits never expire where `expires_at` is None."""
        body = {"campaign": campaign, "expires_at": expires_at.isoformat() if expires_at else None}
        return document(self.shown.api.grant(self.user_id, credits, reason, str(uuid.uuid4()), body=body), expected)

    def adjust(self, amount: int, reason: str) -> Json:
        return document(self.shown.api.adjust(self.user_id, amount, reason, str(uuid.uuid4())))

    def quote(self, payment: Json, amount: float | None) -> Json:
        """What a refund would do; `amount` None is all that is left."""
        body = {"payment_id": payment["payment_id"], "amount": amount}
        api = self.shown.api
        return document(api.send("POST", api.url + QUOTE, headers=api.credentials.admin(), json=body))

    def refund(self, payment: Json, amount: float, *, expected: int = HTTPStatus.OK, **body: str) -> Json:
        return document(self.shown.api.refund(payment, amount, body=body), expected)

    def deliveries(self) -> dict[str, list[int | None]]:
        """By event: our webhook's status for each attempt, None where there was no response."""
        log = self.quiet.stripe.deliveries()
        return {sent["event"]: [attempt["status"] for attempt in sent["attempts"]] for sent in log}

    def eventually(self, path: str, condition: Callable[[Json], bool], promise: str) -> Json:
        """Repeat the request until the response is as promised, and print that response."""
        seen = poll(lambda: document(self.quiet.api.get(path, self.user_id)), condition, promise)
        print(f"   GET {path}, until {promise}")
        print(f"   200 {shortened(seen)}")
        return seen

    def _show(self, method: str, url: str, **request: Any) -> httpx.Response:
        response = self._http.request(method, url, **request)
        key = request.get("headers", {}).get("idempotency-key")
        print("  ", method, url, *([f"Idempotency-Key: {key}"] if key else []), shortened(request.get("json")))
        print(f"   {response.status_code} {shortened(response.json())}")
        return response


def shortened(value: Any) -> str:
    """As JSON, of 400 characters at most."""
    if value is None:
        return ""
    text = json.dumps(value, ensure_ascii=False)
    return text if len(text) <= 400 else f"{text[:400]} …"
