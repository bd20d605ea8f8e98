"""A quote says what the refund then does, changes nothing, and is refused once it is no longer true."""

from typing import Any

import pytest

from local.in_process.api import ApiResponse, as_support
from local.in_process.shop import Shop

QUOTE = "/api/payments/stripe/refund/quote"


def refund_as_quoted(shop: Shop, quoted: ApiResponse, payment_id: str, key: str | None = None, **body: Any) -> Any:
    """Make the refund that was quoted, forced: no other refusal is of interest."""
    quote = quoted.json()
    body = {"force": True, "quote_token": quote["quote_token"]} | body
    return shop.refund(payment_id, quote["amount"], key, **body)


def test_a_quote_says_what_the_refund_takes_and_from_where(shop: Shop):
    payment_id, _ = shop.buy()
    shop.grant(50)

    quoted = shop.quote(payment_id)

    assert quoted.status == 200
    assert quoted.json() | {"quote_token": ""} == {
        "amount": 100.0,
        "credits_refunded": 1100,
        "from_own_lot": 1100,
        "from_other_lots": 0,
        "debt": 0,
        "holds_uncovered": 0,
        "largest_refundable": "100.00",
        "quote_token": "",
    }


def test_a_quote_names_other_lots_debt_and_held_credits(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(1000)
    shop.grant(150)
    shop.hold(40)

    quote = shop.quote(payment_id).json()

    assert (quote["credits_refunded"], quote["from_own_lot"], quote["from_other_lots"]) == (1100, 100, 150)
    assert (quote["debt"], quote["holds_uncovered"], quote["largest_refundable"]) == (850, 40, "19.18")


@pytest.mark.parametrize("amount", [None, 0.01, 25, 33.33, 60.5, 100])
@pytest.mark.parametrize("spent", [0, 700, 1100])
def test_the_refund_does_what_the_quote_says(shop: Shop, amount: float | None, spent: int):
    payment_id, _ = shop.buy()
    shop.grant(30)
    if spent:
        shop.spend(spent)
    before = shop.credits()

    quoted = shop.quote(payment_id, amount)
    assert shop.credits() == before
    refunded = refund_as_quoted(shop, quoted, payment_id).json()

    quote, after = quoted.json(), shop.credits()
    assert (refunded["amount"], refunded["credits_refunded"]) == (quote["amount"], quote["credits_refunded"])
    assert after["debt"] == quote["debt"]
    remaining = [sum(lot["remaining"] for lot in user["lots"]) for user in (before, after)]
    assert remaining[0] - remaining[1] == quote["from_own_lot"] + quote["from_other_lots"]
    shop.check()


def test_a_quote_writes_nothing_and_asks_stripe_nothing(shop: Shop):
    payment_id, _ = shop.buy()
    shop.fault("/v1/", "500", times=1)
    shop.dynamodb.operations.clear()

    assert shop.quote(payment_id).status == 200

    assert shop.dynamodb.operations == ["Query", "Query", "BatchGetItem"]


def test_the_largest_refundable_amount_of_a_quote_is_refunded_and_no_more(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(333)
    shop.hold(100)
    largest = float(shop.quote(payment_id).json()["largest_refundable"])

    assert shop.refund(payment_id, round(largest + 0.01, 2)).json()["code"] == "credits_spent"
    quote = shop.quote(payment_id, largest).json()
    assert (quote["debt"], quote["holds_uncovered"]) == (0, 0)
    assert shop.refund(payment_id, largest, quote_token=quote["quote_token"]).status == 200


def test_a_quote_with_debt_still_needs_force(shop: Shop):
    payment_id, _ = shop.buy()
    shop.spend(1)
    quoted = shop.quote(payment_id)

    refused = refund_as_quoted(shop, quoted, payment_id, force=False)

    assert (refused.status, refused.json()["code"]) == (409, "credits_spent")
    assert refund_as_quoted(shop, quoted, payment_id).status == 200


@pytest.mark.parametrize(
    "change",
    [
        lambda shop, payment_id: shop.refund(payment_id, 1),
        lambda shop, _: shop.spend(200),
        lambda shop, _: shop.hold(200),
        lambda shop, _: shop.wait(days=400),
    ],
    ids=["another refund", "a spend", "a hold", "the expiry"],
)
def test_a_refund_that_would_do_something_else_by_now_is_refused(shop: Shop, change: Any):
    payment_id, _ = shop.buy()
    quoted = shop.quote(payment_id, 99)
    change(shop, payment_id)
    ledger = shop.ledger()

    refused = refund_as_quoted(shop, quoted, payment_id)

    assert (refused.status, refused.json()["code"]) == (409, "quote_stale")
    assert shop.ledger() == ledger
    assert refund_as_quoted(shop, shop.quote(payment_id, 99), payment_id).status == 200


def test_a_spend_that_changes_nothing_of_the_refund_does_not_make_its_quote_stale(shop: Shop):
    payment_id, _ = shop.buy()
    quoted = shop.quote(payment_id, 25)
    shop.spend(100)
    shop.grant(5)

    assert refund_as_quoted(shop, quoted, payment_id).status == 200


def test_a_quote_of_another_amount_or_payment_does_not_fit(shop: Shop):
    first, second = (shop.buy()[0] for _ in range(2))
    token = shop.quote(first, 25).json()["quote_token"]

    for payment_id, amount in ((first, 26), (second, 25), (first, None)):
        refused = shop.refund(payment_id, amount, quote_token=token)
        assert (refused.status, refused.json()["code"]) == (409, "quote_stale")
    assert shop.refund(first, 25.0, quote_token=token).status == 200


def test_a_repeated_key_gets_its_refund_whatever_the_quote_says_by_now(shop: Shop):
    payment_id, _ = shop.buy()
    quoted = shop.quote(payment_id, 25)
    made = refund_as_quoted(shop, quoted, payment_id, "ticket-1")

    for body in ({}, {"quote_token": "0" * 64}, {"quote_token": None}):
        again = refund_as_quoted(shop, quoted, payment_id, "ticket-1", **body)
        assert (again.status, again.json()) == (200, made.json())
        assert again.headers["idempotent-replayed"] == "true"
    assert shop.payment(payment_id)["amount_refunded"] == 25


def test_what_cannot_be_refunded_has_no_quote(shop: Shop):
    payment_id, _ = shop.buy()
    pending = shop.create()["payment_id"]

    assert shop.quote("x").status == 404
    assert shop.quote(pending).json()["code"] == "not_refundable"
    assert shop.quote(payment_id, 100.01).json() | {"request_id": ""} == shop.refund(payment_id, 100.01).json() | {
        "request_id": ""
    }
    assert shop.quote(payment_id, 0.001).json()["errors"][0]["field"] == "amount"


@pytest.mark.parametrize("token", ["", "x", "0" * 63, "G" * 64, 5])
def test_what_is_no_token_is_refused_and_named(shop: Shop, token: Any):
    payment_id, _ = shop.buy()

    response = shop.refund(payment_id, quote_token=token)

    assert (response.status, response.json()["errors"][0]["field"]) == (422, "quote_token")


def test_support_reads_quotes(shop: Shop):
    payment_id, _ = shop.buy()

    assert shop.api.post(QUOTE, {"payment_id": payment_id}, as_support()).status == 200
