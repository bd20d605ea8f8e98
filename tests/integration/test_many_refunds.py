"""A payment whose refunds and disputes change while it is read, or take more than one page of a query (1 MB)."""

import json
from typing import Any

from local.in_process.dynamodb import a_response, overtaken_by
from local.in_process.shop import Shop
from local.stripe_simulator.core.webhooks import Delivery
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


def first_alone(execute: Any) -> Any:
    """A page with its first item alone, where a whole payment is read."""
    page = json.loads(execute().content)
    if len(page["Items"]) < 2:
        return a_response(page)
    first = page["Items"][0]
    last = {name: first[name] for name in ("payment_id", "record")}
    return a_response(page | {"Items": [first], "Count": 1, "LastEvaluatedKey": last})


def with_two_disputes(shop: Shop) -> tuple[str, Delivery]:
    """A payment with one dispute, and the delivery of another one, which stands before it in the table."""
    while True:
        payment_id, intent = shop.buy()
        first = shop.simulator.dispute(intent, amount=1000)
        opened = [one for one in shop.due() if one.event_type == "charge.dispute.created"]
        assert [shop.deliver_one(one) for one in opened] == [200]
        shop.simulator.close_dispute(first["id"], "won")
        shop.due()  # that is on its way
        second = shop.simulator.dispute(intent, amount=1000)
        [*_, delivery] = [one for one in shop.due() if one.event_type == "charge.dispute.created"]
        if second["id"] < first["id"]:
            return payment_id, delivery
        shop.deliver()


def test_a_dispute_that_comes_before_the_page_that_is_read_next_is_read_too(shop: Shop):
    payment_id, dispute = with_two_disputes(shop)
    for fault in (first_alone, first_alone, overtaken_by(lambda: shop.deliver_one(dispute))):
        shop.dynamodb.fail("Query", fault)

    payment = store.load_payment(payment_id)

    assert payment
    assert sum(reversal.amount_minor for reversal in payment.reversals) == payment.order.disputed_minor == 2000


def test_a_page_that_has_one_part_of_a_change_alone_is_read_again(shop: Shop):
    payment_id, dispute = with_two_disputes(shop)

    def in_part(execute: Any) -> Any:
        before = json.loads(execute().content)
        assert shop.deliver_one(dispute) == 200
        after = json.loads(execute().content)
        changed = {item["record"]["S"]: item for item in after["Items"] if item["record"]["S"] == "ORDER"}
        return a_response(before | {"Items": [changed.get(item["record"]["S"], item) for item in before["Items"]]})

    shop.dynamodb.fail("Query", in_part)

    payment = store.load_payment(payment_id)

    assert payment
    assert sum(reversal.amount_minor for reversal in payment.reversals) == payment.order.disputed_minor == 2000


def test_a_payment_whose_figures_are_wrong_can_still_be_read(shop: Shop):
    payment_id = with_three_refunds(shop)
    shop.dynamodb.client.update_item(
        TableName=shop.dynamodb.orders_table,
        Key={"payment_id": {"S": payment_id}, "record": {"S": "ORDER"}},
        UpdateExpression="SET refunded_minor = :wrong",
        ExpressionAttributeValues={":wrong": {"N": "1"}},
    )

    payment = store.load_payment(payment_id)

    assert payment
    assert (payment.order.refunded_minor, len(payment.reversals)) == (1, 3)


def test_a_reason_is_as_long_as_stripe_keeps_it_at_most(shop: Shop):
    payment_id, _ = shop.buy()

    assert shop.refund(payment_id, 10, reason="😀" * 501).status == 422
    assert shop.refund(payment_id, 10, reason="😀" * 500).status == 200
    assert refunds_at_stripe(shop)[0]["metadata"]["reason"] == "😀" * 500
