"""The orders table restored to an earlier time than the credits table: nothing is granted or clawed back twice."""

from typing import Any

import pytest

from local.in_process.environment import NOW, USER_ID
from local.in_process.shop import Shop
from tests.integration.stripe_side import after_stripe_answers, quarantined, refunds_at_stripe
from topup import store
from topup.domain import times


def orders_of(shop: Shop) -> list[Any]:
    table = shop.dynamodb.orders_table
    return list(shop.dynamodb.client.scan(TableName=table, ConsistentRead=True)["Items"])


def restore(shop: Shop, items: list[Any]) -> None:
    table = shop.dynamodb.orders_table
    for item in orders_of(shop):
        shop.dynamodb.client.delete_item(TableName=table, Key={name: item[name] for name in ("payment_id", "record")})
    for item in items:
        shop.dynamodb.client.put_item(TableName=table, Item=item)


def paid_with_the_orders_before(shop: Shop) -> tuple[dict[str, Any], list[Any]]:
    """A payment whose credits are granted, and the orders as they were before it was paid."""
    payment = shop.create()
    unpaid = orders_of(shop)
    shop.pay(payment)
    shop.deliver()
    return payment, unpaid


@pytest.mark.parametrize("spent", [0, 300, 1100])
def test_a_payment_that_is_reported_again_grants_nothing_more(shop: Shop, spent: int):
    payment = shop.create()
    before = orders_of(shop)
    shop.pay(payment)
    events = [delivery.event_id for delivery in shop.due()]
    shop.deliver()
    if spent:
        shop.spend(spent)
    expires_at = shop.credits()["lots"][0]["expires_at"] if spent < 1100 else None
    restore(shop, before)
    shop.wait(hours=30)

    for event_id in events:
        shop.simulator.resend(event_id)
    assert set(shop.deliver()) == {200}

    seen = shop.payment(payment["payment_id"])
    assert (seen["status"], shop.balance(), len(shop.ledger())) == ("succeeded", 1100 - spent, 1 + (spent > 0))
    order = store.load_order(payment["payment_id"])
    assert order
    assert order.credits_expire_at
    if expires_at:
        assert shop.credits()["lots"][0]["expires_at"] == expires_at
    shop.check()


def test_a_payment_whose_credits_would_only_pay_a_debt_grants_nothing_more(shop: Shop):
    """Its lot has credits, and a new one would have none: they would not have one key."""
    payment, unpaid = paid_with_the_orders_before(shop)
    owing, other = (shop.hold(amount, overrun="debt").json() for amount in (500, 600))
    shop.capture(owing, 500 + 1200)
    known = shop.ledger()
    restore(shop, unpaid)

    assert resend_all(shop) == {200}

    assert (shop.ledger(), shop.credits()["debt"]) == (known, 1200)
    assert shop.payment(payment["payment_id"])["status"] == "succeeded"
    assert shop.release(other).status == 200
    shop.check()


def test_a_payment_whose_credits_are_past_their_expiry_grants_nothing_more(shop: Shop):
    """TTL has deleted the timer of its lot, and nobody has swept the lot yet: a new one would have other keys."""
    payment, unpaid = paid_with_the_orders_before(shop)
    expires_at = shop.credits()["lots"][0]["expires_at"]
    restore(shop, unpaid)
    shop.wait(days=200)
    timers = shop.due_timers(delete=True)

    assert resend_all(shop) == {200}

    assert (shop.ledger(), shop.balance()) == ([("purchased", 1100)], 0)
    order = store.load_order(payment["payment_id"])
    assert order
    assert order.credits_expire_at == times.from_text(expires_at)
    shop.consume([shop.ttl_record(timer) for timer in timers])
    assert shop.ledger() == [("purchased", 1100), ("expired", -1100)]
    shop.check()


