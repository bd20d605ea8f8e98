"""A buyer ends a payment that is open: at Stripe, and here."""

from typing import Any

import pytest

from local.client import session_of
from local.in_process.api import as_admin, as_buyer, as_user
from local.in_process.dynamodb import lost_after, overtaken_by
from local.in_process.shop import Shop
from tests.integration.stripe_side import calls_of_stripe

CARD_DECLINED = "4000000000000002"


def status_at_stripe(shop: Shop, payment: dict[str, Any]) -> str:
    return str(shop.simulator.session(session_of(payment))["status"])


def test_a_cancelled_payment_can_be_paid_by_nobody_and_has_ended(shop: Shop):
    payment = shop.create()

    response = shop.cancel(payment)

    assert (response.status, response.json()["status"]) == (200, "expired")
    assert status_at_stripe(shop, payment) == "expired"
    assert shop.payment(payment["payment_id"])["status"] == "expired"
    assert set(shop.deliver()) == {200}
    assert shop.payment(payment["payment_id"])["status"] == "expired"


def test_a_cancelled_payment_answers_the_same_again_and_asks_stripe_nothing(shop: Shop):
    payment = shop.create()
    first = shop.cancel(payment)
    calls = calls_of_stripe(shop)

    again = shop.cancel(payment)

    assert (again.status, again.json()) == (200, first.json())
    assert ("idempotent-replayed" in first.headers, again.headers["idempotent-replayed"]) == (False, "true")
    assert calls == []


def test_a_cancel_costs_two_calls_of_stripe_two_reads_and_one_write(shop: Shop):
    payment = shop.create()
    calls = calls_of_stripe(shop)
    shop.dynamodb.operations.clear()

    shop.cancel(payment)

    session = f"/v1/checkout/sessions/{session_of(payment)}"
    assert [call.partition("?")[0] for call in calls] == [f"GET {session}", f"POST {session}/expire"]
    assert shop.dynamodb.operations == ["Query", "BatchGetItem", "UpdateItem"]


def test_what_was_paid_meanwhile_is_fulfilled_and_not_cancelled(shop: Shop):
    payment = shop.create()
    shop.pay(payment)

    response = shop.cancel(payment)

    assert (response.status, response.json()["status"]) == (200, "succeeded")
    assert shop.balance() == 1100
    shop.deliver()
    assert shop.balance() == 1100
    assert shop.cancel(payment).json() == response.json()
    shop.check()


def test_what_was_paid_and_refunded_meanwhile_shows_its_refund(shop: Shop):
    payment = shop.create()
    shop.simulator.refund(shop.pay(payment), 2500)
    shop.lose()

    response = shop.cancel(payment).json()

    assert (response["status"], response["amount_refunded"], response["credits_refunded"]) == ("succeeded", 25.0, 275)
    assert len(response["refunds"]) == 1
    shop.check()


def test_a_buyer_who_pays_at_the_very_moment_of_the_cancel_gets_the_credits(shop: Shop):
    payment = shop.create()
    carry_out = shop.simulator.request

    def paid_first(method: str, url: str, *rest: Any) -> Any:
        if url.partition("?")[0].endswith("/expire"):
            shop.pay(payment)
        return carry_out(method, url, *rest)

    shop.simulator.request = paid_first  # type: ignore[method-assign, assignment]

    response = shop.cancel(payment)

    assert (response.status, response.json()["status"]) == (200, "succeeded")
    assert shop.balance() == 1100


def test_a_declined_payment_is_cancelled_too(shop: Shop):
    payment = shop.create()
    shop.pay(payment, card=CARD_DECLINED)
    shop.deliver()
    assert shop.payment(payment["payment_id"])["may_retry"] is True

    response = shop.cancel(payment).json()

    assert (response["status"], response["may_retry"]) == ("failed", False)
    assert status_at_stripe(shop, payment) == "expired"


@pytest.mark.parametrize("is_reported", [True, False])
def test_a_payment_whose_money_is_on_its_way_cannot_be_cancelled(shop: Shop, is_reported: bool):
    payment = shop.create()
    shop.pay(payment, method="alipay")
    if is_reported:
        shop.deliver()

    response = shop.cancel(payment)

    assert (response.status, response.json()["code"]) == (409, "not_cancellable")
    assert shop.payment(payment["payment_id"])["status"] == "processing"


