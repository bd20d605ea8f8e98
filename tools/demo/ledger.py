"""What becomes of credits: they are spent, refunded, disputed, restored and expired, and the audit checks it all."""

import sys
import uuid
from collections import Counter
from dataclasses import dataclass
from http import HTTPStatus

from local import ROOT
from local.aws.loader import LayerFinder
from local.client import CREDITS, PAYMENTS, TRANSACTIONS, broken, expect
from local.discovery import RunningStack
from tools.demo.shop import Json, Shop

SIX_MONTHS = 185 * 86_400  # seconds; no six calendar months are longer than 184 days


@dataclass(frozen=True)
class Bought:
    """Two paid payments: 1100 credits for 100.00, and 500 for 50.00."""

    standard: Json
    trial: Json


def use(shop: Shop, bought: Bought, own: RunningStack | None) -> None:
    """`own` is the stack, if its clock may be moved. Raises BrokenPromiseError."""
    refund(shop, bought.standard)
    refund_in_the_dashboard(shop, bought.standard)
    dispute(shop, bought.trial)
    if own is None:
        shop.step("Six months later the credits would expire. Not here: the demo does not move another stack's clock.")
        return
    expire(shop)
    audit(shop, own)


def spend(shop: Shop) -> None:
    key = str(uuid.uuid4())
    shop.step("A service of ours spends 300 of the user's credits: the 50 that expire first, then purchased ones.")
    spent = shop.spend(300, "Translated 12 pages", key)
    expect(spent["balance_after"] == 1350, "1350 credits are left")
    shop.step(
        "The response was lost, so the service retries: same Idempotency-Key, same response, nothing spent twice."
    )
    expect(shop.spend(300, "Translated 12 pages", key) == spent, "the second response equals the first")
    shop.step("A spend of more than the balance is refused, and the response states the balance.")
    refused = shop.spend(5000, "Translated a library", str(uuid.uuid4()), expected=HTTPStatus.CONFLICT)
    expect(refused["code"] == "insufficient_credits" and refused["balance"] == 1350, "the stated balance is 1350")
    shop.step("The credits that are left are those of the two purchases.")
    left = {lot["source"] for lot in shop.get(CREDITS)["lots"]}
    expect(left == {"purchase"}, "nothing of the grant is left")


def refund(shop: Shop, payment: Json) -> None:
    shop.step("The first user gets 25.00 of the 100.00 back. A quarter of the 1100 credits is clawed back.")
    refunded = shop.refund(payment, 25.00)
    expect(refunded["amount"] == 25.0 and refunded["credits_refunded"] == 275, "275 credits go with 25.00")
    has_balance(shop, 975)


def refund_in_the_dashboard(shop: Shop, payment: Json) -> None:
    shop.step(
        "Another 10.00 is refunded in Stripe's Dashboard. Stripe's webhook reports it; 110 credits are clawed back."
    )
    shop.shown.stripe.refund(shop.quiet.stripe.intent_of(payment), 1000)
    has_balance(shop, 865)
    seen = shop.get(f"{PAYMENTS}/{payment['payment_id']}")
    expect(seen["amount_refunded"] == 35.0 and len(seen["refunds"]) == 2, "the payment shows both refunds, of 35.00")


def dispute(shop: Shop, payment: Json) -> None:
    shop.step("The buyer disputes the other payment: its 500 credits are clawed back at once.")
    opened = shop.shown.stripe.dispute(shop.quiet.stripe.intent_of(payment))
    has_balance(shop, 365)
    shop.step("We win the dispute, and the credits return.")
    shop.shown.stripe.close_dispute(opened, "won")
    has_balance(shop, 865)


def expire(shop: Shop) -> None:
    shop.step("Six months pass. What is left of the two packages expires, once each.")
    shop.shown.local.move_clock(SIX_MONTHS)
    history = shop.eventually(TRANSACTIONS, lambda seen: len(_expired(seen)) == 2, "both packages have expired")
    expect(sum(entry["amount"] for entry in _expired(history)) == -865, "all of the 865 credits that were left")
    has_balance(shop, 0)
    shop.step("The history has a line for each change, with the balance after it.")
    for entry in history["transactions"]:
        print(
            f"   {entry['amount']:+6} → {entry['balance_after']:5}  {entry['transaction_type']}: {entry['description']}"
        )
    kinds = Counter(entry["transaction_type"] for entry in history["transactions"])
    once = ("granted", "spend_reversed", "disputed", "dispute_reversed")
    expect(kinds == Counter(once) + Counter(purchased=2, spent=2, refunded=2, expired=2), "nothing happened twice")


def audit(shop: Shop, own: RunningStack) -> None:
    shop.step("The audit reads everything that is stored and checks that it adds up (`make audit` on your own stack).")
    sys.meta_path.append(LayerFinder(ROOT))
    from ops import audit as audits  # noqa: PLC0415 - Topup's own code, which the stack runs in another process
    from ops import target  # noqa: PLC0415

    with target.tables(own.environment):
        found = audits.audit(audits.clock_of(own))
    print(f"   {found}")
    if found.findings:
        broken("; ".join(found.findings))


def has_balance(shop: Shop, balance: int, *, held: int = 0) -> None:
    promise = f"the balance is {balance}" + (f", of which {held} are held" if held else "")
    wanted = (balance, held, balance - held)
    shop.eventually(CREDITS, lambda seen: (seen["balance"], seen["held"], seen["available"]) == wanted, promise)


def _expired(history: Json) -> list[Json]:
    return [entry for entry in history["transactions"] if entry["transaction_type"] == "expired"]