@pytest.mark.parametrize("restored_to", ["before the payment", "before the refund"])
def test_a_refund_that_is_reported_again_takes_nothing_more(shop: Shop, restored_to: str):
    payment = shop.create()
    unpaid = orders_of(shop)
    intent = shop.pay(payment)
    shop.deliver()
    paid = orders_of(shop)
    shop.spend(200)
    shop.simulator.refund(intent, 5000)
    shop.deliver()
    assert shop.balance() == 350
    restore(shop, unpaid if restored_to == "before the payment" else paid)

    for delivery in shop.simulator.deliveries():
        shop.simulator.resend(delivery["event"])
    assert set(shop.deliver()) == {200}

    assert (shop.balance(), shop.payment(payment["payment_id"])["credits_refunded"]) == (350, 550)
    shop.check()
    assert shop.refund(payment["payment_id"], 20.0).json()["credits_refunded"] == 220
    assert shop.balance() == 130
    shop.check()


def test_a_failed_refund_that_is_reported_again_gives_its_money_back_once(shop: Shop):
    _, intent = shop.buy()
    refund = shop.simulator.refund(intent, 5000, pending=True)
    shop.deliver()
    in_flight = orders_of(shop)
    shop.simulator.fail_refund(refund["id"])
    shop.deliver()
    known = shop.ledger()
    restore(shop, in_flight)

    assert resend_all(shop) == {200}

    assert (shop.ledger(), shop.balance()) == (known, 1100)
    money = [entry.cause.money_minor for entry in store.list_entries(USER_ID, 10, None)]
    assert sum(money) == 10000
    shop.check()


@pytest.mark.parametrize("refunded", [0, 3000])
def test_a_dispute_that_is_heard_of_only_after_it_was_won_gives_everything_back(shop: Shop, refunded: int):
    payment_id, intent = shop.buy()
    paid = orders_of(shop)
    if refunded:
        shop.simulator.refund(intent, refunded)
    dispute = shop.simulator.dispute(intent)
    shop.deliver()
    assert shop.balance() == 0
    restore(shop, paid)
    shop.simulator.close_dispute(dispute["id"], "won")

    assert set(shop.deliver()) == {200}

    assert shop.balance() == 1100 - refunded * 1100 // 10000
    assert shop.ledger()[-1][0] == "dispute_reversed"
    assert sum(entry.cause.money_minor for entry in store.list_entries(USER_ID, 10, None)) == 10000 - refunded
    assert shop.payment(payment_id)["credits_refunded"] == refunded * 1100 // 10000
    shop.check()


def test_a_dispute_that_is_opened_again_while_its_unheard_end_is_recorded_stays_open(shop: Shop):
    payment_id, intent = shop.buy()
    paid = orders_of(shop)
    dispute = shop.simulator.dispute(intent)
    shop.deliver()
    restore(shop, paid)
    shop.simulator.close_dispute(dispute["id"], "won")

    def opened_again() -> None:
        shop.simulator.update_dispute(dispute["id"], "under_review")
        assert set(shop.deliver("charge.dispute.updated")) == {200}

    after_stripe_answers(shop, opened_again, f"/v1/disputes/{dispute['id']}")  # which says that it is won
    assert shop.deliver("charge.dispute.closed") == [200]

    [seen] = shop.payment(payment_id)["disputes"]
    assert (seen["status"], shop.balance()) == ("under_review", 0)
    shop.deliver()
    shop.check()


def test_a_payment_that_was_released_before_is_released_again_and_grants_nothing_more(shop: Shop):
    payment_id, _ = quarantined(shop, price_minor=20_000)
    before = orders_of(shop)
    shop.release_payment(payment_id, "fulfil")
    known = shop.ledger()
    restore(shop, before)

    released = shop.release_payment(payment_id, "fulfil").json()

    assert (released["status"], released["credits_purchased"]) == ("succeeded", 550)
    assert (shop.ledger(), shop.balance()) == (known, 550)
    shop.check()


