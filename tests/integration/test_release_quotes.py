"""What ending a quarantine would do is said before, and then it does just that."""

from collections.abc import Callable
from typing import Any

import pytest

from local.in_process.api import ApiResponse, as_admin, as_support, as_user
from local.in_process.shop import Shop
from tests.integration.stripe_side import quarantined, refunds_at_stripe, set_order
from tests.integration.test_releases import paid_besides
from tests.integration.test_restored_orders import orders_of, restore


def asked(shop: Shop, payment_id: str, headers: dict[str, str] | None = None) -> ApiResponse:
    return shop.api.get(f"/api/payments/{payment_id}?expand=release_quote", headers or as_support())


def quote(shop: Shop, payment_id: str) -> dict[str, Any]:
    response = asked(shop, payment_id)
    assert response.status == 200
    quoted: dict[str, Any] = response.json()["release_quote"]
    return quoted


def owe_110(shop: Shop) -> None:
    """Let the user owe credits: they have spent them, and a tenth of their price goes back."""
    _, intent = shop.buy()
    shop.spend(1100)
    shop.simulator.refund(intent, 1000)
    shop.deliver()
    assert shop.credits()["debt"] == 110


# ------------------------------------------------------------------------------------------------------- the decisions


def test_both_decisions_are_told_before_one_is_made(shop: Shop):
    payment_id, intent = quarantined(shop)
    before = (orders_of(shop), shop.ledger())

    assert quote(shop, payment_id) == {
        "payment_intent": intent,
        "amount_paid": 100.0,
        "amount_returned": 0.0,
        "currency": "CNY",
        "fulfil": {"credits": 550, "credits_to_debt": 0, "credits_taken_back": 0, "refused": None},
        "refund": {"amount": 100.0, "refused": None},
    }
    assert (orders_of(shop), shop.ledger()) == before


def refund_a_part(shop: Shop, intent: str) -> None:
    shop.simulator.refund(intent, 3000)
    shop.deliver()


def dispute(shop: Shop, intent: str) -> None:
    shop.simulator.dispute(intent)
    shop.deliver()


def refund_and_dispute(shop: Shop, intent: str) -> None:
    refund_a_part(shop, intent)
    dispute(shop, intent)


@pytest.mark.parametrize("price_minor", [9_000, 10_001, 20_000])
@pytest.mark.parametrize("is_in_debt", [False, True])
@pytest.mark.parametrize("happens", [None, refund_a_part, dispute, refund_and_dispute])
def test_fulfilling_does_what_was_said(
    shop: Shop, happens: Callable[[Shop, str], None] | None, is_in_debt: bool, price_minor: int
):
    if is_in_debt:
        owe_110(shop)
    payment_id, intent = quarantined(shop, price_minor)
    if happens:
        happens(shop, intent)
    said = quote(shop, payment_id)["fulfil"]
    known = len(shop.ledger())

    released = shop.release_payment(payment_id, "fulfil").json()

    assert (released["credits_purchased"], released.get("credits_to_debt", 0)) == (
        said["credits"],
        said["credits_to_debt"],
    )
    granted, *taken = shop.ledger()[known:]
    assert granted == ("purchased", said["credits"])
    assert sum(-amount for _, amount in taken) == said["credits_taken_back"]
    assert bool(said["credits_taken_back"]) is (happens is not None)
    assert said["credits_to_debt"] == (110 if is_in_debt else 0)
    shop.check()


@pytest.mark.parametrize("returned", [0, 3000])
def test_giving_back_does_what_was_said(shop: Shop, returned: int):
    payment_id, intent = quarantined(shop)
    if returned:
        refund_a_part(shop, intent)
    said = quote(shop, payment_id)
    assert (said["amount_paid"], said["amount_returned"]) == (100.0, returned / 100)

    shop.release_payment(payment_id, "refund")

    [made, *_] = refunds_at_stripe(shop)
    assert (made["amount"], said["refund"]) == (10_000 - returned, {"amount": 100 - returned / 100, "refused": None})
    shop.check()


# ------------------------------------------------------------------------------------------------- what is not possible


def refused(shop: Shop, payment_id: str, action: str) -> str:
    """Why a decision is refused; nothing was changed."""
    response = shop.release_payment(payment_id, action)
    assert (response.status, response.json()["code"]) == (409, "not_releasable")
    return str(response.json()["detail"])


def too_little(shop: Shop) -> str:
    return quarantined(shop, price_minor=100_000_000)[0]


def another_currency(shop: Shop) -> str:
    payment = shop.create()
    set_order(shop, payment["payment_id"], currency={"S": "USD"})
    shop.pay(payment)
    shop.deliver()
    return str(payment["payment_id"])


def money_gone_back(shop: Shop) -> str:
    payment_id, intent = quarantined(shop)
    shop.simulator.refund(intent)
    shop.deliver()
    return payment_id


@pytest.mark.parametrize("case", [too_little, another_currency, money_gone_back])
def test_where_credits_cannot_be_granted_it_says_why(shop: Shop, case: Callable[[Shop], str]):
    payment_id = case(shop)

    said = quote(shop, payment_id)

    assert said["fulfil"]["refused"] == refused(shop, payment_id, "fulfil")
    assert said["fulfil"]["credits"] == 0
    assert said["refund"] == {"amount": said["amount_paid"] - said["amount_returned"], "refused": None}
    assert shop.release_payment(payment_id, "refund").status == 200


