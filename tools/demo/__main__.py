"""`python -m tools.demo`: credits are given, bought, spent, held, refunded and expire, step by step.

It prints every request and its response. It starts a new stack, or uses the one at `--api URL`.
"""

import argparse
import contextlib
import os
import signal
import sys
import uuid
from collections.abc import Container, Iterator
from datetime import timedelta
from http import HTTPStatus

import httpx

from local import ROOT, discovery, settings
from local.client import DECLINED_CARD, PAYMENTS, TRANSACTIONS, BrokenPromiseError, expect, poll
from local.discovery import RunningStack
from local.launcher import StackFailedError, running
from local.settings import SettingsError
from tools.demo import language_model, ledger, taxes
from tools.demo.shop import Json, Shop, Site, shortened


def welcome(shop: Shop) -> None:
    """A sign-up bonus of 50 credits. Raises BrokenPromiseError."""
    shop.step("A new user signs up, and an administrator grants 50 credits for two weeks, in the campaign welcome.")
    expires_at = shop.quiet.local.now().replace(microsecond=0) + timedelta(days=14)
    granted = shop.grant(50, "Sign-up bonus", "welcome", expires_at)
    expect(granted["balance_after"] == 50, "the user has 50 credits")
    shop.step("Another request grants the same campaign again. It is refused: a user gets a campaign's credits once.")
    refused = shop.grant(50, "Sign-up bonus", "welcome", expires_at, expected=HTTPStatus.CONFLICT)
    expect(refused["code"] == "already_granted", "the code is already_granted")
    shop.step("The user's history shows the grant.")
    history = shop.get(TRANSACTIONS)["transactions"]
    shown = [(entry["transaction_type"], entry["amount"]) for entry in history]
    expect(shown == [("granted", 50)], "there is one granted entry, of 50 credits")
    ledger.has_balance(shop, 50)


def buy(shop: Shop) -> ledger.Bought:
    """Two purchases, of 1100 and 500 credits. Raises BrokenPromiseError."""
    shop.step("What is for sale?")
    expect("standard" in shop.get(f"{PAYMENTS}/packages")["packages"], "the standard package is for sale")
    payment = create_twice(shop)
    pay_after_a_decline(shop, payment)
    check_credits(shop, 1150, purchases=1)
    late = pay_late(shop)
    check_credits(shop, 1650, purchases=2)
    return ledger.Bought(standard=payment, trial=late)


def create_twice(shop: Shop) -> Json:
    key = str(uuid.uuid4())
    shop.step("The user buys the standard package. That creates a payment, and a page to pay it on.")
    payment = shop.create("standard", key)
    expect(payment["status"] == "pending" and payment["amount"] == "100.00", "it is pending, for 100.00")
    shop.step("The network was slow, so the page repeats the request: same Idempotency-Key, same payment.")
    expect(shop.create("standard", key) == payment, "the second response equals the first")
    return payment


def pay_after_a_decline(shop: Shop, payment: Json) -> None:
    path = f"{PAYMENTS}/{payment['payment_id']}"
    shop.step("The buyer's first card is declined. The payment has failed, says why, and may be tried again.")
    shop.shown.stripe.pay(payment, card=DECLINED_CARD)
    failed = shop.eventually(path, lambda seen: seen["status"] == "failed", "the status is failed")
    expect(bool(failed.get("error_message")), "the reason is given")
    shop.step("From here on Stripe delivers each event three times. Credits must still be granted once.")
    shop.shown.stripe.set_webhooks(duplicates=2)
    before = shop.deliveries()
    shop.step("The buyer pays with another card on the same page, and Stripe's webhook reports it.")
    shop.shown.stripe.pay(payment)
    shop.eventually(path, lambda seen: seen["status"] == "succeeded", "the status is succeeded")
    check_deliveries(shop, before)