@pytest.mark.parametrize("left", ["all", "nothing", "what has expired"])
def test_money_does_not_go_back_alone_where_the_credits_were_granted_before(shop: Shop, left: str):
    payment_id, _ = quarantined(shop, price_minor=20_000)
    before = orders_of(shop)
    shop.release_payment(payment_id, "fulfil")
    known = shop.ledger()
    if left == "nothing":
        shop.spend(550)
    restore(shop, before)
    if left == "what has expired":
        shop.wait(days=400)

    refused = shop.release_payment(payment_id, "refund")

    assert (refused.status, refused.json()["code"]) == (409, "not_releasable")
    assert "release it with fulfil" in refused.json()["detail"]
    assert (refunds_at_stripe(shop), shop.payment(payment_id)["status"]) == ([], "processing")
    shop.release_payment(payment_id, "fulfil")
    assert shop.ledger()[: len(known)] == known
    assert shop.refund(payment_id, force=True).status == 200
    shop.check()


def test_credits_that_were_granted_before_are_taken_where_the_money_went_back_in_the_dashboard(shop: Shop):
    payment_id, intent = quarantined(shop, price_minor=20_000)
    before = orders_of(shop)
    shop.release_payment(payment_id, "fulfil")
    restore(shop, before)
    shop.simulator.refund(intent)
    shop.deliver()
    assert shop.release_payment(payment_id, "refund").json()["code"] == "not_releasable"

    released = shop.release_payment(payment_id, "fulfil")

    assert (released.status, released.json()["credits_refunded"]) == (200, 550)
    assert shop.balance() == 0
    shop.check()


def resend_all(shop: Shop) -> set[int]:
    for delivery in shop.simulator.deliveries():
        shop.simulator.resend(delivery["event"])
    return set(shop.deliver())


@pytest.mark.parametrize("is_still_owed", [False, True])
def test_a_payment_that_paid_a_debt_grants_nothing_more(shop: Shop, is_still_owed: bool):
    _, intent = shop.buy()
    shop.spend(1100)
    dispute = shop.simulator.dispute(intent)
    shop.deliver()
    payment = shop.create("trial")
    before = orders_of(shop)
    shop.pay(payment)
    shop.deliver()
    assert (shop.balance(), shop.credits()["lots"]) == (-600, [])
    if not is_still_owed:
        shop.grant(1000)
    known = shop.ledger()
    restore(shop, before)

    assert resend_all(shop) == {200}

    assert (shop.ledger(), shop.payment(payment["payment_id"])["status"]) == (known, "succeeded")
    shop.check()
    shop.simulator.close_dispute(dispute["id"], "won")
    shop.deliver()
    assert shop.balance() == (500 if is_still_owed else 1500)
    shop.check()


@pytest.mark.parametrize("spent", [0, 300, 1100])
def test_a_payment_whose_lot_has_expired_grants_nothing_more(shop: Shop, spent: int):
    payment = shop.create()
    before = orders_of(shop)
    shop.pay(payment)
    shop.deliver()
    if spent:
        shop.spend(spent)
    expires_at = shop.now.replace(month=9)
    shop.api.now = expires_at
    shop.run_timers()
    known = shop.ledger()
    restore(shop, before)

    assert resend_all(shop) == {200}

    assert shop.ledger() == known
    order = store.load_order(payment["payment_id"])
    assert order
    assert (order.credits_expire_at, shop.balance()) == (expires_at, 0)
    shop.check()


@pytest.mark.parametrize("restored_to", ["before the payment", "before the refund"])
@pytest.mark.parametrize("spent", [0, 300, 800])
@pytest.mark.parametrize("amount", [5000, 10000])
def test_a_refund_that_is_reported_again_after_the_expiry_moves_nothing(
    shop: Shop, restored_to: str, spent: int, amount: int
):
    payment = shop.create()
    unpaid = orders_of(shop)
    intent = shop.pay(payment)
    shop.deliver()
    paid = orders_of(shop)
    if spent:
        shop.spend(spent)
    refund = shop.simulator.refund(intent, amount)
    shop.deliver()
    taken = -shop.ledger()[-1][1]
    shop.api.now = NOW.replace(month=9)
    shop.run_timers()
    known = shop.ledger()
    restore(shop, unpaid if restored_to == "before the payment" else paid)

    assert resend_all(shop) == {200}

    assert shop.ledger() == known
    shop.check()
    shop.simulator.fail_refund(refund["id"])
    shop.deliver()
    assert shop.ledger()[-1] == ("refund_reversed", taken)
    shop.check()
