"""The packages on sale."""

from local.in_process.api import Api
from local.in_process.dynamodb import Emulator
from tests.support.stripe_wire import StripeWire


def test_anyone_may_list_the_packages_without_a_call_of_dynamodb_or_stripe(
    api: Api, dynamodb: Emulator, stripe_wire: StripeWire
):
    response = api.get("/api/payments/packages")

    assert response.json() == {
        "packages": {
            "trial": {"name": "体验包", "credits": 500, "price": "50.00", "currency": "CNY", "unit_price": 0.10},
            "standard": {"name": "标准包", "credits": 1100, "price": "100.00", "currency": "CNY", "unit_price": 0.091},
            "value": {"name": "超值包", "credits": 6000, "price": "500.00", "currency": "CNY", "unit_price": 0.083},
            "premium": {"name": "豪华包", "credits": 13000, "price": "1000.00", "currency": "CNY", "unit_price": 0.076},
        },
        "credit_value_rmb": 0.1,
    }
    assert (dynamodb.operations, stripe_wire.requests) == ([], [])


def test_packages_are_named_in_the_requested_language(api: Api):
    names = {
        query: api.get(f"/api/payments/packages{query}").json()["packages"]["trial"]["name"]
        for query in ("", "?lang=en", "?lang=xx", "?lang=")
    }

    assert names == {"": "体验包", "?lang=en": "Trial", "?lang=xx": "体验包", "?lang=": "体验包"}