def test_a_quarantined_payment_cannot_be_cancelled(shop: Shop):
    payment = shop.create()
    quarantine(shop, payment)

    response = shop.cancel(payment)

    assert (response.status, response.json()["code"]) == (409, "not_cancellable")
    assert "checks" in response.json()["detail"]


def quarantine(shop: Shop, payment: dict[str, Any]) -> None:
    table = shop.dynamodb
    table.client.update_item(
        TableName=table.orders_table,
        Key={"payment_id": {"S": payment["payment_id"]}, "record": {"S": "ORDER"}},
        UpdateExpression="SET quarantine_reason = :reason",
        ExpressionAttributeValues={":reason": {"S": "amount"}},
    )


def test_another_users_payment_reads_exactly_like_an_unknown_one(shop: Shop):
    payment = shop.create()
    unknown = {"payment_id": "00000000-0000-4000-8000-000000000000"}

    responses = [shop.cancel(payment, user="thief"), shop.cancel(unknown), shop.cancel({"payment_id": "x"})]
    as_staff = shop.api.post(f"/api/payments/{payment['payment_id']}/cancel", headers=as_admin())

    assert [response.status for response in (*responses, as_staff)] == [404] * 4
    bodies = [response.json() | {"request_id": ""} for response in (*responses, as_staff)]
    assert all(body == bodies[0] for body in bodies)
    assert status_at_stripe(shop, payment) == "open"


def test_only_a_token_cancels(shop: Shop):
    payment = shop.create()

    response = shop.api.post(f"/api/payments/{payment['payment_id']}/cancel")

    assert response.status == 401


def test_an_order_without_a_session_ends_and_its_request_may_come_again(shop: Shop):
    shop.fault("/v1/checkout/sessions", "500")
    create = {"package": "standard"}, as_buyer() | {"idempotency-key": "order-1"}
    assert shop.api.post("/api/payments/stripe/create", *create).status == 502
    [listed] = shop.api.get("/api/payments", as_user()).json()["payments"]

    assert shop.cancel(listed).json()["status"] == "expired"

    again = shop.api.post("/api/payments/stripe/create", *create).json()
    assert (again["payment_id"], again["status"]) == (listed["payment_id"], "pending")
    shop.pay(again)
    shop.deliver()
    assert shop.balance() == 1100


def test_a_session_that_is_opened_while_its_order_ends_is_ended_too(shop: Shop):
    shop.fault("/v1/checkout/sessions", "500")
    create = {"package": "standard"}, as_buyer() | {"idempotency-key": "order-1"}
    shop.api.post("/api/payments/stripe/create", *create)
    [listed] = shop.api.get("/api/payments", as_user()).json()["payments"]
    opened: list[dict[str, Any]] = []
    # After the order was read without a session, and before it ends.
    shop.dynamodb.fail(
        "BatchGetItem",
        overtaken_by(lambda: opened.append(shop.api.post("/api/payments/stripe/create", *create).json())),
    )

    response = shop.cancel(listed)

    assert (response.status, response.json()["status"]) == (200, "expired")
    assert status_at_stripe(shop, opened[0]) == "expired"


@pytest.mark.parametrize("do", ["timeout_after", "timeout_before", "500"])
def test_an_answer_of_stripes_that_is_lost_leaves_nothing_half_done(shop: Shop, do: str):
    payment = shop.create()
    shop.fault(f"/v1/checkout/sessions/{session_of(payment)}/expire", do)

    response = shop.cancel(payment)

    if do == "timeout_after":
        assert (response.status, response.json()["status"]) == (200, "expired")
    else:
        assert (response.status, response.json()["code"]) == (502, "stripe_error")
        assert shop.payment(payment["payment_id"])["status"] == "pending"
    assert shop.cancel(payment).json()["status"] == "expired"


def test_a_lost_answer_of_the_database_is_looked_up(shop: Shop):
    payment = shop.create()
    shop.dynamodb.fail("UpdateItem", lost_after)

    response = shop.cancel(payment)

    assert (response.status, response.json()["status"]) == (200, "expired")


def test_while_stripe_cannot_be_asked_nothing_ends(shop: Shop):
    payment = shop.create()
    shop.fault(f"/v1/checkout/sessions/{session_of(payment)}", "500", times=2)

    assert shop.cancel(payment).status == 502
    assert shop.payment(payment["payment_id"])["status"] == "pending"