@pytest.mark.parametrize("amount", [10_000, 3_000])
@pytest.mark.parametrize("ends", [None, "lost"])
def test_where_a_bank_decides_the_money_cannot_be_given_back(shop: Shop, ends: str | None, amount: int):
    payment_id, intent = quarantined(shop)
    dispute = shop.simulator.dispute(intent, amount=amount)
    if ends:
        shop.simulator.close_dispute(dispute["id"], ends)
    shop.deliver()

    said = quote(shop, payment_id)["refund"]

    if ends and amount == 10_000:
        assert said == {"amount": 0.0, "refused": None}
        assert shop.release_payment(payment_id, "refund").status == 200
    else:
        assert said == {"amount": 0.0, "refused": refused(shop, payment_id, "refund")}
        assert "the bank decides" in said["refused"]
        assert shop.payment(payment_id)["under_review"]
    assert refunds_at_stripe(shop) == []


@pytest.mark.parametrize("ends", ["won", "warning_closed"])
def test_where_a_bank_has_decided_for_us_it_can(shop: Shop, ends: str):
    payment_id, intent = quarantined(shop)
    status = "warning_needs_response" if ends == "warning_closed" else "needs_response"
    dispute = shop.simulator.dispute(intent, status=status)
    shop.simulator.close_dispute(dispute["id"], ends)
    shop.deliver()

    said = quote(shop, payment_id)["refund"]

    assert said == {"amount": 100.0, "refused": None}
    assert shop.release_payment(payment_id, "refund").status == 200


def test_where_the_intent_is_not_known_nothing_is_possible(shop: Shop):
    payment_id, _ = quarantined(shop)
    key = {"payment_id": {"S": payment_id}, "record": {"S": "ORDER"}}
    table = shop.dynamodb.orders_table
    shop.dynamodb.client.update_item(TableName=table, Key=key, UpdateExpression="REMOVE rejected_intent")

    said = quote(shop, payment_id)

    why = refused(shop, payment_id, "fulfil")
    assert (said["fulfil"]["refused"], said["refund"]["refused"]) == (why, why)
    assert (said["payment_intent"], said["currency"], said["amount_paid"]) == (None, None, 0.0)


def test_a_payment_that_stripe_does_not_know_is_named(shop: Shop):
    payment_id, _ = quarantined(shop)
    set_order(shop, payment_id, rejected_intent={"S": "pi_unknown"})

    said = quote(shop, payment_id)

    assert said["payment_intent"] == "pi_unknown"
    assert said["fulfil"]["refused"] == said["refund"]["refused"] == refused(shop, payment_id, "fulfil")


@pytest.mark.parametrize("is_back", [False, True])
def test_what_a_lost_record_granted_is_not_granted_again(shop: Shop, is_back: bool):
    payment_id, intent = quarantined(shop)
    before = orders_of(shop)
    shop.release_payment(payment_id, "fulfil")
    restore(shop, before)
    if is_back:
        shop.simulator.refund(intent)
        shop.lose()
    said = quote(shop, payment_id)
    assert said["fulfil"] == {
        "credits": 0,
        "credits_to_debt": 0,
        "credits_taken_back": 550 if is_back else 0,
        "refused": None,
    }
    assert said["refund"]["refused"] == refused(shop, payment_id, "refund")

    assert shop.release_payment(payment_id, "fulfil").status == 200

    assert shop.balance() == (0 if is_back else 550)
    shop.check()


def test_credits_that_a_lost_record_has_taken_back_are_not_taken_again(shop: Shop):
    payment_id, intent = quarantined(shop)
    before = orders_of(shop)
    shop.release_payment(payment_id, "fulfil")
    refund_a_part(shop, intent)
    restore(shop, before)
    shop.wait(days=3)  # the lot does not live from today on
    shop.simulator.refund(intent, 2000)
    shop.deliver()
    assert shop.ledger() == [("purchased", 550), ("refunded", -165)]

    assert quote(shop, payment_id)["fulfil"]["credits_taken_back"] == 110

    shop.release_payment(payment_id, "fulfil")
    assert shop.ledger()[2:] == [("refunded", -110)]
    shop.check()


def test_a_second_payment_of_an_order_can_only_be_given_back(shop: Shop):
    payment, _ = paid_besides(shop)
    shop.pay(payment)
    shop.deliver()
    payment_id = payment["payment_id"]

    said = quote(shop, payment_id)

    assert "has its credits" in said["fulfil"]["refused"]
    assert said["refund"] == {"amount": said["amount_paid"], "refused": None}


def test_a_payment_that_waits_for_nothing_has_no_decision(shop: Shop):
    payment_id, _ = shop.buy()

    assert asked(shop, payment_id).json()["release_quote"] is None


# -------------------------------------------------------------------------------------------------- who may ask, faults


def test_administrators_and_support_may_ask_and_users_may_not(shop: Shop):
    payment_id, _ = quarantined(shop)

    assert asked(shop, payment_id, as_admin()).json()["release_quote"]["fulfil"]["credits"] == 550
    response = asked(shop, payment_id, as_user())
    assert (response.status, response.json()["errors"][0]["field"]) == (422, "expand")
    assert "release_quote" not in shop.payment(payment_id)


def test_where_stripe_does_not_answer_neither_does_this(shop: Shop):
    payment_id, intent = quarantined(shop)
    shop.fault(f"/v1/payment_intents/{intent}", "500", times=10)

    assert asked(shop, payment_id).status in (502, 503)
