"""What becomes of credits: spent, refunded, disputed, given back, expired; and the audit over all of it."""

import sys
import uuid
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus
from typing import Any

from local import ROOT
from local.aws.loader import LayerFinder
from local.client import broken, expect, session_of
from local.discovery import RunningStack
from tools.demo.shop import Shop

SIX_MONTHS = 185  # days; no six calendar months are longer than 184


@dataclass(frozen=True)
class Bought:
    """Two paid payments: 1100 credits for 100.00, and 500 for 50.00."""

    standard: dict[str, Any]
    trial: dict[str, Any]


def use(shop: Shop, bought: Bought, own: RunningStack | None) -> None:
    """The second half of the story; `own` is the stack where time may pass. Raises BrokenPromiseError."""
    spend(shop)
    refund(shop, bought.standard)
    refund_in_the_dashboard(shop, bought.standard)
    dispute(shop, bought.trial)
    if own is None:
        shop.step("Six months later the credits would expire. Not here: this stack's time is not the demonstration's.")
        return
    expire(shop)
    audit(shop, own)


def spend(shop: Shop) -> None:
    key = str(uuid.uuid4())
    shop.step("A service of ours spends 300 of the user's credits.")
    spent = shop.spend(300, "Translated 12 pages", key)
    expect(spent["balance_after"] == 1300, "1300 credits are left")
    shop.step("It never saw the answer, and asks again: same Idempotency-Key, same answer, nothing spent twice.")
    expect(shop.spend(300, "Translated 12 pages", key) == spent, "the second answer is the first one")
    shop.step("Too many at once are refused, and the refusal says how many there are.")
    refused = shop.spend(5000, "Translated a library", str(uuid.uuid4()), expected=HTTPStatus.CONFLICT)
    expect(refused["code"] == "insufficient_credits" and refused["balance"] == 1300, "the balance is told: 1300")


def refund(shop: Shop, payment: dict[str, Any]) -> None:
    shop.step("An administrator refunds 25.00 of the 100.00. A quarter of its 1100 credits goes back with it.")
    refunded = shop.refund(payment["payment_id"], 25.00)
    expect(refunded["amount"] == 25.0 and refunded["credits_refunded"] == 275, "275 credits go with 25.00")
    has_balance(shop, 1025)


def refund_in_the_dashboard(shop: Shop, payment: dict[str, Any]) -> None:
    shop.step("Somebody refunds another 10.00 in Stripe's Dashboard. Stripe's webhook tells us, and 110 credits go.")
    shop.steer("POST", f"/payment_intents/{shop.intent_of(session_of(payment))}/refund", {"amount": 1000})
    has_balance(shop, 915)
    seen = shop.get(f"/api/payments/{payment['payment_id']}")
    expect(seen["amount_refunded"] == 35.0 and len(seen["refunds"]) == 2, "the payment shows both refunds, of 35.00")


def dispute(shop: Shop, payment: dict[str, Any]) -> None:
    shop.step("The buyer disputes the other payment: its 500 credits are taken back at once.")
    opened = shop.steer("POST", f"/payment_intents/{shop.intent_of(session_of(payment))}/dispute", {})
    has_balance(shop, 415)
    shop.step("We win the dispute, and the credits return.")
    shop.steer("POST", f"/disputes/{opened['id']}/close", {"status": "won"})
    has_balance(shop, 915)


def expire(shop: Shop) -> None:
    shop.step("Six months pass. What is left of the two packages expires, once each.")
    shop.move_clock(SIX_MONTHS)
    path = "/api/users/credits/transactions"
    history = shop.eventually(path, lambda seen: len(_expired(seen)) == 2, "both packages have expired")
    expect(sum(entry["amount"] for entry in _expired(history)) == -915, "all of the 915 credits that were left")
    has_balance(shop, 0)
    shop.step("The history has a line for each change, and every line knows the balance after it.")
    for entry in history["transactions"]:
        print(
            f"   {entry['amount']:+6} → {entry['balance_after']:5}  {entry['transaction_type']}: {entry['description']}"
        )
    kinds = Counter(entry["transaction_type"] for entry in history["transactions"])
    once = ("spent", "disputed", "dispute_reversed")
    expect(kinds == Counter(once) + Counter(purchased=2, refunded=2, expired=2), "nothing happened twice")


def audit(shop: Shop, own: RunningStack) -> None:
    shop.step(
        "The audit reads all that is stored, and checks that it adds up (`make audit` does it whenever you like)."
    )
    sys.meta_path.append(LayerFinder(ROOT))
    from ops import audit as audits  # noqa: PLC0415 - Topup's own code, which the stack runs in another process
    from ops import target  # noqa: PLC0415

    with target.tables(own.environment):
        found = audits.audit(audits.clock_of(own))
    print(f"   {found}")
    if found.findings:
        broken("; ".join(found.findings))


def has_balance(shop: Shop, balance: int) -> None:
    shop.eventually("/api/users/credits", lambda seen: seen["balance"] == balance, f"the balance is {balance}")


def _expired(history: dict[str, Any]) -> list[dict[str, Any]]:
    return [entry for entry in history["transactions"] if entry["transaction_type"] == "expired"]
