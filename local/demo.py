"""`python -m local.demo`: a whole purchase from the terminal, each step with its request and its answer.

It starts a stack of its own, or uses the one at `--api URL`.
"""

import argparse
import contextlib
import json
import os
import sys
import time
import uuid
from collections.abc import Callable, Container, Iterator
from dataclasses import dataclass
from datetime import UTC, datetime
from typing import Any, NoReturn, TypeVar

import httpx

from local import settings, tokens
from local.running import ROOT, StackFailedError, running
from local.settings import SettingsError

PATIENCE = 15.0  # seconds for what happens by itself: a webhook, a status
DECLINED, ACCEPTED = "4000000000000002", "4242424242424242"


class BrokenPromiseError(Exception):
    """Something is not as the guide says that it is."""


@dataclass(frozen=True)
class Site:
    """The stack that the demonstration talks to, as one buyer of its own."""

    api: str
    stripe: str
    token: str
    api_key: str


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

    def steer(self, method: str, path: str, body: dict[str, Any]) -> dict[str, Any]:
        """What buyers, banks and networks do, by the simulator's own controls."""
        return self._call(method, f"{self._site.stripe}/_sim{path}", json=body)

    def deliveries(self) -> dict[str, list[int | None]]:
        """What our webhook answered to each attempt, by event."""
        log = self._call("GET", f"{self._site.stripe}/_sim/deliveries", show=False)["deliveries"]
        return {sent["event"]: [attempt["status"] for attempt in sent["attempts"]] for sent in log}

    def _headers(self) -> dict[str, str]:
        return {"Authorization": f"Bearer {self._site.token}"}

    def _call(self, method: str, url: str, *, show: bool = True, **request: Any) -> dict[str, Any]:
        answer = self._client.request(method, url, **request)
        if show:
            print(f"   {method} {url} {_short(request.get('json'))}")
            print(f"   {answer.status_code} {_short(answer.json())}")
        if answer.status_code != httpx.codes.OK:
            raise BrokenPromiseError(f"{method} {url} answered {answer.status_code}: {answer.text}")
        document: dict[str, Any] = answer.json()
        return document

    def eventually(self, path: str, condition: Callable[[dict[str, Any]], bool], promise: str) -> dict[str, Any]:
        """Asks again until the answer is as promised, and shows that answer."""
        seen = poll(lambda: self.get(path, show=False), condition, promise)
        print(f"   GET {path}, until {promise}")
        print(f"   200 {_short(seen)}")
        return seen


Seen = TypeVar("Seen")


def poll(look: Callable[[], Seen], condition: Callable[[Seen], bool], promise: str) -> Seen:
    """Looks until the condition holds. Raises BrokenPromiseError."""
    deadline = time.monotonic() + PATIENCE
    while not condition(seen := look()):
        if time.monotonic() > deadline:
            broken(f"{promise}, within {PATIENCE:.0f} s; at last it was {seen}")
        time.sleep(0.05)  # between two looks, so that they do not take the handlers' time
    return seen


def buy(shop: Shop) -> None:
    """The story. Raises BrokenPromiseError."""
    shop.step("What is for sale?")
    expect("standard" in shop.get("/api/payments/packages")["packages"], "the standard package is for sale")
    payment = create_twice(shop)
    declined_then_paid(shop, payment)
    check_credits(shop, 1100, purchases=1)
    pay_late(shop)
    check_credits(shop, 1600, purchases=2)


def create_twice(shop: Shop) -> dict[str, Any]:
    key = str(uuid.uuid4())
    shop.step("The user buys the standard package. That makes a payment, and a page to pay on.")
    payment = shop.create("standard", key)
    expect(payment["status"] == "pending" and payment["amount"] == "100.00", "it is pending, for 100.00")
    shop.step("The network was slow, so the page sends the same request again: same Idempotency-Key, same payment.")
    expect(shop.create("standard", key) == payment, "the second answer is the first one")
    return payment