def check_deliveries(shop: Shop, before: Container[str]) -> None:
    shop.step("Each of the payment's events was delivered three times and acknowledged.")

    def new() -> list[list[int | None]]:
        return [statuses for event, statuses in shop.deliveries().items() if event not in before]

    def complete(found: list[list[int | None]]) -> bool:
        return bool(found) and all(len(statuses) >= 3 and httpx.codes.OK in statuses for statuses in found)

    found = poll(new, complete, "each event was delivered three times")
    print(f"   {len(found)} events; our responses to their deliveries: {shortened(found)}")
    print("   From here on each is delivered once, as usual.")
    shop.shown.stripe.set_webhooks(duplicates=0)


def pay_late(shop: Shop) -> Json:
    shop.step("The next purchase is paid with Alipay, which settles later.")
    payment = shop.create("trial", str(uuid.uuid4()))
    path = f"{PAYMENTS}/{payment['payment_id']}"
    shop.shown.stripe.pay(payment, method="alipay")
    shop.eventually(path, lambda seen: seen["status"] == "processing", "the status is processing")
    shop.step("The money arrives.")
    shop.shown.stripe.settle(payment, "succeeded")
    shop.eventually(path, lambda seen: seen["status"] == "succeeded", "the status is succeeded")
    return payment


def check_credits(shop: Shop, balance: int, *, purchases: int) -> None:
    shop.step(f"The user has {balance} credits, and the history shows each purchase.")
    ledger.has_balance(shop, balance)
    history = shop.get(TRANSACTIONS)["transactions"]
    bought = [entry for entry in history if entry["transaction_type"] == "purchased"]
    expect(len(bought) == purchases, f"there is exactly one purchased entry for each of {purchases}")
    expect(len(history) == purchases + 1, "beside them there is only the grant")


@contextlib.contextmanager
def site(api: str | None) -> Iterator[tuple[Site, RunningStack | None]]:
    """The stack to use; also its tables, if the demo has started it and may therefore move its clock."""
    buyer = f"demo-{uuid.uuid4().hex[:8]}"  # a new user, without a history
    if api is None:
        with running(CATALOGUE_FILE=taxes.CATALOGUE) as stack:
            print(f"The demo's stack is ready after {stack.seconds:.1f} s, at {stack.api_url}.")
            yield Site(stack.api_url, stack.stripe_url, stack.values, buyer), discovery.of(stack)
        return
    chosen = settings.load(ROOT, os.environ)
    if not chosen.simulated:
        raise SettingsError("the demo needs the Stripe simulator: STRIPE_SECRET_KEY=sk_test_local_simulator")
    yield Site(api.rstrip("/"), f"http://localhost:{chosen.ports['STRIPE_PORT']}", chosen.values, buyer), None


def main(arguments: list[str]) -> int:
    parser = argparse.ArgumentParser(
        prog="python -m tools.demo", description="A grant, purchases, holds and refunds, step by step."
    )
    parser.add_argument("--api", metavar="URL", help="use the stack that runs there, instead of starting one")
    try:
        with (
            site(parser.parse_args(arguments).api) as (found, own),
            httpx.Client(trust_env=False, timeout=30) as http,
        ):
            print("/api is Topup, /_sim steers the Stripe simulator, /_local the stack's clock.")
            shop = Shop(found, http)
            welcome(shop)
            bought = buy(shop)
            ledger.spend(shop)
            language_model.call(shop)
            if own:  # another stack may sell without taxes and codes
                taxes.trade(shop.of_another())
            ledger.use(shop, bought, own)
    except (BrokenPromiseError, StackFailedError, SettingsError, httpx.HTTPError) as error:
        print(f"\nThe demonstration failed: {error}", file=sys.stderr)
        return 1
    print("\nEverything was as promised.")
    return 0


if __name__ == "__main__":
    signal.signal(signal.SIGINT, signal.SIG_DFL)  # Ctrl-C: the stack stops when this process is gone
    sys.exit(main(sys.argv[1:]))
