"""The demonstration's shop: makes the calls as one buyer, shows them, and insists on what the guide promises."""

from collections.abc import Callable
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

import httpx

from local.client import BrokenPromiseError, poll, shortened


@dataclass(frozen=True)
class Site:
    """The stack that the demonstration talks to, as one buyer of its own."""

    api: str
    stripe: str
    token: str
    admin_token: str
    api_key: str
    stripe_key: str
    user_id: str


class Shop:
    """Makes the calls and shows them."""

    def __init__(self, site: Site, client: httpx.Client) -> None:
        self._site = site
        self._client = client
        self._steps = 0

    def step(self, words: str) -> None:
        self._steps += 1
        print(f"\n{self._steps}. {words}")

    def get(self, path: str, *, show: bool = True) -> dict[str, Any]:
        return self._call("GET", self._site.api + path, show=show, headers=self._headers())

    def create(self, package: str, key: str) -> dict[str, Any]:
        headers = {**self._headers(), "X-API-Key": self._site.api_key, "Idempotency-Key": key}
        return self._call(
            "POST", f"{self._site.api}/api/payments/stripe/create", headers=headers, json={"package": package}
        )

    def spend(self, amount: int, description: str, key: str, *, expected: int = HTTPStatus.OK) -> dict[str, Any]:
        """What a trusted service asks for."""
        headers = {"X-API-Key": self._site.api_key, "Idempotency-Key": key}
        body = {"user_id": self._site.user_id, "amount": amount, "description": description}
        return self._call(
            "POST", f"{self._site.api}/api/users/credits/spend", headers=headers, json=body, expected=expected
        )

    def refund(self, payment_id: str, amount: float) -> dict[str, Any]:
        """What an administrator asks for."""
        headers = {"Authorization": f"Bearer {self._site.admin_token}"}
        body = {"payment_id": payment_id, "reason": "Customer request", "amount": amount}
        return self._call("POST", f"{self._site.api}/api/payments/stripe/refund", headers=headers, json=body)

    def move_clock(self, days: int) -> None:
        self._call("POST", f"{self._site.api}/_local/clock", json={"advance_seconds": days * 86_400})

    def intent_of(self, session: str) -> str:
        """The payment intent of a paid session, as Stripe's own API tells it."""
        headers = {"Authorization": f"Bearer {self._site.stripe_key}"}
        url = f"{self._site.stripe}/v1/checkout/sessions/{session}"
        return str(self._call("GET", url, show=False, headers=headers)["payment_intent"])

    def steer(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What buyers, banks and networks do, by the simulator's own controls."""
        return self._call(method, f"{self._site.stripe}/_sim{path}", json=body)

    def deliveries(self) -> dict[str, list[int | None]]:
        """What our webhook answered to each attempt, by event."""
        log = self._call("GET", f"{self._site.stripe}/_sim/deliveries", show=False)["deliveries"]
        return {sent["event"]: [attempt["status"] for attempt in sent["attempts"]] for sent in log}

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._site.token}"}

    def _call(
        self, method: str, url: str, *, show: bool = True, expected: int = HTTPStatus.OK, **request: Any
    ) -> dict[str, Any]:
        answer = self._client.request(method, url, **request)
        if show:
            key = request.get("headers", {}).get("Idempotency-Key")
            print("  ", method, url, *([f"Idempotency-Key: {key}"] if key else []), shortened(request.get("json")))
            print(f"   {answer.status_code} {shortened(answer.json())}")
        if answer.status_code != expected:
            raise BrokenPromiseError(f"{method} {url} answered {answer.status_code}: {answer.text}")
        document: dict[str, Any] = answer.json()
        return document

    def eventually(self, path: str, condition: Callable[[dict[str, Any]], bool], promise: str) -> dict[str, Any]:
        """Asks again until the answer is as promised, and shows that answer."""
        seen = poll(lambda: self.get(path, show=False), condition, promise)
        print(f"   GET {path}, until {promise}")
        print(f"   200 {shortened(seen)}")
        return seen
