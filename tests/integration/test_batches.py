"""Several spends in one request: all of them or none, each once."""

import pytest

from local.in_process.environment import API_KEY, USER_ID
from local.in_process.shop import Shop


def test_a_batch_spends_all_with_one_read_and_one_write_and_an_entry_each(shop: Shop):
    shop.grant(100)
    shop.dynamodb.operations.clear()

    response = shop.batch([("a", 10), ("b", 20), ("c", 30)])

    assert shop.dynamodb.operations == ["Query", "TransactWriteItems"]
    items = response.json()["items"]
    assert [(item["amount"], item["balance_after"], item["available_after"]) for item in items] == [
        (10, 90, 90),
        (20, 70, 70),
        (30, 40, 40),
    ]
    assert shop.ledger()[-3:] == [("spent", -10), ("spent", -20), ("spent", -30)]
    shop.check()


def test_a_batch_that_does_not_fit_spends_nothing(shop: Shop):
    shop.grant(50)

    refused = shop.batch([("a", 10), ("b", 41)])

    assert (refused.status, refused.json()["code"]) == (409, "insufficient_credits")
    assert shop.balance() == 50
    assert shop.batch([("a", 10), ("b", 40)]).status == 200
    shop.check()


def test_of_a_batch_that_is_half_repeated_only_the_new_spends_are_made(shop: Shop):
    shop.grant(100)
    first = shop.batch([("a", 10), ("b", 20)]).json()["items"]
    alone = shop.spend(5, "c").json()

    again = shop.batch([("c", 5), ("d", 1), ("b", 20), ("a", 10)])

    assert [again.json()["items"][place] for place in (0, 2, 3)] == [alone, first[1], first[0]]
    assert "idempotent-replayed" not in again.headers
    assert (shop.balance(), len(shop.ledger())) == (100 - 36, 5)
    replayed = shop.batch([("a", 10), ("d", 1)])
    assert replayed.headers["idempotent-replayed"] == "true"
    assert shop.spend(1, "d").json() == replayed.json()["items"][1]
    shop.check()


def test_a_batch_that_was_made_is_answered_also_where_there_are_too_few_credits_for_another(shop: Shop):
    shop.grant(30)
    first = shop.batch([("a", 10), ("b", 20)])

    assert shop.batch([("a", 10), ("b", 20)]).json() == first.json()
    assert shop.batch([("a", 10), ("new", 1)]).status == 409
    assert shop.balance() == 0


def test_a_key_of_another_spend_refuses_the_batch(shop: Shop):
    shop.grant(100)
    shop.spend(5, "a")

    assert shop.batch([("a", 6)]).json()["code"] == "idempotency_conflict"
    assert shop.batch([("b", 10), ("a", 6), ("c", 10)]).json()["code"] == "idempotency_conflict"
    assert shop.balance() == 95
    assert len(shop.ledger()) == 2  # nothing of the batch was spent


def test_the_same_key_twice_in_a_batch_is_refused(shop: Shop):
    refused = shop.batch([("a", 1), ("a", 1)])

    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "items")


@pytest.mark.parametrize("number", [0, 41])
def test_a_batch_has_from_one_to_forty_spends(shop: Shop, number: int):
    refused = shop.batch([(f"key-{n}", 1) for n in range(number)])

    assert (refused.status, refused.json()["errors"][0]["field"]) == (422, "items")


def test_the_largest_batch_takes_from_many_lots(shop: Shop):
    for _ in range(40):
        shop.grant(1)

    assert shop.batch([(f"key-{n}", 1) for n in range(40)]).status == 200

    assert (shop.balance(), shop.credits()["lots"]) == (0, [])
    shop.check()


def test_a_batch_needs_no_key_of_its_own_and_a_service(shop: Shop):
    body = {"user_id": USER_ID, "items": [{"key": "a", "amount": 1, "description": "work"}]}
    shop.grant(1)

    assert shop.api.post("/api/users/credits/spend/batch", body).status == 401
    assert shop.api.post("/api/users/credits/spend/batch", body, {"x-api-key": API_KEY}).status == 200
