"""A payment with more refunds than one page of a query holds (1 MB)."""

import json
from typing import Any

from local.in_process.dynamodb import a_response, overtaken_by
from local.in_process.shop import Shop
from tests.integration.stripe_side import refunds_at_stripe
from topup import store


def order_alone(execute: Any) -> Any:
    """A page with the order alone, as if its refunds had more than the megabyte that a page holds."""
    page = json.loads(execute().content)
    if len(page["Items"]) < 2 or page["Items"][0]["record"]["S"] != "ORDER":
        return a_response(page)
    first = page["Items"][0]
    last = {name: first[name] for name in ("payment_id", "record")}
    return a_response(page | {"Items": [first], "Count": 1, "LastEvaluatedKey": last})


def read_in_small_pages(shop: Shop) -> None:
    for _ in range(40):
        shop.dynamodb.fail("Query", order_alone)


def with_three_refunds(shop: Shop) -> str:
    payment_id, _ = shop.buy()
    for number in range(3):
        assert shop.refund(payment_id, 10, f"key-{number}").status == 200
    return payment_id


def test_all_refunds_of_a_payment_are_read_however_many_pages_they_take(shop: Shop):
    payment_id = with_three_refunds(shop)
    read_in_small_pages(shop)

    payment = store.load_payment(payment_id)

    assert payment
    assert payment.order.refunded_minor == 3000
    assert len(payment.reversals) == 3


def test_a_refund_beyond_the_first_page_is_found_by_its_key(shop: Shop):
    payment_id = with_three_refunds(shop)
    read_in_small_pages(shop)

    assert shop.refund(payment_id, 10, "key-2").status == 200
    assert len(refunds_at_stripe(shop)) == 3
    shop.dynamodb.clear_faults()
    shop.check()


def test_a_refund_beyond_the_first_page_can_fail(shop: Shop):
    with_three_refunds(shop)
    newest = refunds_at_stripe(shop)[0]["id"]
    shop.deliver()
    shop.simulator.fail_refund(newest)
    read_in_small_pages(shop)

    assert set(shop.deliver()) == {200}
    shop.dynamodb.clear_faults()
    assert shop.balance() == 1100 - 220
    shop.check()


def test_a_payment_that_changes_between_two_pages_is_read_again(shop: Shop):
    payment_id = with_three_refunds(shop)
    shop.dynamodb.fail("Query", order_alone)
    shop.dynamodb.fail("Query", overtaken_by(lambda: shop.refund(payment_id, 10, "key-3")))

    payment = store.load_payment(payment_id)

    assert payment
    assert sum(reversal.amount_minor for reversal in payment.reversals) == payment.order.refunded_minor == 4000


def test_a_reason_is_as_long_as_stripe_keeps_it_at_most(shop: Shop):
    payment_id, _ = shop.buy()

    assert shop.refund(payment_id, 10, reason="😀" * 501).status == 422
    assert shop.refund(payment_id, 10, reason="😀" * 500).status == 200
    assert refunds_at_stripe(shop)[0]["metadata"]["reason"] == "😀" * 500
