"""The amounts that a refund may have, in currencies where not every amount can be moved."""

import pytest

from local.in_process.api import Api, as_admin
from local.in_process.dynamodb import Emulator
from local.in_process.environment import API_KEY, NOW, USER_ID
from tests.support.builders import PAYMENT_ID, a_payment, an_order
from topup import fulfilment, store


def refund(api: Api, amount: float | None) -> tuple[int, dict[str, str]]:
    body = {"payment_id": PAYMENT_ID, "reason": "Customer request", "amount": amount}
    response = api.post("/api/payments/stripe/refund", body, as_admin())
    return response.status, response.json()


@pytest.mark.parametrize(
    ("currency", "amount_minor", "largest"),
    [("ISK", 99_000, "810.00"), ("UGX", 99_000, "810.00"), ("KWD", 99_000, "81.080")],
)
def test_the_largest_refund_that_is_offered_is_one_that_stripe_can_make(
    api: Api, dynamodb: Emulator, currency: str, amount_minor: int, largest: str
):
    store.place_order(an_order(currency=currency, amount_minor=amount_minor))
    fulfilment.apply(a_payment(currency=currency, amount_minor=amount_minor), NOW)
    spend = {"user_id": USER_ID, "amount": 200, "description": "work"}
    api.post("/api/users/credits/spend", spend, {"x-api-key": API_KEY, "idempotency-key": "k"})

    status, problem = refund(api, None)

    assert (status, problem["code"], problem["largest_refundable"]) == (409, "credits_spent", largest)


@pytest.mark.parametrize(("currency", "amount"), [("ISK", 100.5), ("UGX", 0.01), ("KWD", 1.005), ("JPY", 0.5)])
def test_a_refund_that_stripe_cannot_make_is_refused_by_its_amount(
    api: Api, dynamodb: Emulator, currency: str, amount: float
):
    store.place_order(an_order(currency=currency, amount_minor=99_000))
    fulfilment.apply(a_payment(currency=currency, amount_minor=99_000), NOW)

    status, problem = refund(api, amount)

    assert (status, problem["errors"][0]["field"]) == (422, "amount")  # type: ignore[index]
