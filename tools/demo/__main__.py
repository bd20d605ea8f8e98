"""`python -m tools.demo`: purchases and what becomes of their credits, each step with its request and its answer.

It starts a stack of its own, or uses the one at `--api URL`.
"""

import argparse
import contextlib
import os
import signal
import sys
import uuid
from collections.abc import Container, Iterator, Mapping
from datetime import UTC, datetime
from typing import Any

import httpx

from local import ROOT, discovery, settings, tokens
from local.client import BrokenPromiseError, expect, poll, session_of, shortened
from local.discovery import RunningStack
from local.launcher import StackFailedError, running
from local.settings import SettingsError
from tools.demo import ledger
from tools.demo.shop import Shop, Site

DECLINED, ACCEPTED = "4000000000000002", "4242424242424242"


def buy(shop: Shop) -> ledger.Bought:
    """How credits come: two purchases, of 1100 and 500 credits. Raises BrokenPromiseError."""
    shop.step("What is for sale?")
    expect("standard" in shop.get("/api/payments/packages")["packages"], "the standard package is for sale")
    payment = create_twice(shop)
    declined_then_paid(shop, payment)
    check_credits(shop, 1100, purchases=1)
    late = pay_late(shop)
    check_credits(shop, 1600, purchases=2)
    return ledger.Bought(standard=payment, trial=late)


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
    print(f"   {len(answers)} events; our answers to their deliveries: {shortened(answers)}")
    print("   From here on each comes once, as usual.")
    shop.steer("PUT", "/webhooks", {"duplicates": 0})


def pay_late(shop: Shop) -> dict[str, Any]:
    shop.step("The next purchase is paid with Alipay, which settles later.")
    payment = shop.create("trial", str(uuid.uuid4()))
    session, path = session_of(payment), f"/api/payments/{payment['payment_id']}"
    shop.steer("POST", f"/checkout/{session}/pay", {"method": "alipay"})
    shop.eventually(path, lambda seen: seen["status"] == "processing", "the status is processing")
    shop.step("The money arrives.")
    shop.steer("POST", f"/checkout/{session}/settle", {"outcome": "succeeded"})
    shop.eventually(path, lambda seen: seen["status"] == "succeeded", "the status is succeeded")
    return payment


def check_credits(shop: Shop, balance: int, *, purchases: int) -> None:
    shop.step(f"The user has {balance} credits, and the history says how they came.")
    shop.eventually("/api/users/credits", lambda seen: seen["balance"] == balance, f"the balance is {balance}")
    history = shop.get("/api/users/credits/transactions")["transactions"]
    bought = [entry for entry in history if entry["transaction_type"] == "purchased"]
    expect(len(history) == len(bought) == purchases, f"there is exactly one purchased entry for each of {purchases}")


@contextlib.contextmanager
def site(api: str | None) -> Iterator[tuple[Site, RunningStack | None]]:
    """Where the demonstration takes place; with its tables where the stack, and so its time, is the demonstration's."""
    buyer = f"demo-{uuid.uuid4().hex[:8]}"  # somebody without a past
    if api is None:
        with running() as stack:
            print(f"A stack for this demonstration is ready after {stack.seconds:.1f} s, at {stack.api_url}.")
            yield _site(stack.values, stack.api_url, stack.stripe_url, buyer), discovery.of(stack)
        return
    chosen = settings.load(ROOT, os.environ)
    if not chosen.simulated:
        raise SettingsError("the demonstration needs the Stripe simulator: STRIPE_SECRET_KEY=sk_test_local_simulator")
    yield _site(chosen.values, api.rstrip("/"), f"http://localhost:{chosen.ports['STRIPE_PORT']}", buyer), None


def _site(values: Mapping[str, str], api: str, stripe: str, buyer: str) -> Site:
    now = datetime.now(UTC)
    return Site(
        api=api,
        stripe=stripe,
        token=tokens.mint(values, buyer, now),
        admin_token=tokens.mint_admin(values, "admin-demo", now),
        api_key=values["PROXY_API_KEY"].split(",")[0].strip(),
        stripe_key=values["STRIPE_SECRET_KEY"],
        user_id=buyer,
    )


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(prog="python -m tools.demo", description="Purchases and credits, step by step.")
    parser.add_argument("--api", metavar="URL", help="use the stack that runs there, instead of one of its own")
    try:
        with (
            site(parser.parse_args(arguments).api) as (found, own),
            httpx.Client(trust_env=False, timeout=30) as client,
        ):
            shop = Shop(found, client)
            ledger.use(shop, buy(shop), own)
    except (BrokenPromiseError, StackFailedError, SettingsError, httpx.HTTPError) as error:
        print(f"\nThe demonstration failed: {error}", file=sys.stderr)
        return 1
    print("\nEverything was as promised.")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C: the stack ends by itself when we are gone
    sys.exit(main(sys.argv[1:]))