def declined_then_paid(shop: Shop, payment: dict[str, Any]) -> None:
    session, path = session_of(payment), f"/api/payments/{payment['payment_id']}"
    shop.step("The buyer's first card is declined. The payment has failed, with the reason, but not for good.")
    shop.steer("POST", f"/checkout/{session}/pay", {"card": DECLINED})
    failed = shop.eventually(path, lambda seen: seen["status"] == "failed", "the status is failed")
    expect(bool(failed.get("error_message")), "the reason is given")
    shop.step("Stripe will deliver each event three times; nothing may be granted twice.")
    shop.steer("PUT", "/webhooks", {"duplicates": 2})
    before = shop.deliveries()
    shop.step("On the same page the buyer pays with another card, and Stripe's webhook tells us so.")
    shop.steer("POST", f"/checkout/{session}/pay", {"card": ACCEPTED})
    shop.eventually(path, lambda seen: seen["status"] == "succeeded", "the status is succeeded")
    every_event_came_three_times(shop, before)


def every_event_came_three_times(shop: Shop, before: Container[str]) -> None:
    shop.step("All of the payment's events have come three times, and were acknowledged.")

    def new() -> list[list[int | None]]:
        return [answers for event, answers in shop.deliveries().items() if event not in before]

    def complete(found: list[list[int | None]]) -> bool:
        return bool(found) and all(len(answers) >= 3 and httpx.codes.OK in answers for answers in found)

    answers = poll(new, complete, "each event came three times")
    print(f"   {len(answers)} events; our answers to their deliveries: {_short(answers)}")
    print("   From here on each comes once, as usual.")
    shop.steer("PUT", "/webhooks", {"duplicates": 0})


def pay_late(shop: Shop) -> None:
    shop.step("The next purchase is paid with Alipay, which settles later.")
    payment = shop.create("trial", str(uuid.uuid4()))
    session, path = session_of(payment), f"/api/payments/{payment['payment_id']}"
    shop.steer("POST", f"/checkout/{session}/pay", {"method": "alipay"})
    shop.eventually(path, lambda seen: seen["status"] == "processing", "the status is processing")
    shop.step("The money arrives.")
    shop.steer("POST", f"/checkout/{session}/settle", {"outcome": "succeeded"})
    shop.eventually(path, lambda seen: seen["status"] == "succeeded", "the status is succeeded")


def check_credits(shop: Shop, balance: int, *, purchases: int) -> None:
    shop.step(f"The user has {balance} credits, and the history says how they came.")
    shop.eventually("/api/users/credits", lambda seen: seen["balance"] == balance, f"the balance is {balance}")
    history = shop.get("/api/users/credits/transactions")["transactions"]
    bought = [entry for entry in history if entry["transaction_type"] == "purchased"]
    expect(len(history) == len(bought) == purchases, f"there is exactly one purchased entry for each of {purchases}")


def session_of(payment: dict[str, Any]) -> str:
    """The Checkout Session's id, which its page's address ends with."""
    return str(payment["payment_url"]).partition("#")[0].rpartition("/")[2]


def expect(kept: bool, promise: str) -> None:
    if not kept:
        broken(promise)


def broken(promise: str) -> NoReturn:
    raise BrokenPromiseError(f"not as promised: {promise}")


def _short(document: Any) -> str:
    if document is None:
        return ""
    text = json.dumps(document, ensure_ascii=False)
    return text if len(text) <= 400 else f"{text[:400]} …"


@contextlib.contextmanager
def site(api: str | None) -> Iterator[Site]:
    buyer = f"demo-{uuid.uuid4().hex[:8]}"  # somebody without a past
    if api is None:
        with running() as stack:
            print(f"A local stack is ready after {stack.seconds:.1f} s, at {stack.api_url}.")
            yield Site(stack.api_url, stack.stripe_url, stack.token(buyer), stack.api_key)
        return
    chosen = settings.load(ROOT, os.environ)
    if not chosen.simulated:
        raise SettingsError("the demonstration needs the Stripe simulator: STRIPE_SECRET_KEY=sk_test_local_simulator")
    token = tokens.mint(chosen.values, buyer, datetime.now(UTC))
    api_key = chosen.values["PROXY_API_KEY"].split(",")[0].strip()
    yield Site(api.rstrip("/"), f"http://localhost:{chosen.ports['STRIPE_PORT']}", token, api_key)


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m local.demo", description="A whole purchase, step by step.")
    parser.add_argument("--api", metavar="URL", help="use the stack that runs there, instead of one of its own")
    try:
        with site(parser.parse_args(arguments).api) as found, httpx.Client(trust_env=False, timeout=30) as client:
            buy(Shop(found, client))
    except (BrokenPromiseError, StackFailedError, SettingsError, httpx.HTTPError) as error:
        print(f"\nThe demonstration failed: {error}", file=sys.stderr)
        return 1
    print("\nEverything was as promised.")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
