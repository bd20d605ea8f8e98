"""What staff see of a payment besides: its lot as it is now, and how long it has been waiting."""

import pytest

from local.in_process.api import as_support, as_user
from local.in_process.environment import API_KEY, USER_ID
from local.in_process.shop import Shop

FOR_STAFF = {"user_id", "quarantine_reason", "stripe", "lot", "age_seconds"}


def rows(shop: Shop, headers: dict[str, str]) -> list[dict[str, object]]:
    response = shop.api.get(f"/api/users/{USER_ID}/payments?limit=100", headers)
    assert response.status == 200
    found: list[dict[str, object]] = response.json()["payments"]
    return found


def test_the_lot_of_a_payment_is_shown_as_it_is_now(shop: Shop):
    payment_id, _ = shop.buy()
    bought = shop.payment(payment_id)["lot"]
    assert bought == {"granted": 1100, "remaining": 1100, "expires_at": shop.credits()["lots"][0]["expires_at"]}

    shop.spend(400)
    assert shop.payment(payment_id)["lot"] == bought | {"remaining": 700}
    shop.spend(700)
    assert shop.payment(payment_id)["lot"] == bought | {"remaining": 0}


def test_a_lot_past_its_expiry_has_nothing_left_also_before_that_is_written(shop: Shop):
    payment_id, _ = shop.buy()
    shop.wait(days=190)

    assert shop.payment(payment_id)["lot"]["remaining"] == 0


def test_credits_that_paid_a_debt_are_not_left(shop: Shop):
    first, _ = shop.buy()
    shop.spend(1100)
    shop.refund(first, 50, force=True)

    payment_id, _ = shop.buy()

    assert shop.payment(payment_id)["lot"]["remaining"] == 550


def test_an_unpaid_payment_has_no_lot_and_no_age_until_its_money_is_on_its_way(shop: Shop):
    payment = shop.create()
    assert not {"lot", "age_seconds"} & shop.payment(payment["payment_id"]).keys()

    shop.pay(payment, method="alipay")
    shop.deliver()
    shop.wait(minutes=2)
    assert shop.payment(payment["payment_id"])["age_seconds"] == 120
    assert "lot" not in shop.payment(payment["payment_id"])


def test_the_lots_of_a_page_cost_staff_one_more_request(shop: Shop):
    for _ in range(34):
        shop.buy("trial")
    shop.dynamodb.operations.clear()

    assert all("lot" in row for row in rows(shop, as_support()))
    assert shop.dynamodb.operations == ["Query", "BatchGetItem"]  # one user's wallet is read once

    shop.dynamodb.operations.clear()
    rows(shop, as_user(role="admin"))
    shop.api.get("/api/payments", as_user())
    assert shop.dynamodb.operations == ["Query", "BatchGetItem", "Query"]


@pytest.mark.parametrize("reader", ["owner", "service"])
def test_owners_and_services_see_nothing_that_is_for_staff(shop: Shop, reader: str):
    shop.buy()
    shop.pay(shop.create(), method="alipay")
    shop.deliver()

    if reader == "owner":
        seen = shop.api.get("/api/payments", as_user()).json()["payments"]
    else:
        seen = rows(shop, {"x-api-key": API_KEY})

    assert len(seen) == 2
    assert all(not FOR_STAFF & row.keys() for row in seen)
