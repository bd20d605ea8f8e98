"""The demo's purchase with a promotion code and tax, and a refund whose consequences are shown before it is made."""

import uuid
from http import HTTPStatus

from local.client import CREDITS, PAYMENTS, expect
from tools.demo.shop import Json, Shop

CATALOGUE = "local/example_catalogue.json"  # it offers both; the deployed one does not, until its operator wants that


def trade(shop: Shop) -> None:
    """A user of their own buys, spends, and gets a part of the money back. Raises BrokenPromiseError."""
    payment = buy(shop)
    shop.step("Our service spends 800 of the 1100 credits.")
    shop.spend(800, "Translated a handbook", str(uuid.uuid4()))
    quoted = quote(shop, payment)
    refund(shop, payment, quoted)


def buy(shop: Shop) -> Json:
    shop.step("Another user buys the same package, with a promotion code of 10 %. The tax of 6 % is added at the end.")
    payment = shop.create("standard", str(uuid.uuid4()))
    shop.shown.stripe.pay(payment, promotion_code="SAVE10", tax_minor=540)
    path = f"{PAYMENTS}/{payment['payment_id']}"
    paid = shop.eventually(path, lambda seen: seen["status"] == "succeeded", "the status is succeeded")
    figures = (paid["amount"], paid["discount"], paid["tax"], paid["amount_paid"])
    expect(
        figures == (100.0, 10.0, 5.4, 95.4),
        "of the price of 100.00, 10.00 are taken off; with 5.40 tax, 95.40 are paid",
    )
    expect(shop.get(CREDITS)["balance"] == 1100, "the credits are those of the price: 1100")
    return payment


def quote(shop: Shop, payment: Json) -> Json:
    shop.step("The user wants the money back. An administrator asks first what that would do. It changes nothing.")
    whole = shop.quote(payment, None)
    expect(whole["amount"] == 95.4 and whole["credits_refunded"] == 1100, "all of the 95.40 go with all 1100 credits")
    expect(whole["debt"] == 800, "800 of these are spent, so the user would owe them")
    largest = float(whole["largest_refundable"])
    shop.step(f"So that refund is refused. {largest:.2f} can go back without a debt; that is quoted as well.")
    refused = shop.refund(payment, 95.4, expected=HTTPStatus.CONFLICT)
    expect(refused["code"] == "credits_spent", "the code is credits_spent")
    quoted = shop.quote(payment, largest)
    expect(quoted["debt"] == 0 and quoted["credits_refunded"] <= 300, "it takes no more than the 300 that are left")
    return quoted


def refund(shop: Shop, payment: Json, quoted: Json) -> None:
    shop.step("The refund is made with the quote's token: it does just what was quoted, or nothing.")
    made = shop.refund(payment, quoted["amount"], quote_token=quoted["quote_token"])
    done = (made["amount"], made["credits_refunded"])
    expect(done == (quoted["amount"], quoted["credits_refunded"]), "money and credits are those of the quote")
    shop.step("The same token again is refused: the payment is not as it was when that was quoted.")
    stale = shop.refund(payment, quoted["amount"], quote_token=quoted["quote_token"], expected=HTTPStatus.CONFLICT)
    expect(stale["code"] == "quote_stale", "the code is quote_stale")
