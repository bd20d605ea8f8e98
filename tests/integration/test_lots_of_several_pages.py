"""Reads of more lots than one page of a query holds."""

import json
from collections.abc import Callable
from typing import Any

import pytest

from local.in_process.api import as_user
from local.in_process.dynamodb import a_response, overtaken_by
from local.in_process.shop import Shop
from tests.integration.test_many_lots import EXPIRY, grant_lots

pytestmark = pytest.mark.usefixtures("parse_once")


def first_item_alone(execute: Callable[[], Any]) -> Any:
    """A page of one item, as if the lots had more than the megabyte that a page holds."""
    page = json.loads(execute().content)
    if len(page["Items"]) < 2:  # the wallet, which has no page after it
        return a_response(page)
    first = page["Items"][0]
    last = {name: first[name] for name in ("user_id", "record")}
    return a_response(page | {"Items": [first], "Count": 1, "LastEvaluatedKey": last})


@pytest.mark.parametrize("read", ["balance", "spend"])
def test_a_change_between_two_pages_of_a_read_is_not_read_by_half(shop: Shop, read: str):
    grant_lots(shop, 2, each=10, expires_at=EXPIRY)
    shop.dynamodb.fail("Query", first_item_alone)
    shop.dynamodb.fail("Query", overtaken_by(lambda: shop.spend(15)))

    if read == "balance":
        assert (shop.balance(), len(shop.credits()["lots"])) == (5, 1)
    else:
        assert shop.spend(6).json()["balance"] == 5
    shop.check()


def test_lots_of_several_pages_are_read_once_each(shop: Shop):
    grant_lots(shop, 3, each=10, expires_at=EXPIRY)

    def two_items_alone(execute: Callable[[], Any]) -> Any:
        page = json.loads(execute().content)
        last = {name: page["Items"][1][name] for name in ("user_id", "record")}
        return a_response(page | {"Items": page["Items"][:2], "Count": 2, "LastEvaluatedKey": last})

    shop.dynamodb.fail("Query", two_items_alone)

    credits = shop.credits()

    assert (credits["balance"], [lot["remaining"] for lot in credits["lots"]]) == (30, [10, 10, 10])


def test_a_read_whose_pages_always_belong_to_different_changes_ends_in_503(shop: Shop):
    grant_lots(shop, 60, each=10, expires_at=EXPIRY)

    def overtaken(execute: Callable[[], Any]) -> Any:
        waiting, shop.dynamodb._faults = shop.dynamodb._faults, []
        shop.spend(1)
        shop.dynamodb._faults = waiting
        return execute()

    for _ in range(20):
        shop.dynamodb.fail("Query", first_item_alone)
        shop.dynamodb.fail("Query", overtaken)
        shop.dynamodb.fail("Query", lambda execute: execute())  # the wallet once more

    response = shop.api.get("/api/users/credits", as_user())

    assert (response.status, response.headers["retry-after"]) == (503, "2")
    shop.dynamodb.clear_faults()
    shop.check()
